"""The track templates, read by what reads them: a real Ardour, and our own reader of DAWproject."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.bounce_plan import plan
from bridge.hosts import read_project
from bridge.presets import SOURCE

ARDOUR_LUA = shutil.which("ardour7-lua")
ARDOUR_SCRIPT = """
local session = assert (create_session ("FOLDER/session", "session", 48000))
for _, name in ipairs { "guide", "takes" } do
  local file = "TEMPLATES/Draw an Audio - " .. name .. ".template"
  local made = session:new_route_from_template (1, ARDOUR.PresentationInfo.max_order, file, "",
    ARDOUR.PlaylistDisposition.NewPlaylist)
  for route in made:iter () do
    local plugin = route:nth_plugin (0)
    print ("made|" .. route:name () .. "|" .. (plugin:isnil () and "" or plugin:name ()))
  end
end
session:close ()
quit ()
"""


@pytest.mark.e2e
@pytest.mark.skipif(ARDOUR_LUA is None, reason="needs ardour7-lua (Debian package ardour)")
def test_ardour_makes_a_guide_and_a_take_track(tmp_path: Path) -> None:
    assert ARDOUR_LUA is not None
    script = tmp_path / "templates.lua"
    text = ARDOUR_SCRIPT.replace("FOLDER", str(tmp_path)).replace("TEMPLATES", str(SOURCE / "ardour" / "templates"))
    script.write_text(text)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [ARDOUR_LUA, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    made = [line.split("|")[1:] for line in done.stdout.splitlines() if line.startswith("made")]
    assert made == [["Foley guide 1", "Draw an Audio Guide"], ["Foley takes 1", ""]], done.stderr


def test_the_dawproject_bounces_as_it_is() -> None:
    project = read_project(SOURCE / "dawproject" / "Draw an Audio.dawproject")
    assert project.warnings == ()
    assert [track.name for track in project.tracks][:2] == ["Foley guide", "Foley guide · Foley"]
    (planned,) = plan(project).cues
    assert (planned.track, planned.cue.prompt) == ("Foley guide", "footsteps on gravel")
    assert (planned.cue.span.start_samples, planned.cue.span.duration_s) == (48000, 6)
    assert planned.cue.loudness is not None
    assert [point.value for point in planned.cue.loudness.points] == pytest.approx([0.1, 1, 0])
