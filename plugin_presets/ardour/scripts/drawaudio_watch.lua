ardour {
  ["type"] = "EditorHook",
  name = "Draw an Audio: watch for takes",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Imports takes onto their track as soon as they are ready.]],
}

function signals ()
  local wanted = LuaSignal.Set ()
  wanted:add ({ [LuaSignal.LuaTimerDS] = true })
  return wanted
end

function factory ()
  local main = loadfile (ARDOUR.user_config_directory (-1) .. "/drawaudio/main.lua")
  local watch = main and main ().watch
  return function ()
    -- The timer also runs while no session is open.
    if watch and Session then watch () end
  end
end
