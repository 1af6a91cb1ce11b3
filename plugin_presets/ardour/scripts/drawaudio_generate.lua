ardour {
  ["type"] = "EditorAction",
  name = "Draw an Audio: Generate",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Make a take of the named range under the playhead, as loud as the lane of the selected track says.]],
}

function factory ()
  return function ()
    local main, problem = loadfile (ARDOUR.user_config_directory (-1) .. "/drawaudio/main.lua")
    if main then
      main ().run ("generate")
    else
      LuaDialog.Message ("Draw an Audio", "Run `drawaudio install-presets ardour` again: " .. problem,
        LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
    end
  end
end
