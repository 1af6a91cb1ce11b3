-- Small whole files: read, and write so that a reader never sees half of one.

local files = {}

--- The text of a file, or nil where there is none.
function files.read (path)
  local file = io.open (path, "rb")
  if not file then return nil end
  local text = file:read ("a")
  file:close ()
  return text
end

--- Write under another name, then rename; raises one line where that fails.
function files.write (path, text)
  local temporary = path .. ".new"
  local file, problem = io.open (temporary, "wb")
  if not file then error ("Cannot write " .. tostring (problem), 0) end
  file:write (text)
  file:close ()
  if os.rename (temporary, path) then return end
  -- Windows does not rename over an existing file.
  os.remove (path)
  local renamed, reason = os.rename (temporary, path)
  if not renamed then error ("Cannot write " .. tostring (reason), 0) end
end

return files
