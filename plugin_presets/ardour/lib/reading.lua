-- What the designer points at, read from Ardour: the track, its lane, the named range, the marks in it and the video.
-- Reads only; nothing here changes the session. Errors are raised as one line meant for the designer.

local reading = {}

local GUIDE_NAME = "Draw an Audio Guide"
local GUIDE_PARAMETER = "Loudness"
reading.TAKE_SUFFIX = " · Foley"

function reading.rate () return math.floor (Session:nominal_sample_rate ()) end

--- Samples from timecode midnight to the session's sample 0.
function reading.timecode_offset ()
  local settings = Session:cfg ()
  local offset = math.floor (settings:get_timecode_offset ())
  return settings:get_timecode_offset_negative () and -offset or offset
end

local function selected_routes ()
  local routes = {}
  for route in Editor:get_selection ().tracks:routelist ():iter () do routes[#routes + 1] = route end
  return routes
end

--- The one track that is meant, or an error that says how to choose it. A take track stands for the track it answers.
function reading.track ()
  local routes = selected_routes ()
  if #routes ~= 1 then
    error (#routes == 0 and "No track is selected: click the header of the track whose lane you drew."
      or "Several tracks are selected: select only the one whose lane you drew.", 0)
  end
  local name = routes[1]:name ()
  local plain = #name > #reading.TAKE_SUFFIX and name:sub (-#reading.TAKE_SUFFIX) == reading.TAKE_SUFFIX
    and name:sub (1, -#reading.TAKE_SUFFIX - 1)
  local source = plain and Session:route_by_name (plain)
  if source and not source:isnil () then return source end
  return routes[1]
end

local function samples (position) return math.floor (position:samples ()) end

local function locations (wanted)
  local found = {}
  for location in Session:locations ():list ():iter () do
    if wanted (location) then
      found[#found + 1] = { name = location:name (), start = samples (location:start ()), stop = samples (location:_end ()) }
    end
  end
  table.sort (found, function (a, b) return a.start < b.start end)
  return found
end

-- Song sections, session, loop and punch ranges are never cues.
local function is_region (location)
  return location:is_range_marker () and not location:is_session_range () and not location:is_auto_loop ()
    and not location:is_auto_punch () and samples (location:_end ()) > samples (location:start ())
end

local function selected_time ()
  local time = Editor:get_selection ().time
  local first, last = time:start_sample (), time:end_sample ()
  if first < last then return math.floor (first), math.floor (last) end
end
reading.selected_time = selected_time

local function covered_by_selected_marker (regions)
  for marker in Editor:get_selection ().markers:iter () do
    local at = samples (marker:position ())
    for _, region in ipairs (regions) do
      if region.name == marker:name () and (region.start == at or region.stop == at) then return region end
    end
  end
end

local function overlapping (regions, first, last)
  local best, best_overlap
  for _, region in ipairs (regions) do
    local overlap = math.min (last, region.stop) - math.max (first, region.start)
    if overlap > (best_overlap or 0) then best, best_overlap = region, overlap end
  end
  return best
end

local function shortest_around (regions, at)
  local best
  for _, region in ipairs (regions) do
    local inside = region.start <= at and at < region.stop
    if inside and (not best or region.stop - region.start < best.stop - best.start) then best = region end
  end
  return best
end

--- The span to fill: { name, start, stop } in session samples; the name is text in the marker grammar.
-- A selected time range wins (with the name of the range marker under it, else the track's name), then the range marker
-- around the playhead, then the range marker last clicked on.
function reading.span (route)
  local regions = locations (is_region)
  local first, last = selected_time ()
  if first then
    return overlapping (regions, first, last) or { name = route:name (), start = first, stop = last }
  end
  local span = shortest_around (regions, math.floor (Session:transport_sample ())) or covered_by_selected_marker (regions)
  if not span then
    error ("No range to fill: put the playhead inside a named range marker, or select a time range.", 0)
  end
  return span
end

--- Plain marks inside the span, each a mask from its moment on: { { time_s, text } … }.
function reading.marks (span)
  local marks = locations (function (location)
    if not location:is_mark () or location:is_session_range () then return false end
    local at = samples (location:start ())
    return span.start <= at and at < span.stop
  end)
  local inside = {}
  for _, mark in ipairs (marks) do
    inside[#inside + 1] = { time_s = (mark.start - span.start) / reading.rate (), text = mark.name }
  end
  return inside
end

local function position (sample) return Temporal.timepos_t (math.floor (sample)) end

-- The lane inside the span, evaluated by Ardour itself at both edges, never merely cut.
local function points_within (list, span, value_of)
  local rate, points = reading.rate (), {}
  local function add (sample, value)
    points[#points + 1] = { time_s = (sample - span.start) / rate, value = value_of (value) }
  end
  add (span.start, list:eval (position (span.start)))
  for event in list:events ():iter () do
    local at = samples (event.when)
    if span.start < at and at < span.stop then add (at, event.value) end
  end
  add (span.stop, list:eval (position (span.stop)))
  return points
end

local function same (value) return value end

local function guide_lane (route)
  for index = 0, 63 do
    local plugin = route:nth_plugin (index)
    if plugin:isnil () then return nil end
    if plugin:display_name () == GUIDE_NAME or plugin:name () == GUIDE_NAME then
      local insert = plugin:to_plugininsert ()
      for parameter = 0, insert:plugin (0):parameter_count () - 1 do
        if insert:plugin (0):parameter_is_control (parameter)
          and insert:plugin (0):parameter_label (parameter) == GUIDE_PARAMETER then
          local automation, list = ARDOUR.LuaAPI.plugin_automation (plugin, parameter)
          if automation and not automation:isnil () and automation:size () > 0 then return list end
        end
      end
    end
  end
end

--- The loudness lane as a cue's curve, or nil where none is drawn (the cue is then loose at 0 dB).
-- The guide plug-in's lane, in dB, goes before the track's fader, whose law is Ardour's own.
function reading.lane (route, span)
  local guide = guide_lane (route)
  if guide then return { domain = "db", points = points_within (guide, span, same) } end
  local control = route:gain_control ()
  local list = control:alist ()
  if list:isnil () or list:size () == 0 then return nil end
  if control:automation_state () == ARDOUR.AutoState.Off then
    error (string.format ("The fader lane of '%s' is switched off: set its automation to Play, or clear it.", route:name ()), 0)
  end
  return { domain = "ardour_fader", points = points_within (list, span, same) }
end

-- Lua is not told of the video, but the session file is: Ardour writes it there as a window setting.
local function from_session_file ()
  local file = io.open (Session:path () .. "/" .. Session:snap_name () .. ".ardour", "rb")
  if not file then return nil end
  local text = file:read ("a")
  file:close ()
  local timeline = text:match ("<Videotimeline[^>]*>")
  local video = timeline and timeline:match ('Filename="([^"]+)"')
  if not video then return nil end
  video = video:gsub ("&quot;", '"'):gsub ("&lt;", "<"):gsub ("&gt;", ">"):gsub ("&apos;", "'"):gsub ("&amp;", "&")
  local is_absolute = video:find ("^/") or video:find ("^%a:[/\\]") or video:find ("^\\\\")
  if timeline:find ('LocalFile="[1y]') and not is_absolute then video = Session:path () .. "/videofiles/" .. video end
  return video, tonumber (timeline:match ('VideoOffset="(-?%d+)"') or "0")
end

--- { path, offset_s } where offset_s is the video's time at the span's first sample; nil without a video.
function reading.video (span)
  local path, starts_at = from_session_file ()
  if not path then return nil end
  return { path = path, offset_s = (span.start - starts_at) / reading.rate () }
end

--- All that one Generate needs, as plain Lua tables; times as the cue file has them.
function reading.request ()
  local route = reading.track ()
  local span = reading.span (route)
  return {
    track = route:name (),
    text = span.name,
    start = { samples = span.start + reading.timecode_offset (), rate = reading.rate () },
    duration_s = (span.stop - span.start) / reading.rate (),
    lane = reading.lane (route, span),
    marks = reading.marks (span),
    video = reading.video (span),
  }
end

return reading
