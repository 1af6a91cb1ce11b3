-- Requests to the service through its inbox folder: REAPER's Lua has no sockets.

return function (json, files, service)
  local spool = {}

  local function put (id, object)
    local info = service.info ()
    files.write (info.session .. "/inbox/" .. id .. ".json", json.encode (object))
    return info
  end

  function spool.submit (id, request) return put (id, service.cue (request)) end

  --- The same cue with the next seed; with a part (seconds from the cue's start) only that part.
  function spool.regenerate (id, take, part)
    return put (id, { verb = "take/regenerate", take = take, start_s = part and part.start_s, end_s = part and part.end_s })
  end

  function spool.pick (id, take) put (id, { verb = "take/pick", take = take }) end
  function spool.keep (id, take) put (id, { verb = "take/keep", take = take }) end

  --- Give up a request: its file, if nobody has taken it yet, else its job.
  function spool.cancel (entry, id)
    if os.remove (entry.session .. "/inbox/" .. entry.id .. ".json") then return end
    put (id, { verb = "job/cancel", job = entry.id })
  end

  return spool
end
