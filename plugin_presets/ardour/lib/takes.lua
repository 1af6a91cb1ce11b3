-- Takes on their track: import at the exact sample, which one sounds, which one stays.
-- A take is a region on "<track> · Foley". Takes of one place lie over each other; one sounds, the others are muted. Every verb is one undo step.

local takes = {}

-- The one name of an undo step on which Ardour lets a session's range grow with what is put in; an export ends with that range.
local INSERT_FILE = "insert file"

--- Run `change` as one step in Ardour's undo history.
local function undoable (name, change)
  Session:begin_reversible_command (name)
  local ok, problem = pcall (change)
  if not Session:abort_empty_reversible_command () then Session:commit_reversible_command (nil) end
  if not ok then error (problem, 0) end
end

local function with_diff (object, change)
  object:to_stateful ():clear_changes ()
  change (object)
  Session:add_stateful_diff_command (object:to_statefuldestructible ())
end

local function found (route) return route and not route:isnil () and route or nil end

--- The take track of a track, or nil while it has none.
function takes.track (source_name, suffix)
  local route = found (Session:route_by_name (source_name .. suffix))
  return route and found (route:to_track ())
end

local function order_of (route) return route:presentation_info_ptr ():order () end

-- The one track that is selected, or nil.
local function selected ()
  local routes = Editor:get_selection ().tracks:routelist ()
  return routes:size () == 1 and routes:front () or nil
end

-- Scripts cannot select a track by its name, only go from one to its neighbour.
local function walk_to (wanted, from)
  local step = order_of (wanted) < order_of (from) and "select-prev-route" or "select-next-route"
  for _ = 1, Session:get_routes ():size () do
    local here = selected ()
    if here and here:name () == wanted:name () then return end
    Editor:access_action ("Editor", step)
  end
end

-- Ardour selects what it makes, but the designer may be at the next cue by now: the selection goes back to where it was.
local function make_track (source_name, suffix, channels)
  local source, chosen = found (Session:route_by_name (source_name)), selected ()
  local order = source and order_of (source) + 1 or ARDOUR.PresentationInfo.max_order
  Session:new_audio_track (channels, 2, nil, 1, source_name .. suffix, order, ARDOUR.TrackMode.Normal, true)
  local track = takes.track (source_name, suffix) or error ("Ardour made no track '" .. source_name .. suffix .. "'.", 0)
  if chosen then walk_to (chosen, track) end
  return track
end

local function extent (region)
  local start = math.floor (region:position ():samples ())
  return start, start + math.floor (region:length ():samples ())
end

local function regions_of (track)
  local list = {}
  for region in track:playlist ():region_list ():iter () do list[#list + 1] = region end
  return list
end

--- All takes that share at least half of the shorter one's length with first…last, oldest first.
function takes.at (track, first, last)
  local here = {}
  for _, region in ipairs (regions_of (track)) do
    local start, stop = extent (region)
    local overlap = math.min (last, stop) - math.max (first, start)
    if overlap > 0 and 2 * overlap >= math.min (last - first, stop - start) then here[#here + 1] = region end
  end
  table.sort (here, function (a, b) return a:name () < b:name () end)
  return here
end

--- Samples by which a region was moved since it was placed at `position`; the sound inside it counts, not its trimmed edge.
function takes.moved (region, position)
  return extent (region) - math.floor (region:start ():samples ()) - position
end

local function id_of (region) return region:to_stateful ():id ():to_s () end
takes.id_of = id_of

local function sound_only (chosen, all)
  for _, region in ipairs (all) do
    with_diff (region, function (r) r:set_muted (id_of (r) ~= id_of (chosen)) end)
  end
  -- Muted takes are drawn too: the one that sounds must not hide beneath them.
  with_diff (chosen, function (r) r:raise_to_top () end)
end

local function known_regions ()
  local known = {}
  for id in ARDOUR.RegionFactory.regions ():iter () do known[id:to_s ()] = true end
  return known
end

-- Into the session's region list only: a placing import opens an undo step of its own, which cannot be joined with ours.
local function import (path)
  local known, files = known_regions (), C.StringVector ()
  files:push_back (path)
  Editor:do_import (files, Editing.ImportSerializeFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
    ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
    Temporal.timepos_t (0), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
  for id, region in ARDOUR.RegionFactory.regions ():iter () do
    if not known[id:to_s ()] then
      local copy = ARDOUR.RegionFactory.clone_region (region, true, false)
      copy:set_name (region:name ())
      return copy
    end
  end
  error ("Ardour could not import " .. path .. ".", 0)
end

local function place (track, region, position)
  -- Tails ring on under the next cue instead of being covered by it.
  region:set_opaque (false)
  with_diff (track:playlist (), function (playlist)
    playlist:add_region (region, Temporal.timepos_t (position), 1, false, 0, 0, false)
  end)
  sound_only (region, takes.at (track, extent (region)))
end

--- Put finished takes on the take track; the last one sounds. Returns { { region_id, file } … }.
-- `files` is a list of { path, position, channels, take_id }, positions in session samples, from which all are `moved`.
function takes.add (source_name, suffix, files, moved)
  local track = takes.track (source_name, suffix) or make_track (source_name, suffix, files[1].channels)
  local regions, added = {}, {}
  for index, file in ipairs (files) do regions[index] = import (file.path) end
  undoable (INSERT_FILE, function ()
    for index, file in ipairs (files) do
      place (track, regions[index], file.position + moved)
      added[index] = { region_id = id_of (regions[index]), file = file }
    end
  end)
  return added
end

local function sounding (here)
  for index, region in ipairs (here) do
    if not region:muted () then return index end
  end
end

--- The take that sounds at first…last, or nil.
function takes.current (track, first, last)
  local here = takes.at (track, first, last)
  local index = sounding (here)
  return index and here[index]
end

--- Let the next take of this place sound instead (after the last comes the first); returns it.
function takes.next (track, first, last)
  local here = takes.at (track, first, last)
  if #here == 0 then error ("There is no take here yet.", 0) end
  local chosen = here[(sounding (here) or 0) % #here + 1]
  undoable ("Draw an Audio: next take", function () sound_only (chosen, here) end)
  return chosen
end

--- Keep the take that sounds and take the others off the track (undo brings them back); returns it.
function takes.keep (track, first, last)
  local here = takes.at (track, first, last)
  local index = sounding (here)
  if not index then error ("No take sounds here: choose one with Next take first.", 0) end
  local chosen, playlist = here[index], track:playlist ()
  undoable ("Draw an Audio: keep", function ()
    playlist:to_stateful ():clear_changes ()
    for _, region in ipairs (here) do
      if id_of (region) ~= id_of (chosen) then playlist:remove_region (region) end
    end
    Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
  end)
  return chosen
end

return takes
