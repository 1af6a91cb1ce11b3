ardour {
  ["type"] = "EditorAction",
  name = "Draw an Audio: Cancel",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Give up all that is being made for this session.]],
}

function factory ()
  return function ()
    local main, problem = loadfile (ARDOUR.user_config_directory (-1) .. "/drawaudio/main.lua")
    if main then
      main ().run ("cancel")
    else
      LuaDialog.Message ("Draw an Audio", "Run `drawaudio install-presets ardour` again: " .. problem,
        LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
    end
  end
end
