-- The six verbs. Each reads what is selected, asks the service, and returns at once; takes arrive by lib/watch.lua.

return function (service, wire, reading, takes, memory)
  local verbs = {}
  local HOST = "ardour"

  local function await (id, verb, info, entry)
    entry.id, entry.verb, entry.sent, entry.imported = id, verb, os.time (), 0
    entry.session, entry.session_id = info.session, info.session_id
    memory.add_pending (entry)
  end

  --- The take that sounds where the designer is: its track, region, service id and the cue's start in session samples.
  local function take_here ()
    local source = reading.track ()
    local track = takes.track (source:name (), reading.TAKE_SUFFIX)
    if not track then error (string.format ("'%s' has no take yet: use Generate first.", source:name ()), 0) end
    local first, last = reading.selected_time ()
    if not first then
      local ok, span = pcall (reading.span, source)
      if ok then
        first, last = span.start, span.stop
      else
        first = math.floor (Session:transport_sample ())
        last = first + 1
      end
    end
    return source, track, first, last
  end

  local function known (region)
    local entry = memory.takes ()[takes.id_of (region)]
    if not entry then error (string.format ("'%s' is not a take made here: choose one of the takes.", region:name ()), 0) end
    service.must_serve (entry)
    return entry
  end

  local function current_entry (source, track, first, last)
    local region = takes.current (track, first, last)
    if not region then error (string.format ("There is no take of '%s' here yet: use Generate first.", source:name ()), 0) end
    return known (region), region
  end

  function verbs.generate ()
    local request = reading.request ()
    local id = service.new_id (HOST)
    local info = wire.submit (id, request)
    await (id, "generate", info, {
      track = request.track, span_start = request.start.samples - reading.timecode_offset (), request = request })
  end

  local function regenerate (part_of)
    local source, track, first, last = take_here ()
    local entry, region = current_entry (source, track, first, last)
    local moved = entry.position and takes.moved (region, entry.position) or 0
    local id = service.new_id (HOST)
    local info = wire.regenerate (id, entry.take, part_of and part_of (entry.span_start + moved))
    await (id, "regenerate", info, { track = source:name (), span_start = entry.span_start, moved = moved })
  end

  function verbs.regenerate () regenerate () end

  function verbs.regenerate_selection ()
    local first, last = reading.selected_time ()
    if not first then error ("Select the time range that shall be made anew, inside a take.", 0) end
    regenerate (function (begins)
      return { start_s = (first - begins) / reading.rate (), end_s = (last - begins) / reading.rate () }
    end)
  end

  function verbs.next_take ()
    local _, track, first, last = take_here ()
    local entry = memory.takes ()[takes.id_of (takes.next (track, first, last))]
    if entry and service.serves (entry) then wire.pick (service.new_id (HOST), entry.take) end
  end

  function verbs.keep ()
    local source, track, first, last = take_here ()
    local entry = current_entry (source, track, first, last)
    takes.keep (track, first, last)
    wire.keep (service.new_id (HOST), entry.take)
  end

  --- Every open request of this session is given up; what has been imported stays.
  function verbs.cancel ()
    local pending = memory.pending ()
    if #pending == 0 then error ("Nothing is being made: there is nothing to cancel.", 0) end
    memory.set_pending ({})
    for _, entry in ipairs (pending) do wire.cancel (service.new_id (HOST), entry.id) end
  end

  return verbs
end
