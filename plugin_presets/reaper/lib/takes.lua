-- Takes on their track: as REAPER takes of one item on "<track> · Foley". Every verb is one undo step.

return function (json)
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

  local function make_track (source, name)
    local index = math.floor (reaper.GetMediaTrackInfo_Value (source, "IP_TRACKNUMBER"))
    reaper.InsertTrackAtIndex (index, false)
    local track = reaper.GetTrack (CURRENT, index)
    reaper.GetSetMediaTrackInfo_String (track, "P_NAME", name, true)
    return track
  end

  local function item_at (track, position)
    for _, item in ipairs (items_of (track)) do
      if math.abs (reaper.GetMediaItemInfo_Value (item, "D_POSITION") - position) < SAME_PLACE_S then return item end
    end
    local item = reaper.AddMediaItemToTrack (track)
    reaper.SetMediaItemInfo_Value (item, "D_POSITION", position)
    reaper.SetMediaItemInfo_Value (item, "B_LOOPSRC", 0)
    return item
  end

  local function add_take (item, file, note)
    local source = reaper.PCM_Source_CreateFromFile (file.path)
    if not source then error ("REAPER cannot open " .. file.path .. ".", 0) end
    local length = reaper.GetMediaSourceLength (source)
    local take = reaper.AddTakeToMediaItem (item)
    reaper.SetMediaItemTake_Source (take, source)
    reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", file.path:match ("([^/\\]+)%.%w+$") or file.path, true)
    reaper.GetSetMediaItemTakeInfo_String (take, NOTE, json.encode (note), true)
    if length > reaper.GetMediaItemInfo_Value (item, "D_LENGTH") then reaper.SetMediaItemInfo_Value (item, "D_LENGTH", length) end
    reaper.SetActiveTake (take)
  end

  --- Put finished takes on the take track; the last one is the active one.
  -- `files` is a list of { path, position (s), take_id }; `note` is kept with each take.
  function takes.add (source, track, name, files, span_start)
    undoable ("Draw an Audio: take", function ()
      local target = track or make_track (source, name)
      for _, file in ipairs (files) do
        add_take (item_at (target, file.position), file, { take = file.take_id, span_start = span_start })
      end
      reaper.Main_OnCommand (BUILD_MISSING_PEAKS, 0)
    end)
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

  --- What was kept with a take when it was made: { take, span_start }, or nil for a take that is not ours.
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
