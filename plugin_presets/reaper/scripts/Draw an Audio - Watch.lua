-- Started by the other actions; imports takes as they get ready and ends by itself when nothing is asked for any more.
-- After a long stall (a render, a big save) it may be started while it still runs: then the older one ends, without a question.
if reaper.set_action_options then reaper.set_action_options (3) end
local folder = select (2, reaper.get_action_context ()):match ("^(.*[/\\])")
dofile (folder .. "lib/main.lua") (folder).watch ()
