-- Regions and markers of a project, by the API of REAPER 7.62 (with GUIDs and selection) or by the older one.

local markers = {}

local function modern (project)
  local list = {}
  for index = 0, reaper.GetNumRegionsOrMarkers (project) - 1 do
    local marker = reaper.GetRegionOrMarker (project, index, "")
    local function value (name) return reaper.GetRegionOrMarkerInfo_Value (project, marker, name) end
    local function text (name) return select (2, reaper.GetSetRegionOrMarkerInfo_String (project, marker, name, "", false)) end
    list[#list + 1] = {
      is_region = value ("B_ISREGION") ~= 0, start = value ("D_STARTPOS"), stop = value ("D_ENDPOS"),
      name = text ("P_NAME"), guid = text ("GUID"), selected = value ("B_UISEL") ~= 0,
    }
  end
  return list
end

local function older (project)
  local list, index = {}, 0
  while true do
    local more, is_region, start, stop, name = reaper.EnumProjectMarkers3 (project, index)
    if more == 0 then return list end
    list[#list + 1] = { is_region = is_region, start = start, stop = stop, name = name, selected = false }
    index = index + 1
  end
end

--- All of them in time order: { is_region, start, stop, name, guid or nil, selected }, times in seconds.
function markers.all (project)
  local list = (reaper.APIExists ("GetNumRegionsOrMarkers") and modern or older) (project)
  table.sort (list, function (a, b) return a.start < b.start end)
  return list
end

return markers
