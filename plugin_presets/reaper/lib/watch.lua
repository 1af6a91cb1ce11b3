-- The loop that waits for answers: polls by `defer`, shows progress in the status line, imports takes, ends when nothing is open.

return function (answers, reading, takes, memory, complain)
  local POLL_S = 0.05
  local next_poll = 0

  local function import (entry, fresh)
    local source, files = reading.track_of (entry.track), {}
    if not source then error (string.format ("The track '%s' is gone; its take is in the service's folder.", entry.name), 0) end
    for index, take in ipairs (fresh) do
      files[index] = { path = take.path, note = {
        take = take.take, span_start = entry.span_start, position = take.start_samples / take.rate - reading.offset (),
        session = entry.session, session_id = entry.session_id } }
    end
    takes.add (source, files, entry.item)
  end

  local function show (entry, answer)
    if answer.state == "running" then
      reaper.Help_Set (string.format ("Draw an Audio: %s, %d %% %s", entry.name, math.floor ((answer.done or 0) * 100), answer.stage or ""), true)
    end
  end

  -- Takes of another project tab wait until it is in front: tracks are made in the current project only.
  local function of_this_project (pending)
    local here, list = memory.project (), {}
    for _, entry in ipairs (pending) do
      if entry.project == here then list[#list + 1] = entry end
    end
    return list
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
      if #pending == 0 then
        reaper.Help_Set ("", true)
        return memory.stop_beating ()
      end
      for _, complaint in ipairs (answers (of_this_project (pending), import, show)) do complain (complaint) end
    end
    reaper.defer (loop)
  end

  return loop
end
