-- What has become of open requests: takes are imported as they get ready, what is over is forgotten.
-- The same for every host whose scripts read the answers in the outbox.

return function (service, memory)
  local ANSWER_WITHIN_S = 5
  local texts = {}

  --- Look at one open request; returns whether it stays open, whether it changed, and what to tell the designer.
  local function look (entry, import, heard)
    local answer, text = service.answer (entry.session, entry.id, texts[entry.id])
    texts[entry.id] = text
    if not text and os.time () - entry.sent > ANSWER_WITHIN_S then
      -- A service that starts later must not make what nobody waits for any more.
      os.remove (entry.session .. "/inbox/" .. entry.id .. ".json")
      service.info ()
      return false, true, "The Draw an Audio service does not answer: look at its terminal, or start it again with `drawaudio serve`."
    end
    if not answer then return true, false end
    if heard (entry, answer) then
      -- The next answer may read the same.
      texts[entry.id] = nil
      return true, true
    end
    local fresh, problem = {}, nil
    for index = entry.imported + 1, #(answer.takes or {}) do fresh[#fresh + 1] = answer.takes[index] end
    if #fresh > 0 then
      -- Counted before the import: a take that the host cannot read must not be tried again and again, but others may come.
      entry.imported = entry.imported + #fresh
      local ok, said = pcall (import, entry, fresh)
      if not ok then problem = said end
    end
    if answer.state == "failed" or answer.state == "refused" then return false, true, answer.text end
    local over = answer.state == "done" or answer.state == "cancelled"
    return not over, over or #fresh > 0, problem
  end

  -- Read again: a key pressed during an import may have asked for more, or cancelled.
  local function remember (entry, stays)
    local open = {}
    for _, other in ipairs (memory.pending ()) do
      if other.id ~= entry.id then open[#open + 1] = other elseif stays then open[#open + 1] = entry end
    end
    memory.set_pending (open)
  end

  --- Look at these open requests; returns what to tell the designer. `import (entry, takes)` puts new takes on their track;
  -- `heard (entry, answer)` is told of every new answer and returns true where it has sent the request again.
  return function (entries, import, heard)
    local complaints = {}
    for _, entry in ipairs (entries) do
      local ok, stays, changed, complaint = pcall (look, entry, import, heard)
      if not ok then stays, changed, complaint = false, true, stays end
      if not stays then texts[entry.id] = nil end
      if changed then remember (entry, stays) end
      if complaint then complaints[#complaints + 1] = tostring (complaint) end
    end
    return complaints
  end
end
