-- What this session waits for, and which region is which take: two small files in the session's folder,
-- so that a take that gets ready while Ardour is closed is imported when it opens again.

return function (json, files)
  local memory = {}

  local function path (name) return Session:path () .. "/drawaudio-" .. name .. ".json" end

  local function load (name)
    local text = files.read (path (name))
    if not text then return nil end
    local ok, value = pcall (json.decode, text)
    return ok and value or nil
  end

  --- Open requests, oldest first: { id, verb, track, span_start, session, sent, imported, request }.
  function memory.pending () return load ("pending") or {} end

  function memory.set_pending (list)
    if #list == 0 then os.remove (path ("pending")) else files.write (path ("pending"), json.encode (json.array (list))) end
  end

  function memory.add_pending (entry)
    local list = memory.pending ()
    list[#list + 1] = entry
    memory.set_pending (list)
  end

  --- Region id -> { take, span_start, position, session, session_id } of every take imported into this session.
  function memory.takes () return load ("takes") or {} end

  --- Note which take a region is, and where it belongs by its file; `entry` is the request it answers.
  function memory.remember_take (region_id, file, entry)
    local known = memory.takes ()
    known[region_id] = { take = file.take_id, span_start = entry.span_start, position = file.position,
      session = entry.session, session_id = entry.session_id }
    files.write (path ("takes"), json.encode (known))
  end

  return memory
end
