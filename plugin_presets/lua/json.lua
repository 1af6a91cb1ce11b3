-- JSON for hosts whose Lua brings none: encode and decode, strict, no dependencies.
-- `json.null` stands for null; an array is a table with n = 1..#t, an empty table is an object unless made by json.array.

local json = { null = setmetatable ({}, { __tostring = function () return "null" end }) }
local array_mark = {}

--- Mark a table as an array, so that an empty one is written as [].
function json.array (t) return setmetatable (t or {}, array_mark) end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quoted (s)
  return '"' .. s:gsub ('[%c"\\\127]', function (c) return escapes[c] or string.format ("\\u%04x", c:byte ()) end) .. '"'
end

local function number (n)
  if n ~= n or n == math.huge or n == -math.huge then error ("JSON has no number " .. tostring (n), 0) end
  if math.type and math.type (n) == "integer" then return tostring (n) end
  if n == math.floor (n) and math.abs (n) < 2 ^ 53 then return string.format ("%d", n) end
  -- Always a dot: a host may run under a locale that writes a comma.
  return (string.format ("%.17g", n):gsub (",", "."))
end

local writers
local function write (value, out)
  local writer = writers[type (value)]
  if not writer then error ("JSON cannot hold a " .. type (value), 0) end
  writer (value, out)
end

writers = {
  ["nil"] = function (_, out) out[#out + 1] = "null" end,
  boolean = function (value, out) out[#out + 1] = tostring (value) end,
  number = function (value, out) out[#out + 1] = number (value) end,
  string = function (value, out) out[#out + 1] = quoted (value) end,
  table = function (value, out)
    if value == json.null then out[#out + 1] = "null" return end
    local is_array = getmetatable (value) == array_mark or #value > 0
    out[#out + 1] = is_array and "[" or "{"
    if is_array then
      for i = 1, #value do
        if i > 1 then out[#out + 1] = "," end
        write (value[i], out)
      end
    else
      local keys = {}
      for key in pairs (value) do keys[#keys + 1] = key end
      table.sort (keys)
      for i, key in ipairs (keys) do
        if i > 1 then out[#out + 1] = "," end
        out[#out + 1] = quoted (key) .. ":"
        write (value[key], out)
      end
    end
    out[#out + 1] = is_array and "]" or "}"
  end,
}

--- A value as JSON text, keys sorted. Raises on functions, NaN and infinities.
function json.encode (value)
  local out = {}
  write (value, out)
  return table.concat (out)
end

local unescapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local literals = { { "true", true }, { "false", false }, { "null", json.null } }

local function fail (text, at, what)
  local _, line = text:sub (1, at):gsub ("\n", "")
  error (string.format ("JSON: %s at byte %d (line %d)", what, at, line + 1), 0)
end

local function skip (text, at) return text:find ("[^ \t\r\n]", at) or #text + 1 end

local function read_string (text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find ('["\\]', from)
    if not stop then fail (text, at, "a string without its end") end
    parts[#parts + 1] = text:sub (from, stop - 1)
    if text:sub (stop, stop) == '"' then return table.concat (parts), stop + 1 end
    local code = text:sub (stop + 1, stop + 1)
    from = stop + 2
    if code == "u" then
      local unit = tonumber (text:match ("^%x%x%x%x", from) or fail (text, stop, "a broken \\u"), 16)
      from = from + 4
      local low = unit >= 0xD800 and unit < 0xDC00 and text:match ("^\\u(%x%x%x%x)", from)
      if low then
        unit = 0x10000 + (unit - 0xD800) * 0x400 + (tonumber (low, 16) - 0xDC00)
        from = from + 6
      end
      parts[#parts + 1] = utf8.char (unit)
    else
      parts[#parts + 1] = unescapes[code] or fail (text, stop, "an unknown escape")
    end
  end
end

local read

local function read_list (text, at, close, item)
  at = skip (text, at + 1)
  if text:sub (at, at) == close then return at + 1 end
  while true do
    at = skip (text, item (at))
    local c = text:sub (at, at)
    if c == close then return at + 1 end
    if c ~= "," then fail (text, at, "expected , or " .. close) end
    at = skip (text, at + 1)
  end
end

function read (text, at)
  at = skip (text, at)
  local c = text:sub (at, at)
  if c == '"' then return read_string (text, at) end
  if c == "{" then
    local object = {}
    local after = read_list (text, at, "}", function (from)
      if text:sub (from, from) ~= '"' then fail (text, from, "expected a key") end
      local key, colon = read_string (text, from)
      colon = skip (text, colon)
      if text:sub (colon, colon) ~= ":" then fail (text, colon, "expected :") end
      object[key], from = read (text, colon + 1)
      return from
    end)
    return object, after
  end
  if c == "[" then
    local list = json.array ()
    local after = read_list (text, at, "]", function (from)
      list[#list + 1], from = read (text, from)
      return from
    end)
    return list, after
  end
  for _, literal in ipairs (literals) do
    if text:sub (at, at + #literal[1] - 1) == literal[1] then return literal[2], at + #literal[1] end
  end
  local digits = text:match ("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  local value = digits and tonumber (digits)
  if not value then fail (text, at, "expected a value") end
  return value, at + #digits
end

--- JSON text as Lua values; raises one line that says what is wrong and where.
function json.decode (text)
  local value, after = read (text, 1)
  after = skip (text, after)
  if after <= #text then fail (text, after, "something after the end") end
  return value
end

return json
