-- The parts of the preset put together: main (folder) gives { run (verb), watch () }.

return function (folder)
  local function part (name) return dofile (folder .. "lib/" .. name .. ".lua") end

  local TITLE = "Draw an Audio"
  local function complain (text) reaper.ShowMessageBox (text, TITLE, 0) end

  local json, files = part ("json"), part ("files")
  local service = part ("service") (json, files)
  local markers, curve = part ("markers"), part ("curve")
  local reading = part ("reading") (markers, curve)
  local takes = part ("takes") (json, reading)
  local memory = part ("memory") (json)
  local spool = part ("spool") (json, files, service)
  local answers = part ("answers") (service, memory)
  local watch = part ("watch") (answers, reading, takes, memory, complain)
  local verbs = part ("verbs") (service, spool, reading, takes, memory)

  -- A script of its own: an action that kept running would ask, when its key is pressed again, whether to end it.
  local function start_watching ()
    if memory.is_watched () then return end
    local command = reaper.AddRemoveReaScript (true, 0, folder .. "Draw an Audio - Watch.lua", true)
    if command == 0 then error ("REAPER cannot run '" .. folder .. "Draw an Audio - Watch.lua'.", 0) end
    reaper.Main_OnCommand (command, 0)
  end

  -- Verbs of which a key that is held down means one, however often it repeats itself.
  local ONCE = { generate = true, regenerate = true, regenerate_selection = true }

  local main = { watch = watch }

  --- Run one of the six verbs; what goes wrong is said in a message box, in one line.
  function main.run (verb)
    -- REAPER gives every script an undo step of its own, unless the script defers something: a key would take two steps back.
    reaper.defer (function () end)
    if memory.is_repeated (verb) and ONCE[verb] then return end
    local ok, problem = pcall (verbs[verb])
    if ok and #memory.pending () > 0 then ok, problem = pcall (start_watching) end
    if not ok then complain (tostring (problem)) end
  end

  return main
end
