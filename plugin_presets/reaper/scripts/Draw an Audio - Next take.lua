-- Next take: see README.md beside this file.
local folder = select (2, reaper.get_action_context ()):match ("^(.*[/\\])")
dofile (folder .. "lib/main.lua") (folder).run ("next_take")
