-- The parts of the preset put together. `loadfile (…/drawaudio/main.lua) ()` gives { run (verb), watch () }.

local folder = ARDOUR.user_config_directory (-1) .. "/drawaudio/"

local function part (name)
  local chunk, problem = loadfile (folder .. name .. ".lua")
  if not chunk then error (problem, 0) end
  return chunk ()
end

-- In Ardour's own dialog, and in the terminal it was started from.
local function complain (text)
  io.stderr:write ("Draw an Audio: " .. text .. "\n")
  LuaDialog.Message ("Draw an Audio", text, LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end

local json, files, crc32 = part ("json"), part ("files"), part ("crc32")
local service = part ("service") (json, files)
local reading, takes = part ("reading"), part ("takes")
local wire, memory = part ("wire") (json, service, crc32), part ("memory") (json, files)
local verbs = part ("verbs") (service, wire, reading, takes, memory)
local answers = part ("answers") (service, memory)

local main = { watch = part ("watch") (answers, wire, reading, takes, memory, complain) }

--- Run one of the six verbs; what goes wrong is said in Ardour's own dialog. (An action that raises is unloaded by Ardour.)
function main.run (verb)
  local ok, problem = pcall (verbs[verb])
  if not ok then complain (tostring (problem)) end
end

return main
