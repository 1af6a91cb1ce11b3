-- Started by the other actions; imports takes as they get ready and ends by itself when nothing is asked for any more.
local folder = select (2, reaper.get_action_context ()):match ("^(.*[/\\])")
dofile (folder .. "lib/main.lua") (folder).watch ()
