ardour {
  ["type"] = "EditorAction",
  name = "Draw an Audio: Regenerate",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Make another take of the same cue at the same place, with the next seed.]],
}

function factory ()
  return function ()
    local main, problem = loadfile (ARDOUR.user_config_directory (-1) .. "/drawaudio/main.lua")
    if main then
      main ().run ("regenerate")
    else
      LuaDialog.Message ("Draw an Audio", "Run `drawaudio install-presets ardour` again: " .. problem,
        LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
    end
  end
end
