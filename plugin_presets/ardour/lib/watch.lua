-- Called ten times a second by Ardour: looks whether takes are ready and imports them. Costs one failed file open while nothing is asked for.

return function (service, wire, reading, takes, memory, complain)
  local ANSWER_WITHIN_S = 4
  local RESEND_CODES = { unknown_curve = true, checksum = true }
  local MAX_RESENDS = 3
  local texts, busy = {}, false

  local function import (entry, fresh)
    local offset, files = reading.timecode_offset (), {}
    for index, take in ipairs (fresh) do
      files[index] = { path = take.path, position = math.floor (take.start_samples - offset), channels = math.floor (take.channels),
        take_id = take.take }
    end
    for _, added in ipairs (takes.add (entry.track, reading.TAKE_SUFFIX, files)) do
      memory.remember_take (added.region_id, added.take_id, entry.span_start)
    end
  end

  local function resent (entry, answer)
    if not RESEND_CODES[answer.code] or not entry.request or (entry.resends or 0) >= MAX_RESENDS then return false end
    entry.resends, entry.sent = (entry.resends or 0) + 1, os.time ()
    wire.submit (entry.id, entry.request)
    return true
  end

  --- Look at one open request; returns whether it stays open, whether it changed, and what to tell the designer.
  local function look (entry)
    local answer, text = service.answer (entry.session, entry.id, texts[entry.id])
    texts[entry.id] = text
    if not text and os.time () - entry.sent > ANSWER_WITHIN_S then
      service.info ()
      return false, true, "The Draw an Audio service does not answer: look at its terminal, or start it again with `drawaudio serve`."
    end
    if not answer then return true, false end
    local fresh = {}
    for index = entry.imported + 1, #(answer.takes or {}) do fresh[#fresh + 1] = answer.takes[index] end
    if #fresh > 0 then
      -- Counted before the import: a take that Ardour cannot read must not be tried ten times a second.
      entry.imported = entry.imported + #fresh
      import (entry, fresh)
    end
    if answer.state == "failed" or answer.state == "refused" then
      if resent (entry, answer) then return true, true end
      return false, true, answer.text
    end
    local over = answer.state == "done" or answer.state == "cancelled"
    return not over, over or #fresh > 0
  end

  local function look_at_all (pending, complaints)
    local open, changed = {}, false
    for _, entry in ipairs (pending) do
      local ok, stays, moved, complaint = pcall (look, entry)
      if not ok then stays, moved, complaint = false, true, stays end
      if stays then open[#open + 1] = entry else texts[entry.id] = nil end
      changed = changed or moved
      if complaint then complaints[#complaints + 1] = tostring (complaint) end
    end
    if changed then memory.set_pending (open) end
  end

  return function ()
    -- A dialog lets the timers run on: without this the same error would be shown again and again.
    if busy then return end
    local pending = memory.pending ()
    if #pending == 0 then return end
    busy = true
    local complaints = {}
    local ok, problem = pcall (look_at_all, pending, complaints)
    if not ok then complaints[#complaints + 1] = tostring (problem) end
    for _, complaint in ipairs (complaints) do complain (complaint) end
    busy = false
  end
end
