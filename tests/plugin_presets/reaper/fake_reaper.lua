-- A REAPER that is only its API: names and arguments as in the SDK header, over a project read from .rpp text.
-- A name it has not raises, as does a wrong count or type of arguments; nothing is forgiven that REAPER would not forgive.

return function (read_rpp, text, options)
  options = options or {}
  local fake = { now = 100, ext = {}, messages = {}, help = "", deferred = {}, commands = {}, undo_names = {}, scripts = {}, options = {} }
  local api = {}

  ---------------------------------------------------------------------------------------------- project from .rpp
  local function numbers (node, from)
    local list = {}
    for index = from or 2, #node.words do list[#list + 1] = tonumber (node.words[index]) or node.words[index] end
    return list
  end

  local function child (node, name)
    for _, inner in ipairs (node.children) do
      if inner.words[1] == name then return inner end
    end
  end

  local function envelope_of (node, fields)
    local envelope = { kind = "envelope", points = {}, items = {}, active = 1, fader = 0 }
    for key, value in pairs (fields) do envelope[key] = value end
    for _, line in ipairs (node.children) do
      local values = numbers (line)
      if line.words[1] == "ACT" then envelope.active = values[1] end
      if line.words[1] == "VOLTYPE" then envelope.fader = values[1] end
      if line.words[1] == "PT" then
        envelope.points[#envelope.points + 1] = { time = values[1], value = values[2], shape = values[3] or 0, tension = values[7] or 0 }
      end
    end
    return envelope
  end

  local guids = 0
  local function new_guid ()
    guids = guids + 1
    return string.format ("{%08X-0000-4000-8000-000000000000}", guids)
  end

  local function item_of (node)
    local source = child (node, "SOURCE")
    local function value (name, default) local line = child (node, name) return line and numbers (line)[1] or default end
    local item = {
      kind = "item", guid = new_guid (), position = value ("POSITION"), length = value ("LENGTH"), takes = { {
        kind = "take", offset = value ("SOFFS", 0), rate = value ("PLAYRATE", 1), ext = {},
        source = { kind = "source", type = source.words[2], path = child (source, "FILE").words[2] } } },
      active = 1 }
    item.takes[1].item = item
    return item
  end

  local function track_of (node)
    local track = { kind = "track", name = "", selected = false, envelopes = {}, effects = {}, items = {}, ext = {}, depth = 0, guid = new_guid () }
    for _, line in ipairs (node.children) do
      local name = line.words[1]
      if name == "NAME" then track.name = line.words[2] end
      if name == "SEL" then track.selected = line.words[2] == "1" end
      if name == "ISBUS" then track.depth = tonumber (line.words[3]) end
      if name:match ("^VOLENV") then track.envelopes["<" .. name] = envelope_of (line, { volume = true }) end
      if name == "ITEM" then track.items[#track.items + 1] = item_of (line) end
      if name == "FXCHAIN" then
        for _, inner in ipairs (line.children) do
          if inner.words[1] == "JS" then
            track.effects[#track.effects + 1] = { name = inner.words[2]:match ("([^/]+)%.jsfx$"), parameters = { "Loudness" }, envelopes = {} }
          elseif inner.words[1] == "PARMENV" then
            track.effects[#track.effects].envelopes[tonumber (inner.words[2]:match ("^%d+"))] = envelope_of (inner, {})
          end
        end
      end
    end
    return track
  end

  local function markers_of (root)
    local list, open = {}, {}
    for _, line in ipairs (root.children) do
      if line.words[1] == "MARKER" then
        local number, time, name, flags = tonumber (line.words[2]), tonumber (line.words[3]), line.words[4], tonumber (line.words[5])
        if flags & 1 == 1 and open[number] then
          open[number].stop = time
          open[number] = nil
        else
          local marker = { kind = "marker", number = number, start = time, stop = 0, name = name, region = flags & 1 == 1,
            selected = flags & 8 == 8, guid = new_guid () }
          list[#list + 1] = marker
          if marker.region then open[number] = marker end
        end
      end
    end
    return list
  end

  local root = read_rpp (text)
  local project = { tracks = {}, markers = markers_of (root), ext = {}, cursor = 0, selection = { 0, 0 }, offset = 0, rate = 0, use_rate = 0 }
  for _, node in ipairs (root.children) do
    local name = node.words[1]
    if name == "TRACK" then project.tracks[#project.tracks + 1] = track_of (node) end
    if name == "SAMPLERATE" then project.rate, project.use_rate = tonumber (node.words[2]), tonumber (node.words[3]) end
    if name == "CURSOR" then project.cursor = tonumber (node.words[2]) end
    if name == "SELECTION" then project.selection = numbers (node) end
    if name == "PROJOFFS" then project.offset = tonumber (node.words[2]) end
  end
  fake.project = project

  ---------------------------------------------------------------------------------------------- the fader's scale
  -- dB and raw value as seen in many public scripts; straight between them, which is enough to be told apart from gain.
  local FADER = { { -150, 0 }, { -60, 60 }, { -6, 592.848 }, { -3, 652.839 }, { 0, 716.217850 }, { 3, 782.759 }, { 6.0206, 852.774 }, { 12.0412, 1000 } }
  local function along (x, from, to)
    for index = 2, #FADER do
      local a, b = FADER[index - 1], FADER[index]
      if x <= b[from] or index == #FADER then return a[to] + (x - a[from]) / (b[from] - a[from]) * (b[to] - a[to]) end
    end
  end
  function fake.to_raw (gain) return gain <= 0 and 0 or along (20 * math.log (gain, 10), 1, 2) end
  function fake.from_raw (raw) return raw <= 0 and 0 or 10 ^ (along (raw, 2, 1) / 20) end

  local function raw_value (envelope, value) return envelope.volume and envelope.fader == 1 and fake.to_raw (value) or value end

  local SHAPES = {
    [0] = function (f) return f end, [1] = function () return 0 end, [2] = function (f) return 3 * f ^ 2 - 2 * f ^ 3 end,
    [3] = function (f) return 1 - (1 - f) ^ 3 end, [4] = function (f) return f ^ 3 end, [5] = function (f) return f end }

  local function evaluate (envelope, points, time)
    local before, after
    for _, point in ipairs (points) do
      if point.time <= time then before = point elseif not after then after = point end
    end
    if not before then return raw_value (envelope, (after or { value = 1 }).value) end
    local a = raw_value (envelope, before.value)
    if not after then return a end
    local b = raw_value (envelope, after.value)
    return a + (b - a) * SHAPES[before.shape] ((time - before.time) / (after.time - before.time))
  end

  ---------------------------------------------------------------------------------------------- sounds on disk
  local function wave_length (path)
    local file = io.open (path, "rb")
    if not file then return nil end
    local bytes = file:read ("a")
    file:close ()
    if bytes:sub (1, 4) ~= "RIFF" then return nil end
    local at, rate, align = 13, nil, nil
    while at + 8 <= #bytes do
      local id, size = bytes:sub (at, at + 3), string.unpack ("<I4", bytes, at + 4)
      if id == "fmt " then rate, align = string.unpack ("<I4", bytes, at + 12), string.unpack ("<I2", bytes, at + 20) end
      if id == "data" then return size / align / rate end
      at = at + 8 + size + size % 2
    end
  end

  ---------------------------------------------------------------------------------------------- the functions
  -- Name -> types of the arguments: p project, t track, e envelope, i item, k take, o source, m marker; n number, w whole
  -- number, s text, b true or false, f function; a capital letter may be left out.
  local SIGNATURES = {}
  local function define (name, types, body) SIGNATURES[name], api[name] = types, body end

  define ("APIExists", "s", function (name) return api[name] ~= nil end)
  define ("ShowMessageBox", "ssw", function (message) fake.messages[#fake.messages + 1] = message return 1 end)
  define ("Help_Set", "sb", function (help) fake.help = help end)
  define ("time_precise", "", function () return fake.now end)
  define ("defer", "f", function (body)
    fake.deferred[#fake.deferred + 1] = { body = body, script = fake.running }
    return true
  end)
  -- 1: ends itself when started again, 2: and starts anew. Without it REAPER asks what to do about the one that runs.
  define ("set_action_options", "w", function (flags) fake.options[fake.running] = flags end)
  define ("genGuid", "S", function () return new_guid () end)
  define ("UpdateArrange", "", function () end)
  define ("PreventUIRefresh", "w", function (by) fake.refresh = (fake.refresh or 0) + by end)
  define ("get_action_context", "", function () return false, fake.running, 0, 1, 0, 0, 0, "" end)
  define ("AddRemoveReaScript", "bwsb", function (_, _, path)
    local file = io.open (path)
    if not file then return 0 end
    file:close ()
    fake.scripts[path] = fake.scripts[path] or 50000 + #fake.commands + 1
    return fake.scripts[path]
  end)
  define ("GetExtState", "ss", function (section, key) return fake.ext[section .. "/" .. key] or "" end)
  define ("SetExtState", "sssb", function (section, key, value)
    assert (not value:find ("[\r\n]"), "ExtState holds no line breaks")
    fake.ext[section .. "/" .. key] = value
  end)
  define ("DeleteExtState", "ssb", function (section, key) fake.ext[section .. "/" .. key] = nil end)
  define ("GetProjExtState", "pss", function (_, section, key)
    local value = project.ext[section .. "/" .. key]
    return value and 1 or 0, value or ""
  end)
  define ("SetProjExtState", "psss", function (_, section, key, value) project.ext[section .. "/" .. key] = value return 1 end)
  define ("GetSetProjectInfo", "psnb", function (_, name)
    return assert (({ PROJECT_SRATE = project.rate, PROJECT_SRATE_USE = project.use_rate })[name], name)
  end)
  define ("GetAudioDeviceInfo", "s", function (name)
    assert (name == "SRATE")
    return options.device_rate ~= nil, tostring (options.device_rate or "")
  end)
  define ("GetProjectTimeOffset", "pb", function () return project.offset end)
  define ("GetCursorPositionEx", "p", function () return project.cursor end)
  define ("GetSet_LoopTimeRange2", "pbbnnb", function (_, set) assert (not set) return table.unpack (project.selection, 1, 2) end)

  define ("CountTracks", "P", function () return #project.tracks end)
  define ("GetTrack", "pw", function (_, index) return project.tracks[index + 1] end)
  local function number_of (track)
    for index, other in ipairs (project.tracks) do
      if other == track then return index end
    end
  end
  define ("GetTrackName", "t", function (track) return true, track.name ~= "" and track.name or "Track " .. number_of (track) end)
  define ("GetTrackGUID", "t", function (track) return track.guid end)
  local function selected_tracks ()
    local list = {}
    for _, track in ipairs (project.tracks) do
      if track.selected then list[#list + 1] = track end
    end
    return list
  end
  define ("CountSelectedTracks", "P", function () return #selected_tracks () end)
  define ("GetSelectedTrack", "pw", function (_, index) return selected_tracks ()[index + 1] end)
  define ("GetMediaTrackInfo_Value", "ts", function (track, name)
    return assert (({ IP_TRACKNUMBER = number_of (track) + 0.0, I_FOLDERDEPTH = track.depth + 0.0 })[name], name)
  end)
  define ("SetMediaTrackInfo_Value", "tsn", function (track, name, value)
    assert (name == "I_FOLDERDEPTH")
    track.depth = value
    return true
  end)
  define ("InsertTrackAtIndex", "wb", function (index) table.insert (project.tracks, index + 1, track_of ({ children = {} })) end)
  define ("GetSetMediaTrackInfo_String", "tssb", function (track, name, value, set)
    if name == "P_NAME" and set then
      track.name = value
      return true, value
    end
    assert (name:find ("^P_EXT:"), name)
    if set then track.ext[name] = value end
    return track.ext[name] ~= nil, track.ext[name] or ""
  end)
  define ("GetTrackEnvelopeByChunkName", "ts", function (track, name)
    -- Without the leading "<" REAPER finds nothing.
    return track.envelopes[name]
  end)
  define ("TrackFX_GetByName", "tsb", function (track, name)
    for index, effect in ipairs (track.effects) do
      if effect.name:find (name, 1, true) then return index - 1 end
    end
    return -1
  end)
  define ("TrackFX_GetNumParams", "tw", function (track, effect) return #track.effects[effect + 1].parameters end)
  define ("TrackFX_GetParamName", "tww", function (track, effect, parameter) return true, track.effects[effect + 1].parameters[parameter + 1] end)
  define ("GetFXEnvelope", "twwb", function (track, effect, parameter) return track.effects[effect + 1].envelopes[parameter] end)

  define ("GetEnvelopeStateChunk", "esb", function (envelope) return true, "<VOLENV2\nACT " .. envelope.active .. " -1\n>" end)
  define ("GetEnvelopeScalingMode", "e", function (envelope) return envelope.volume and envelope.fader or 0 end)
  define ("ScaleFromEnvelopeMode", "wn", function (mode, value) return mode == 1 and fake.from_raw (value) or value end)
  define ("CountAutomationItems", "e", function (envelope) return #envelope.items end)
  define ("GetSetAutomationItemInfo", "ewsnb", function (envelope, index, name)
    return assert (({ D_POSITION = envelope.items[index + 1].position, D_LENGTH = envelope.items[index + 1].length })[name], name)
  end)
  local function points_of (envelope, index) return index == -1 and envelope.points or envelope.items[index + 1].points end
  define ("CountEnvelopePointsEx", "ew", function (envelope, index) return #points_of (envelope, index) end)
  define ("GetEnvelopePointEx", "eww", function (envelope, index, number)
    local point = points_of (envelope, index)[number + 1]
    return true, point.time, raw_value (envelope, point.value), point.shape, point.tension, false
  end)
  define ("Envelope_Evaluate", "ennw", function (envelope, time)
    for _, item in ipairs (envelope.items) do
      if item.position <= time and time < item.position + item.length then
        return 1, evaluate (envelope, item.points, time), 0, 0, 0
      end
    end
    return 1, evaluate (envelope, envelope.points, time), 0, 0, 0
  end)

  if not options.older then
    define ("GetNumRegionsOrMarkers", "p", function () return #project.markers end)
    define ("GetRegionOrMarker", "pws", function (_, index) return project.markers[index + 1] end)
    define ("GetRegionOrMarkerInfo_Value", "pms", function (_, marker, name)
      local values = { B_ISREGION = marker.region and 1 or 0, D_STARTPOS = marker.start, D_ENDPOS = marker.stop, B_UISEL = marker.selected and 1 or 0 }
      return assert (values[name], name)
    end)
    define ("GetSetRegionOrMarkerInfo_String", "pmssb", function (_, marker, name)
      return true, assert (({ P_NAME = marker.name, GUID = marker.guid })[name], name)
    end)
  end
  define ("EnumProjectMarkers3", "pw", function (_, index)
    local marker = project.markers[index + 1]
    if not marker then return 0, false, 0, 0, "", 0, 0 end
    return index + 1, marker.region, marker.start, marker.stop, marker.name, marker.number, 0
  end)

  local function all_items ()
    local list = {}
    for _, track in ipairs (project.tracks) do
      for _, item in ipairs (track.items) do list[#list + 1] = item end
    end
    return list
  end
  local function selected_items ()
    local list = {}
    for _, item in ipairs (all_items ()) do
      if item.selected then list[#list + 1] = item end
    end
    return list
  end
  define ("CountMediaItems", "P", function () return #all_items () end)
  define ("GetMediaItem", "pw", function (_, index) return all_items ()[index + 1] end)
  define ("CountTrackMediaItems", "t", function (track) return #track.items end)
  define ("GetTrackMediaItem", "tw", function (track, index) return track.items[index + 1] end)
  define ("AddMediaItemToTrack", "t", function (track)
    local item = { kind = "item", guid = new_guid (), position = 0, length = 0, takes = {}, active = 1, loop = 1 }
    table.insert (track.items, item)
    return item
  end)
  local FIELDS = { D_POSITION = "position", D_LENGTH = "length", B_LOOPSRC = "loop" }
  define ("GetMediaItemInfo_Value", "is", function (item, name)
    if name == "I_CURTAKE" then return item.active - 1.0 end
    return assert (item[assert (FIELDS[name], name)])
  end)
  define ("SetMediaItemInfo_Value", "isn", function (item, name, value) item[assert (FIELDS[name], name)] = value return true end)
  define ("GetSetMediaItemInfo_String", "issb", function (item, name, _, set)
    assert (name == "GUID" and not set)
    return true, item.guid
  end)
  define ("CountSelectedMediaItems", "p", function () return #selected_items () end)
  define ("GetSelectedMediaItem", "pw", function (_, index) return selected_items ()[index + 1] end)
  define ("SelectAllMediaItems", "pb", function (_, on) for _, item in ipairs (all_items ()) do item.selected = on end end)
  define ("SetMediaItemSelected", "ib", function (item, on) item.selected = on end)

  define ("CountTakes", "i", function (item) return #item.takes end)
  define ("GetTake", "iw", function (item, index) return item.takes[index + 1] end)
  define ("GetActiveTake", "i", function (item) return item.takes[item.active] end)
  define ("AddTakeToMediaItem", "i", function (item)
    local take = { kind = "take", offset = 0, rate = 1, ext = {}, name = "", item = item }
    table.insert (item.takes, take)
    return take
  end)
  define ("SetActiveTake", "k", function (take)
    for index, other in ipairs (take.item.takes) do
      if other == take then take.item.active = index end
    end
  end)
  define ("SetMediaItemTake_Source", "ko", function (take, source) take.source = source return true end)
  define ("GetMediaItemTake_Source", "k", function (take) return take.source end)
  define ("GetMediaItemTakeInfo_Value", "ks", function (take, name)
    return assert (({ D_PLAYRATE = take.rate, D_STARTOFFS = take.offset })[name], name)
  end)
  define ("SetMediaItemTakeInfo_Value", "ksn", function (take, name, value)
    assert (name == "D_STARTOFFS")
    take.offset = value
    return true
  end)
  define ("GetSetMediaItemTakeInfo_String", "kssb", function (take, name, value, set)
    if name == "P_NAME" then
      if set then take.name = value end
      return true, take.name
    end
    assert (name:find ("^P_EXT:"), name)
    if set then take.ext[name] = value end
    return take.ext[name] ~= nil, take.ext[name] or ""
  end)
  define ("PCM_Source_CreateFromFile", "s", function (path)
    local length = wave_length (path)
    return length and { kind = "source", type = "WAVE", path = path, length = length } or nil
  end)
  define ("GetMediaSourceLength", "o", function (source) return source.length, false end)
  define ("GetMediaSourceType", "o", function (source) return source.type end)
  define ("GetMediaSourceFileName", "o", function (source) return source.path end)

  ---------------------------------------------------------------------------------------------- undo and actions
  local function copy (value, seen)
    if type (value) ~= "table" then return value end
    seen = seen or {}
    if not seen[value] then
      seen[value] = {}
      for key, inner in pairs (value) do seen[value][key] = copy (inner, seen) end
    end
    return seen[value]
  end
  local depth, before, history = 0, nil, {}
  define ("Undo_BeginBlock2", "p", function ()
    depth = depth + 1
    if depth == 1 then before = copy (project.tracks) end
  end)
  define ("Undo_EndBlock2", "psw", function (_, name)
    depth = depth - 1
    if depth == 0 then
      fake.undo_names[#fake.undo_names + 1] = name
      history[#history + 1] = before
    end
  end)
  function fake.undo () project.tracks = table.remove (history) end

  local ACTIONS = {
    [40131] = function ()
      for _, item in ipairs (selected_items ()) do
        item.takes = { item.takes[item.active] }
        item.active = 1
      end
    end,
    [40047] = function () end,
  }
  define ("Main_OnCommand", "ww", function (command)
    fake.commands[#fake.commands + 1] = command
    for path, known in pairs (fake.scripts) do
      if known == command then
        local others = {}
        for _, waiting in ipairs (fake.deferred) do
          if waiting.script ~= path then others[#others + 1] = waiting end
        end
        assert (#others == #fake.deferred or fake.options[path] == 3, "REAPER asks whether to end the script that runs")
        fake.deferred = others
        return fake.start (path)
      end
    end
    assert (ACTIONS[command], "no such action: " .. command) ()
  end)

  ---------------------------------------------------------------------------------------------- what is checked
  local KINDS = { t = "track", e = "envelope", i = "item", k = "take", o = "source", m = "marker" }
  local TYPES = { n = "number", s = "string", b = "boolean", f = "function" }
  local function fits (letter, value)
    if letter == "p" then return value == 0 end
    if letter == "w" then return math.type (value) == "integer" or (math.type (value) == "float" and value == math.floor (value)) end
    if KINDS[letter] then return type (value) == "table" and value.kind == KINDS[letter] end
    return type (value) == TYPES[letter]
  end

  local checked = {}
  for name, body in pairs (api) do
    local types = SIGNATURES[name]
    checked[name] = function (...)
      local given = select ("#", ...)
      local needed = #types:gsub ("%u", "")
      if given < needed or given > #types then error (name .. " takes " .. #types .. " arguments, " .. given .. " came", 2) end
      for index = 1, given do
        local letter = types:sub (index, index):lower ()
        if not fits (letter, (select (index, ...))) then
          error (string.format ("%s: argument %d must be of kind '%s', not %s", name, index, letter, tostring ((select (index, ...)))), 2)
        end
      end
      return body (...)
    end
  end
  fake.api = setmetatable (checked, { __index = function (_, name) error ("REAPER has no function " .. tostring (name), 2) end })

  -- The parts a script loads look for this global too.
  reaper = fake.api

  --- Run a script file as REAPER does: told its own path.
  function fake.start (path)
    local outer, tracks, steps, defers = fake.running, copy (project.tracks), #history, #fake.deferred
    fake.running = path
    assert (loadfile (path)) ()
    fake.running = outer
    -- A script that neither defers nor makes an undo step is given one.
    if #fake.deferred == defers and #history == steps then
      fake.undo_names[#fake.undo_names + 1] = "ReaScript: Run"
      history[#history + 1] = tracks
    end
  end

  --- Let deferred functions run for so many seconds of REAPER's time; `each` is called once a turn.
  function fake.run (seconds, each)
    local stop = fake.now + seconds
    while fake.now < stop do
      fake.now = fake.now + 0.03
      local turn = fake.deferred
      fake.deferred = {}
      for _, waiting in ipairs (turn) do
        fake.running = waiting.script
        waiting.body ()
        fake.running = nil
      end
      if each then each () end
    end
  end

  return fake
end
