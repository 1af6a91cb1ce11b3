-- Called ten times a second by Ardour: looks whether takes are ready and imports them. Costs one failed file open while nothing is asked for.

return function (answers, wire, reading, takes, memory, complain)
  local RESEND_CODES = { unknown_curve = true, checksum = true }
  local MAX_RESENDS = 3
  local busy = false

  local function import (entry, fresh)
    local offset, files = reading.timecode_offset (), {}
    for index, take in ipairs (fresh) do
      files[index] = { path = take.path, position = math.floor (take.start_samples - offset), channels = math.floor (take.channels),
        take_id = take.take }
    end
    for _, added in ipairs (takes.add (entry.track, reading.TAKE_SUFFIX, files, entry.moved or 0)) do
      memory.remember_take (added.region_id, added.file, entry)
    end
  end

  -- A part of a long lane may get lost on its way.
  local function resent (entry, answer)
    if not RESEND_CODES[answer.code] or not entry.request or (entry.resends or 0) >= MAX_RESENDS then return false end
    entry.resends, entry.sent = (entry.resends or 0) + 1, os.time ()
    os.remove (entry.session .. "/outbox/" .. entry.id .. ".json")
    wire.submit (entry.id, entry.request)
    return true
  end

  return function ()
    -- A dialog lets the timers run on: without this the same error would be shown again and again.
    if busy then return end
    local pending = memory.pending ()
    if #pending == 0 then return end
    busy = true
    local ok, complaints = pcall (answers, pending, import, resent)
    for _, complaint in ipairs (ok and complaints or { tostring (complaints) }) do complain (complaint) end
    busy = false
  end
end
