ardour {
  ["type"] = "EditorAction",
  name = "Draw an Audio: Next take",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Let the next take of this place sound.]],
}

function factory ()
  return function ()
    local main, problem = loadfile (ARDOUR.user_config_directory (-1) .. "/drawaudio/main.lua")
    if main then
      main ().run ("next_take")
    else
      LuaDialog.Message ("Draw an Audio", "Run `drawaudio install-presets ardour` again: " .. problem,
        LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
    end
  end
end
