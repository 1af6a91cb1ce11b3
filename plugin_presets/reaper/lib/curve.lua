-- A lane as REAPER itself evaluates it: shapes, tension and automation items included.

local curve = {}

local STEP_S = 0.01
local MAX_POINTS = 90000
local EDGE_S = 1e-4
local TOLERANCE = 10 ^ (0.02 / 20) - 1
local SILENCE = 1e-4
local MAX_RUN = 256

local function add_item_times (envelope, item, times)
  for index = 0, reaper.CountEnvelopePointsEx (envelope, item) - 1 do
    local _, time = reaper.GetEnvelopePointEx (envelope, item, index)
    times[#times + 1] = time
  end
end

-- Where the lane may jump or bend: its points and the edges of its automation items.
local function corners (envelope)
  local times = {}
  add_item_times (envelope, -1, times)
  for item = 0, reaper.CountAutomationItems (envelope) - 1 do
    local start = reaper.GetSetAutomationItemInfo (envelope, item, "D_POSITION", 0, false)
    times[#times + 1] = start
    times[#times + 1] = start + reaper.GetSetAutomationItemInfo (envelope, item, "D_LENGTH", 0, false)
    add_item_times (envelope, item, times)
  end
  return times
end

local function sample_times (envelope, start, stop)
  local step = math.max (STEP_S, (stop - start) / MAX_POINTS)
  local times, seen, unique = { start, stop }, {}, {}
  for index = 1, math.ceil ((stop - start) / step) - 1 do times[#times + 1] = start + index * step end
  for _, time in ipairs (corners (envelope)) do
    for _, near in ipairs { time - EDGE_S, time } do
      if start < near and near < stop then times[#times + 1] = near end
    end
  end
  table.sort (times)
  for _, time in ipairs (times) do
    if not seen[time] then
      seen[time] = true
      unique[#unique + 1] = time
    end
  end
  return unique
end

local function on_line (points, first, last)
  local a, b = points[first], points[last]
  local slope = (b.value - a.value) / (b.time_s - a.time_s)
  for index = first + 1, last - 1 do
    local point = points[index]
    local line = a.value + slope * (point.time_s - a.time_s)
    if math.abs (line - point.value) > TOLERANCE * math.max (point.value, SILENCE) then return false end
  end
  return true
end

-- Points on a straight line of gain between their neighbours say nothing and are left out.
local function thinned (points)
  local kept, first = { points[1] }, 1
  while first < #points do
    local last = first + 1
    while last < #points and last - first < MAX_RUN and on_line (points, first, last + 1) do last = last + 1 end
    kept[#kept + 1] = points[last]
    first = last
  end
  return kept
end

--- Points { time_s, value } of `envelope` between two times, `time_s` from `start`; `value_of` makes a raw value a gain.
function curve.read (envelope, start, stop, rate, value_of)
  local points = {}
  for _, time in ipairs (sample_times (envelope, start, stop)) do
    local _, raw = reaper.Envelope_Evaluate (envelope, time, rate, 1)
    points[#points + 1] = { time_s = time - start, value = value_of (raw) }
  end
  return thinned (points)
end

return curve
