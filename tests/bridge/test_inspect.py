"""`drawaudio inspect`: the JSON's keys to the letter, and the drawing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.hosts.time_axis import clock

SONG = """<REAPER_PROJECT 0.1 "7.0" 1
  SAMPLERATE 48000 0 0
  TIMEMODE 1 3 -1 30 0 0 -1
  TEMPO 90 4 4
  MARKER 1 1 "door slams" 1 23514367 1 B {1}
  MARKER 1 4 "" 1
  <TRACK {2}
    NAME "Fo\tley"
    <VOLENV2
      ACT 0 -1
      VOLTYPE 1
      PT 0 1 5 1 0 0 0.25
      PT 8 0 0
    >
  >
>
"""


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.rpp"
    path.write_text(SONG, encoding="utf-8")
    return path


def test_the_json(song: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(song), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "format": "rpp",
        "version": "7.0",
        "sample_rate": 48000,
        "frame_rate": "29.97DF",
        "tracks": [
            {
                "name": "Fo\tley",
                "lanes": [
                    {
                        "controls": "volume",
                        "active": False,
                        "domain": "reaper_fader",
                        "points": [
                            {"time_s": 0.0, "value": 1.0, "shape": "bezier", "tension": 0.25},
                            {"time_s": 8.0, "value": 0.0, "shape": "linear", "tension": 0.0},
                        ],
                    }
                ],
            }
        ],
        "markers": [{"kind": "region", "name": "door slams", "time_s": 1.0, "end_s": 4.0, "color": "#66ccff"}],
        "tempo": [{"time_s": 0.0, "bpm": 90.0, "ramp": False}],
        "warnings": [],
    }


def test_the_drawing(song: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["inspect", str(song)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "song.rpp: REAPER project 7.0 · 48000 Hz · 29.97DF fps · 90 BPM"
    assert any("region 'door slams'" in line and "0:01.000 – 0:04.000" in line for line in lines)
    assert any(line.startswith("Fo ley") for line in lines)  # a tab in a name cannot break the table
    assert any("volume (off) VOLENV2" in line and "█" not in line and "▁" in line for line in lines)
    assert any("2 points, 0:00.000 – 0:08.000, -∞ dB to 0.0 dB" in line for line in lines)
    assert all(len(line) <= 130 for line in lines)


def test_a_file_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.ardour"
    bad.write_text("<Session ", encoding="utf-8")
    for path in (bad, tmp_path / "absent.rpp"):
        assert main(["inspect", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and path.name in err


@pytest.mark.parametrize(("time_s", "text"), [(0.0, "0:00.000"), (-0.0001, "0:00.000"), (-61.5, "-1:01.500"),
                                              (3723.0456, "1:02:03.046")])  # fmt: skip
def test_the_clock(time_s: float, text: str) -> None:
    assert clock(time_s) == text
