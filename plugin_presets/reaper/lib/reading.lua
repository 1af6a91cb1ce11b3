-- What the designer points at, read from REAPER: the track, its lane, the region, the markers in it and the video.
-- Reads only. Errors are raised as one line meant for the designer.

return function (markers, curve)
  local reading = { TAKE_SUFFIX = " · Foley" }

  local CURRENT = 0
  local GUIDE_NAME = "Draw an Audio Guide"
  local GUIDE_PARAMETER = "Loudness"
  local GUIDE_SILENCE_DB = -60
  -- On a take track: the GUID of the track it answers. Names change, and two tracks may share one.
  local LINK = "P_EXT:drawaudio_source"
  local VOLUME_LANES = { "<VOLENV2", "<VOLENV" }

  function reading.rate ()
    if reaper.GetSetProjectInfo (CURRENT, "PROJECT_SRATE_USE", 0, false) ~= 0 then
      return math.floor (reaper.GetSetProjectInfo (CURRENT, "PROJECT_SRATE", 0, false) + 0.5)
    end
    local known, text = reaper.GetAudioDeviceInfo ("SRATE")
    local rate = known and tonumber (text)
    if not rate then error ("Set the project's sample rate (Alt+Enter), or open an audio device.", 0) end
    return math.floor (rate + 0.5)
  end

  --- Seconds from timecode midnight to the project's time 0.
  function reading.offset () return reaper.GetProjectTimeOffset (CURRENT, false) end

  local function name_of (track) return select (2, reaper.GetTrackName (track)) end
  reading.name_of = name_of

  local function first_track (fits)
    for index = 0, reaper.CountTracks (CURRENT) - 1 do
      local track = reaper.GetTrack (CURRENT, index)
      if fits (track) then return track end
    end
  end

  function reading.track_of (guid)
    return first_track (function (track) return reaper.GetTrackGUID (track) == guid end)
  end

  local function source_guid (track) return select (2, reaper.GetSetMediaTrackInfo_String (track, LINK, "", false)) end

  --- Have a track known as the take track of another, whatever the two are called later.
  function reading.link (track, source)
    reaper.GetSetMediaTrackInfo_String (track, LINK, reaper.GetTrackGUID (source), true)
  end

  --- The track with the takes of another: the one linked to it, else one of the right name that answers no other; or nil.
  function reading.take_track (source)
    local guid, name = reaper.GetTrackGUID (source), name_of (source) .. reading.TAKE_SUFFIX
    return first_track (function (track) return source_guid (track) == guid end)
      or first_track (function (track) return source_guid (track) == "" and name_of (track) == name end)
  end

  -- The track that a take track answers, or nil.
  local function answered (track)
    local guid, name, suffix = source_guid (track), name_of (track), reading.TAKE_SUFFIX
    if guid ~= "" then return reading.track_of (guid) end
    if #name <= #suffix or name:sub (-#suffix) ~= suffix then return nil end
    local plain = name:sub (1, -#suffix - 1)
    return first_track (function (other) return name_of (other) == plain end)
  end

  --- The one track that is meant; a take track stands for the track it answers.
  function reading.track ()
    local count = reaper.CountSelectedTracks (CURRENT)
    if count ~= 1 then
      error (count == 0 and "No track is selected: click the track whose lane you drew."
        or "Several tracks are selected: select only the one whose lane you drew.", 0)
    end
    local track = reaper.GetSelectedTrack (CURRENT, 0)
    return answered (track) or track
  end

  --- The time selection in seconds, or nil.
  function reading.selected_time ()
    local start, stop = reaper.GetSet_LoopTimeRange2 (CURRENT, false, false, 0, 0, false)
    if start < stop then return start, stop end
  end

  local function best (regions, worth)
    local found, found_worth
    for _, region in ipairs (regions) do
      local value = worth (region)
      if value and (not found_worth or value > found_worth) then found, found_worth = region, value end
    end
    return found
  end

  local function all_regions ()
    local list = {}
    for _, marker in ipairs (markers.all (CURRENT)) do
      if marker.is_region and marker.stop > marker.start then list[#list + 1] = marker end
    end
    return list
  end

  --- The span to fill { name, start, stop, guid } in seconds of the project.
  -- A time selection wins (with the name of the region under it, else the track's), then the shortest region around the
  -- edit cursor, then a selected region.
  function reading.span (track)
    local regions = all_regions ()
    local first, last = reading.selected_time ()
    if first then
      local under = best (regions, function (region)
        local overlap = math.min (last, region.stop) - math.max (first, region.start)
        return overlap > 0 and overlap or nil
      end)
      return under or { name = name_of (track), start = first, stop = last }
    end
    local cursor = reaper.GetCursorPositionEx (CURRENT)
    local span = best (regions, function (region)
      return region.start <= cursor and cursor < region.stop and region.start - region.stop or nil
    end) or best (regions, function (region) return region.selected and -region.start or nil end)
    if not span then error ("No region to fill: put the edit cursor inside a named region, or select time.", 0) end
    return span
  end

  --- Plain markers inside the span: { { time_s, text } … }.
  function reading.marks (span)
    local inside = {}
    for _, marker in ipairs (markers.all (CURRENT)) do
      if not marker.is_region and span.start <= marker.start and marker.start < span.stop then
        inside[#inside + 1] = { time_s = marker.start - span.start, text = marker.name }
      end
    end
    return inside
  end

  local function is_active (envelope)
    local _, chunk = reaper.GetEnvelopeStateChunk (envelope, "", false)
    return chunk:match ("\nACT (%d)") ~= "0"
  end

  local function has_points (envelope)
    return reaper.CountEnvelopePointsEx (envelope, -1) > 0 or reaper.CountAutomationItems (envelope) > 0
  end

  local function guide_lane (track)
    local effect = reaper.TrackFX_GetByName (track, GUIDE_NAME, false)
    if effect < 0 then return nil end
    for parameter = 0, reaper.TrackFX_GetNumParams (track, effect) - 1 do
      local _, name = reaper.TrackFX_GetParamName (track, effect, parameter)
      local envelope = name == GUIDE_PARAMETER and reaper.GetFXEnvelope (track, effect, parameter, false)
      if envelope and has_points (envelope) then return envelope end
    end
  end

  local function volume_lane (track)
    for _, chunk_name in ipairs (VOLUME_LANES) do
      local envelope = reaper.GetTrackEnvelopeByChunkName (track, chunk_name)
      if envelope and has_points (envelope) then return envelope end
    end
  end

  --- The loudness lane as a cue's curve of linear gain, or nil where none is drawn.
  -- The guide plug-in's lane, in dB, goes before the track's volume lane.
  function reading.lane (track, span)
    local guide = guide_lane (track)
    local envelope = guide or volume_lane (track)
    if not envelope then return nil end
    if not is_active (envelope) then
      error (string.format ("The lane of '%s' is bypassed: switch it on, or remove its points.", name_of (track)), 0)
    end
    local scaling = reaper.GetEnvelopeScalingMode (envelope)
    local function gain (raw)
      if guide then return raw <= GUIDE_SILENCE_DB and 0 or 10 ^ (raw / 20) end
      return reaper.ScaleFromEnvelopeMode (scaling, raw)
    end
    return { domain = "gain", points = curve.read (envelope, span.start, span.stop, reading.rate (), gain) }
  end

  --- { path, offset_s } of the video under the span's start, where offset_s is the video's time there; nil without one.
  -- A video that is sped up or slowed down is left out: a cue knows only its offset.
  function reading.video (span)
    for index = 0, reaper.CountMediaItems (CURRENT) - 1 do
      local item = reaper.GetMediaItem (CURRENT, index)
      local start = reaper.GetMediaItemInfo_Value (item, "D_POSITION")
      local take = reaper.GetActiveTake (item)
      local source = take and reaper.GetMediaItemTake_Source (take)
      local covers = start <= span.start and span.start < start + reaper.GetMediaItemInfo_Value (item, "D_LENGTH")
      if source and covers and reaper.GetMediaSourceType (source) == "VIDEO"
        and reaper.GetMediaItemTakeInfo_Value (take, "D_PLAYRATE") == 1 then
        local shift = reaper.GetMediaItemTakeInfo_Value (take, "D_STARTOFFS")
        return { path = reaper.GetMediaSourceFileName (source), offset_s = span.start - start + shift }
      end
    end
  end

  --- All that one Generate needs, as plain tables; times as the cue file has them.
  function reading.request ()
    local track = reading.track ()
    local span, rate = reading.span (track), reading.rate ()
    local first = math.floor ((span.start + reading.offset ()) * rate + 0.5)
    return {
      track = name_of (track),
      text = span.name,
      start = { samples = first, rate = rate },
      duration_s = span.stop - span.start,
      lane = reading.lane (track, span),
      marks = reading.marks (span),
      video = reading.video (span),
    }, span
  end

  return reading
end
