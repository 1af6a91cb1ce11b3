-- Where the service is and what it answers: the same for every host whose scripts can read files.
-- `drawaudio serve` says in service.json where it listens and writes an answer to every request into outbox/.

return function (json, files)
  local service = {}

  local NOT_RUNNING = "The Draw an Audio service is not running: start it in a terminal with `drawaudio serve`."

  local function home ()
    local own = os.getenv ("DRAWAUDIO_HOME")
    if own and own ~= "" then return own end
    return (os.getenv ("HOME") or os.getenv ("USERPROFILE") or ".") .. "/.drawaudio"
  end

  --- { token, host, port, session, … } of the running service; raises one line where none runs.
  function service.info ()
    local text = files.read (home () .. "/service.json")
    if not text then error (NOT_RUNNING, 0) end
    local ok, info = pcall (json.decode, text)
    if not ok or type (info) ~= "table" or not info.token then error (NOT_RUNNING, 0) end
    return info
  end

  --- Whether a take, by its { session, session_id }, belongs to the session that is served: in another its id names another sound.
  function service.serves (made) return made.session_id == nil or made.session_id == service.info ().session_id end

  --- Raises one line for a take of another session.
  function service.must_serve (made)
    if service.serves (made) then return end
    error (string.format ("This take was made in %s: run `drawaudio serve` there, or use Generate.", made.session), 0)
  end

  --- Ids that no two requests share, over restarts and several hosts at once.
  function service.new_id (host)
    local address = tostring ({}):match ("(%x+)$") or "0"
    service.count = (service.count or 0) + 1
    return string.format ("%s-%d-%d-%s-%d", host, os.time (), math.floor (os.clock () * 1e6) % 1000000, address, service.count)
  end

  --- The answer to a request so far (see docs/osc.md), or nil while there is none. `seen` is the text already known.
  -- Returns answer, text; the same text again gives nil, text, so that waiting costs no decoding.
  function service.answer (session, id, seen)
    local text = files.read (session .. "/outbox/" .. id .. ".json")
    if not text or text == seen then return nil, text end
    local ok, answer = pcall (json.decode, text)
    return ok and answer or nil, text
  end

  --- The extra lines a cue needs to travel: what a host's `request` becomes on the wire (without its curve).
  function service.cue (request)
    if request.start.samples < 0 then
      error ("The region begins before timecode 00:00:00:00: let the project start at a later timecode.", 0)
    end
    local cue = {
      version = 1,
      marker = request.text,
      markers = json.array (request.marks or {}),
      track = request.track,
      start = request.start,
      duration_s = request.duration_s,
      video = request.video,
    }
    if request.lane then
      cue.loudness = { domain = request.lane.domain, points = json.array (request.lane.points) }
    elseif not request.video then
      -- Nothing is drawn and there is no picture to take a curve from: the sound keeps its own rhythm, at the reference level.
      cue.loudness = { domain = "db", follow = "loose", points = json.array { { time_s = 0, value = 0 } } }
    end
    return cue
  end

  return service
end
