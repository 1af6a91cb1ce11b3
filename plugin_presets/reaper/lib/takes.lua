-- Takes on their track: as REAPER takes of one item on "<track> · Foley". Every verb is one undo step.

return function (json, reading)
  local takes = {}

  local CURRENT = 0
  local NOTE = "P_EXT:drawaudio"
  local UNDO_ALL = -1
  local CROP_TO_ACTIVE_TAKE = 40131
  local BUILD_MISSING_PEAKS = 40047
  local SAME_PLACE_S = 1e-7

  local function undoable (name, change)
    reaper.Undo_BeginBlock2 (CURRENT)
    reaper.PreventUIRefresh (1)
    local ok, problem = pcall (change)
    reaper.PreventUIRefresh (-1)
    reaper.UpdateArrange ()
    reaper.Undo_EndBlock2 (CURRENT, name, UNDO_ALL)
    if not ok then error (problem, 0) end
  end

  local function items_of (track)
    local list = {}
    for index = 0, reaper.CountTrackMediaItems (track) - 1 do list[#list + 1] = reaper.GetTrackMediaItem (track, index) end
    return list
  end

  local function depth_of (track) return reaper.GetMediaTrackInfo_Value (track, "I_FOLDERDEPTH") end

  -- Below the source and all that it holds, and in the folder the source is in: inside the source's own folder, or outside
  -- of its bus, a take would not sound at the level that was drawn.
  local function make_track (source, name)
    local index = math.floor (reaper.GetMediaTrackInfo_Value (source, "IP_TRACKNUMBER"))
    local last, depth = source, depth_of (source)
    while depth > 0 and index < reaper.CountTracks (CURRENT) do
      last = reaper.GetTrack (CURRENT, index)
      depth, index = depth + depth_of (last), index + 1
    end
    reaper.InsertTrackAtIndex (index, false)
    local track = reaper.GetTrack (CURRENT, index)
    reaper.GetSetMediaTrackInfo_String (track, "P_NAME", name, true)
    if depth ~= 0 then
      -- The folders that ended with the last track end with this one.
      reaper.SetMediaTrackInfo_Value (last, "I_FOLDERDEPTH", depth_of (last) - depth)
      reaper.SetMediaTrackInfo_Value (track, "I_FOLDERDEPTH", math.min (depth, 0))
    end
    return track
  end

  local function guid_of (item) return select (2, reaper.GetSetMediaItemInfo_String (item, "GUID", "", false)) end
  takes.guid_of = guid_of

  -- A take made here, of an item that has one.
  local function own_take (item)
    for index = 0, reaper.CountTakes (item) - 1 do
      local take = reaper.GetTake (item, index)
      if take and takes.note (take) then return take end
    end
  end

  local function item_where (track, fits)
    for _, item in ipairs (items_of (track)) do
      if fits (item) then return item end
    end
  end

  -- An item of the designer's own at the same place is left alone.
  local function item_at (track, position)
    local known = item_where (track, function (item)
      return math.abs (reaper.GetMediaItemInfo_Value (item, "D_POSITION") - position) < SAME_PLACE_S and own_take (item)
    end)
    if known then return known end
    local item = reaper.AddMediaItemToTrack (track)
    reaper.SetMediaItemInfo_Value (item, "D_POSITION", position)
    reaper.SetMediaItemInfo_Value (item, "B_LOOPSRC", 0)
    return item
  end

  local function add_take (item, source, path, note)
    local take = reaper.AddTakeToMediaItem (item)
    reaper.SetMediaItemTake_Source (take, source)
    reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", path:match ("([^/\\]+)%.%w+$") or path, true)
    reaper.GetSetMediaItemTakeInfo_String (take, NOTE, json.encode (note), true)
    reaper.SetActiveTake (take)
    return take
  end

  -- One more take of an item: it starts where the item's other takes do, however the item was moved or trimmed.
  local function add_to_item (item, source, path, note)
    local sibling = own_take (item)
    local start = sibling and reaper.GetMediaItemTakeInfo_Value (sibling, "D_STARTOFFS") or 0
    reaper.SetMediaItemTakeInfo_Value (add_take (item, source, path, note), "D_STARTOFFS", start)
  end

  local function add_at_place (track, source, path, note)
    local item = item_at (track, note.position)
    add_take (item, source, path, note)
    local length = reaper.GetMediaSourceLength (source)
    if length > reaper.GetMediaItemInfo_Value (item, "D_LENGTH") then reaper.SetMediaItemInfo_Value (item, "D_LENGTH", length) end
  end

  -- The files that REAPER can read; one that it cannot keeps no other away, and makes no track.
  local function opened (files)
    local sounds, problem = {}, nil
    for _, file in ipairs (files) do
      local sound = reaper.PCM_Source_CreateFromFile (file.path)
      if sound then
        sounds[#sounds + 1] = { sound = sound, path = file.path, note = file.note }
      else
        problem = "REAPER cannot open " .. file.path .. "."
      end
    end
    return sounds, problem
  end

  --- Put finished takes on the take track of `source`; the last one is the active one.
  -- `files` is a list of { path, note }; the note, { take, span_start, position (s), … }, is kept with the take. They join the
  -- item `guid` where it is still there, else the item of takes at their place.
  function takes.add (source, files, guid)
    local sounds, problem = opened (files)
    if #sounds == 0 then error (problem, 0) end
    undoable ("Draw an Audio: take", function ()
      local track = reading.take_track (source) or make_track (source, reading.name_of (source) .. reading.TAKE_SUFFIX)
      reading.link (track, source)
      local item = guid and item_where (track, function (other) return guid_of (other) == guid end)
      for _, one in ipairs (sounds) do
        if item then add_to_item (item, one.sound, one.path, one.note) else add_at_place (track, one.sound, one.path, one.note) end
      end
      reaper.Main_OnCommand (BUILD_MISSING_PEAKS, 0)
    end)
    if problem then error (problem, 0) end
  end

  --- Seconds by which an item was moved since its take was made; the sound inside it counts, not its trimmed edge.
  function takes.moved (item, take, note)
    local begins = reaper.GetMediaItemInfo_Value (item, "D_POSITION") - reaper.GetMediaItemTakeInfo_Value (take, "D_STARTOFFS")
    return note.position and begins - note.position or 0
  end

  --- The item whose takes lie under first…last (seconds), or nil.
  function takes.item (track, first, last)
    local found, found_overlap
    for _, item in ipairs (items_of (track)) do
      local start = reaper.GetMediaItemInfo_Value (item, "D_POSITION")
      local stop = start + reaper.GetMediaItemInfo_Value (item, "D_LENGTH")
      local overlap = math.min (last, stop) - math.max (first, start)
      if overlap > (found_overlap or 0) then found, found_overlap = item, overlap end
    end
    return found
  end

  --- What was kept with a take when it was made: { take, span_start, position, session, session_id }, or nil for a take that is not ours.
  function takes.note (take)
    local known, text = reaper.GetSetMediaItemTakeInfo_String (take, NOTE, "", false)
    if not known or text == "" then return nil end
    local ok, note = pcall (json.decode, text)
    return ok and note or nil
  end

  --- Make the next take of an item the active one (after the last comes the first); returns it.
  function takes.next (item)
    local chosen
    undoable ("Draw an Audio: next take", function ()
      local index = math.floor (reaper.GetMediaItemInfo_Value (item, "I_CURTAKE"))
      chosen = reaper.GetTake (item, (index + 1) % reaper.CountTakes (item))
      reaper.SetActiveTake (chosen)
    end)
    return chosen
  end

  --- Keep the active take and crop the item to it; what was selected stays selected.
  function takes.keep (item)
    undoable ("Draw an Audio: keep", function ()
      local selected = {}
      for index = 0, reaper.CountSelectedMediaItems (CURRENT) - 1 do
        selected[#selected + 1] = reaper.GetSelectedMediaItem (CURRENT, index)
      end
      reaper.SelectAllMediaItems (CURRENT, false)
      reaper.SetMediaItemSelected (item, true)
      reaper.Main_OnCommand (CROP_TO_ACTIVE_TAKE, 0)
      reaper.SelectAllMediaItems (CURRENT, false)
      for _, other in ipairs (selected) do reaper.SetMediaItemSelected (other, true) end
    end)
  end

  return takes
end
