-- The six verbs. Each reads what is selected, leaves a request for the service, and returns at once.

return function (service, spool, reading, takes, memory)
  local verbs = {}
  local HOST = "reaper"
  local INSTANT_S = 1e-6

  local function await (id, info, entry)
    entry.id, entry.sent, entry.imported = id, os.time (), 0
    entry.session, entry.session_id = info.session, info.session_id
    entry.project = memory.named_project ()
    memory.add_pending (entry)
  end

  --- The track meant, the item with its takes, and what is known of the take that sounds.
  local function take_here ()
    local source = reading.track ()
    local name = reading.name_of (source)
    local track = reading.take_track (source)
    if not track then error (string.format ("'%s' has no take yet: use Generate first.", name), 0) end
    local first, last = reading.selected_time ()
    if not first then
      local ok, span = pcall (reading.span, source)
      first = ok and span.start or reaper.GetCursorPositionEx (0)
      last = ok and span.stop or first + INSTANT_S
    end
    local item = takes.item (track, first, last)
    local take = item and reaper.GetActiveTake (item)
    if not take then error (string.format ("There is no take of '%s' here yet: use Generate first.", name), 0) end
    return source, item, take
  end

  local function noted (take)
    local note = takes.note (take)
    if not note then error ("The active take was not made here: choose one of the others with Next take.", 0) end
    service.must_serve (note)
    return note
  end

  function verbs.generate ()
    local request, span = reading.request ()
    local id = service.new_id (HOST)
    local track = reading.track ()
    await (id, spool.submit (id, request), {
      name = request.track, track = reaper.GetTrackGUID (track), span_start = span.start })
  end

  local function regenerate (part_of)
    local source, item, take = take_here ()
    local note = noted (take)
    local id = service.new_id (HOST)
    local info = spool.regenerate (id, note.take, part_of and part_of (note.span_start + takes.moved (item, take, note)))
    await (id, info, { name = reading.name_of (source), track = reaper.GetTrackGUID (source), span_start = note.span_start,
      item = takes.guid_of (item) })
  end

  function verbs.regenerate () regenerate () end

  function verbs.regenerate_selection ()
    local first, last = reading.selected_time ()
    if not first then error ("Select the time that shall be made anew, inside a take.", 0) end
    regenerate (function (begins) return { start_s = first - begins, end_s = last - begins } end)
  end

  function verbs.next_take ()
    local _, item = take_here ()
    local note = takes.note (takes.next (item))
    if note and service.serves (note) then spool.pick (service.new_id (HOST), note.take) end
  end

  function verbs.keep ()
    local _, item, take = take_here ()
    local note = noted (take)
    takes.keep (item)
    spool.keep (service.new_id (HOST), note.take)
  end

  --- Every open request is given up; what has been imported stays.
  function verbs.cancel ()
    local pending = memory.pending ()
    if #pending == 0 then error ("Nothing is being made: there is nothing to cancel.", 0) end
    memory.set_pending ({})
    reaper.Help_Set ("", true)
    for _, entry in ipairs (pending) do spool.cancel (entry, service.new_id (HOST)) end
  end

  return verbs
end
