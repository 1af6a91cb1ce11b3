"""Ardour without a window: sessions made, looked at and saved by `ardour7-lua`, with settings of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = ("ardour7-lua", "ardour7-export")

LOOK = """
local s = assert (load_session (DIR, NAME))
local function say (...) print ("\\t" .. table.concat ({...}, "\\t")) end
local function exact (number) return string.format ("%.17g", number) end
for l in s:locations ():list ():iter () do
  say ("location", l:name (), l:start ():samples (), l:_end ():samples (), l:flags ())
end
for r in s:get_routes ():iter () do
  say ("route", r:name (), tostring (r:active ()), tostring (r:muted ()))
  local controls = {{"gain", r:gain_control ()}, {"trim", r:trim_control ()}, {"mute", r:mute_control ()}}
  for _, pair in ipairs (controls) do
    local name, control = pair[1], pair[2]
    if not control:isnil () then
      local list = control:alist ()
      say ("lane", r:name (), name, control:automation_state (), list:interpolation ())
      for e in list:events ():iter () do
        say ("point", r:name (), name, e.when:samples (), exact (e.value))
      end
    end
  end
  local track = r:to_track ()
  if not track:isnil () then
    for region in track:playlist ():region_list ():iter () do
      local source = region:source (0):to_filesource ()
      say ("region", r:name (), region:name (), region:position ():samples (), region:length ():samples (),
        tostring (region:muted ()), region:source (0):length ():samples (), source:path ())
    end
  end
end
if SAVE then s:save_state (SAVE) end
s:close ()
quit ()
"""
"""What a session holds, a line per thing, tab-separated; with SAVE it is saved under that name, too."""


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def environment(root: Path) -> dict[str, str]:
    """Ardour's settings and caches below `root`, never the user's."""
    own = {"XDG_CONFIG_HOME": str(root / "config"), "XDG_CACHE_HOME": str(root / "cache"), "LC_ALL": "C.UTF-8"}
    return {**os.environ, **own}


def run_lua(root: Path, script: str, **variables: str | int | float) -> list[tuple[str, ...]]:
    """Run `script` in ardour7-lua with global `variables`; gives the rows it printed that begin with a tab."""
    path = root / "script.lua"
    text = "".join(f"{name} = {_literal(value)}\n" for name, value in variables.items())
    path.write_text(text + script, encoding="utf-8")
    done = subprocess.run(
        ["ardour7-lua", str(path)],
        env=environment(root),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "Error: " not in done.stdout + done.stderr, said
    return [tuple(line[1:].split("\t")) for line in done.stdout.split("\n") if line.startswith("\t")]


def look(session: Path, root: Path, save: str | None = None) -> list[tuple[str, ...]]:
    """What Ardour finds in a session file."""
    saved = {} if save is None else {"SAVE": save}
    found = run_lua(root, LOOK, DIR=str(session.parent), NAME=session.stem, **saved)
    assert found, f"Ardour did not open {session.name}"
    return found


def make_session(folder: Path, script: str, root: Path, **variables: str | int | float) -> Path:
    """Run a `script` that makes the session NAME in DIR; the range it names "session" becomes the session's own."""
    run_lua(root, script, DIR=str(folder), NAME=folder.name, **variables)
    path = folder / f"{folder.name}.ardour"
    path.write_text(with_session_range(path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def with_session_range(text: str) -> str:
    """ardour7-lua can make ranges only: the one named "session" as the session's own, which the exporter wants."""
    return re.sub(r'(<Location [^>]*name="session"[^>]*flags=)"IsRangeMarker"', r'\1"IsSessionRange"', text)


def _literal(value: str | int | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def rows(found: list[tuple[str, ...]], kind: str) -> list[tuple[str, ...]]:
    return [row[1:] for row in found if row[0] == kind]


def points(found: list[tuple[str, ...]]) -> Mapping[tuple[str, str], list[tuple[int, float]]]:
    """(track, control) -> its points: (sample, value)."""
    lanes: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for track, control, when, value in rows(found, "point"):
        lanes.setdefault((track, control), []).append((int(when), float(value)))
    return lanes
