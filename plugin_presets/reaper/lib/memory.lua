-- Open requests, kept in REAPER's own settings so that a take that gets ready while REAPER is closed still arrives.

return function (json)
  local memory = {}

  local SECTION = "drawaudio"
  local ALIVE_S = 1.5
  -- Longer than any system waits before a key that is held begins to repeat.
  local REPEAT_S = 0.7

  --- Oldest first: { id, track (GUID), item (GUID or nil), name, project, span_start, session, session_id, sent (wall clock),
  -- imported }.
  function memory.pending ()
    local ok, list = pcall (json.decode, reaper.GetExtState (SECTION, "pending"))
    return ok and list or {}
  end

  function memory.set_pending (list) reaper.SetExtState (SECTION, "pending", json.encode (json.array (list)), true) end

  function memory.add_pending (entry)
    local list = memory.pending ()
    list[#list + 1] = entry
    memory.set_pending (list)
  end

  --- Whether the watching script runs: opening a project ends it without a word, so it leaves a sign of life.
  function memory.is_watched ()
    local beat = tonumber (reaper.GetExtState (SECTION, "watched_at"))
    local now = reaper.time_precise ()
    return beat ~= nil and beat <= now and now - beat < ALIVE_S
  end

  function memory.beat () reaper.SetExtState (SECTION, "watched_at", string.format ("%.6f", reaper.time_precise ()), false) end
  function memory.stop_beating () reaper.DeleteExtState (SECTION, "watched_at", false) end

  --- Be the one watching script; false once another has taken over.
  function memory.claim (id) reaper.SetExtState (SECTION, "watcher", id, false) end
  function memory.holds (id) return reaper.GetExtState (SECTION, "watcher") == id end

  --- Note that a verb was called for; whether that is only its key, held down.
  function memory.is_repeated (verb)
    local last, at = reaper.GetExtState (SECTION, "pressed"):match ("^(%S+) (%S+)$")
    local now = reaper.time_precise ()
    reaper.SetExtState (SECTION, "pressed", string.format ("%s %.6f", verb, now), false)
    return last == verb and now - tonumber (at) < REPEAT_S
  end

  --- An id of the current project that survives saving and renaming; nil where none was given yet.
  function memory.project ()
    local known, id = reaper.GetProjExtState (0, SECTION, "project")
    return known ~= 0 and id ~= "" and id or nil
  end

  function memory.named_project ()
    local id = memory.project ()
    if not id then
      id = reaper.genGuid ("")
      reaper.SetProjExtState (0, SECTION, "project", id)
    end
    return id
  end

  return memory
end
