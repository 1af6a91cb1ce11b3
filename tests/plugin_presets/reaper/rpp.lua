-- A reader of .rpp text for the fake REAPER: nested nodes { name, words, children }.

local function words_of (line)
  local words, at = {}, 1
  while true do
    at = line:find ("%S", at)
    if not at then return words end
    local quote = line:sub (at, at)
    if quote == '"' or quote == "'" or quote == "`" then
      local stop = line:find (quote, at + 1, true) or #line + 1
      words[#words + 1], at = line:sub (at + 1, stop - 1), stop + 1
    else
      local stop = line:find ("%s", at) or #line + 1
      words[#words + 1], at = line:sub (at, stop - 1), stop
    end
  end
end

return function (text)
  local root = { words = { "ROOT" }, children = {} }
  local stack = { root }
  for line in text:gmatch ("[^\r\n]+") do
    local body = line:match ("^%s*(.-)%s*$")
    if body == ">" then
      table.remove (stack)
    elseif body ~= "" then
      local opens = body:sub (1, 1) == "<"
      local node = { words = words_of (opens and body:sub (2) or body), children = {} }
      table.insert (stack[#stack].children, node)
      if opens then table.insert (stack, node) end
    end
  end
  return root.children[1]
end
