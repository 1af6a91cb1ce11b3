-- Requests to the service over OSC. Ardour's Lua can send s, i, f and d; it cannot receive: answers come as files in the outbox.

return function (json, service, crc32)
  local wire = {}

  local INLINE_POINTS = 256
  local CHUNK_POINTS = 256
  local NOT_A_NUMBER = "\x7F\xF8\0\0\0\0\0\0"

  local function send (info, verb, types, ...)
    -- `send` answers false although the message leaves; whether it arrived is seen in the outbox.
    ARDOUR.LuaOSC.Address ("osc.udp://127.0.0.1:" .. math.floor (info.port)):send ("/drawaudio/" .. verb, "s" .. types, info.token, ...)
  end

  local function checksum (points)
    local crc = 0
    for _, point in ipairs (points) do
      local value = point.value ~= point.value and NOT_A_NUMBER or string.pack (">d", point.value)
      crc = crc32 (crc, string.pack (">d", point.time_s) .. value .. string.pack (">d", 0) .. "linear")
    end
    return string.format ("%08x", crc)
  end

  local function send_curve (info, id, lane)
    local points = lane.points
    local chunks = math.ceil (#points / CHUNK_POINTS)
    send (info, "curve/begin", "ssiis", id, lane.domain, #points, chunks, checksum (points))
    for chunk = 0, chunks - 1 do
      local values = {}
      for index = chunk * CHUNK_POINTS + 1, math.min (#points, (chunk + 1) * CHUNK_POINTS) do
        values[#values + 1] = points[index].time_s
        values[#values + 1] = points[index].value
      end
      send (info, "curve/chunk", "sis" .. ("d"):rep (#values), id, chunk, "time value", table.unpack (values))
    end
  end

  --- Ask for takes of what the designer points at. Long lanes travel in chunks, under the request's id.
  function wire.submit (id, request)
    local info = service.info ()
    local cue = service.cue (request)
    if request.lane and #request.lane.points > INLINE_POINTS then
      send_curve (info, id, request.lane)
      cue.loudness = { curve = id }
    end
    send (info, "cue/submit", "ss", id, json.encode (cue))
    return info
  end

  --- The same cue with the next seed; with a part (seconds from the cue's start) only that part.
  function wire.regenerate (id, take, part)
    local info = service.info ()
    if part then
      send (info, "take/regenerate", "ssdd", id, take, part.start_s, part.end_s)
    else
      send (info, "take/regenerate", "ss", id, take)
    end
    return info
  end

  function wire.pick (id, take) send (service.info (), "take/pick", "ss", id, take) end
  function wire.keep (id, take) send (service.info (), "take/keep", "ss", id, take) end
  function wire.cancel (id, job) send (service.info (), "job/cancel", "ss", id, job) end

  return wire
end
