-- The loop that waits for answers: polls by `defer`, shows progress in the status line, imports takes, ends when nothing is open.

return function (service, reading, takes, memory, complain)
  local ANSWER_WITHIN_S = 5
  local POLL_S = 0.05
  local texts, next_poll = {}, 0

  local function source_track (entry)
    for index = 0, reaper.CountTracks (0) - 1 do
      local track = reaper.GetTrack (0, index)
      if reaper.GetTrackGUID (track) == entry.track then return track end
    end
    error (string.format ("The track '%s' is gone; its take is in the service's folder.", entry.name), 0)
  end

  local function import (entry, fresh)
    local source, files = source_track (entry), {}
    local name = reading.name_of (source) .. reading.TAKE_SUFFIX
    for index, take in ipairs (fresh) do
      files[index] = { path = take.path, position = take.start_samples / take.rate - reading.offset (), take_id = take.take }
    end
    takes.add (source, reading.track_named (name), name, files, entry.span_start)
  end

  local function show (entry, answer)
    if answer.state == "running" then
      reaper.Help_Set (string.format ("Draw an Audio: %s, %d %% %s", entry.name, math.floor ((answer.done or 0) * 100), answer.stage or ""), true)
    end
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
    show (entry, answer)
    local fresh = {}
    for index = entry.imported + 1, #(answer.takes or {}) do fresh[#fresh + 1] = answer.takes[index] end
    if #fresh > 0 then
      -- Counted before the import: a take that REAPER cannot read must not be tried again and again.
      entry.imported = entry.imported + #fresh
      import (entry, fresh)
    end
    if answer.state == "failed" or answer.state == "refused" then return false, true, answer.text end
    local over = answer.state == "done" or answer.state == "cancelled"
    return not over, over or #fresh > 0
  end

  local function look_at_all (pending)
    local here, open, changed, complaints = memory.project (), {}, false, {}
    for _, entry in ipairs (pending) do
      -- Takes of another project tab wait until it is in front: tracks are made in the current project only.
      local ok, stays, moved, complaint = true, true, false, nil
      if entry.project == here then ok, stays, moved, complaint = pcall (look, entry) end
      if not ok then stays, moved, complaint = false, true, stays end
      if stays then open[#open + 1] = entry else texts[entry.id] = nil end
      changed = changed or moved
      if complaint then complaints[#complaints + 1] = tostring (complaint) end
    end
    if changed then memory.set_pending (open) end
    if #open == 0 then reaper.Help_Set ("", true) end
    for _, complaint in ipairs (complaints) do complain (complaint) end
  end

  local own_id

  local function loop ()
    if not own_id then
      own_id = reaper.genGuid ("")
      memory.claim (own_id)
    end
    if not memory.holds (own_id) then return end
    local now = reaper.time_precise ()
    if now >= next_poll then
      next_poll = now + POLL_S
      memory.beat ()
      local pending = memory.pending ()
      if #pending == 0 then return memory.stop_beating () end
      look_at_all (pending)
    end
    reaper.defer (loop)
  end

  return loop
end
