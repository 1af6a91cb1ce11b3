"""The Resolve script against a stand-in for Resolve's scripting objects."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.presets import SOURCE
from tests.plugin_presets.spool_service import SpoolService, load

RATE = 48000


class Item:
    def __init__(self, start: int, end: int, offset: int, path: str) -> None:
        self._place, self._path = (start, end, offset), path

    def GetStart(self) -> int:
        return self._place[0]

    def GetEnd(self) -> int:
        return self._place[1]

    def GetLeftOffset(self) -> int:
        return self._place[2]

    def GetMediaPoolItem(self) -> Item:
        return self

    def GetClipProperty(self, name: str) -> str:
        assert name == "File Path"
        return self._path


class Resolve:
    """Resolve, its project manager, project, media pool and timeline in one."""

    def __init__(self, session: Path) -> None:
        self.open = "timeline 1"
        self.rate, self.timecode, self.first = "23.976", "01:00:02:00", 86400
        self.markers = {
            24.0: {
                "color": "Blue",
                "duration": 72.0,
                "note": "#tight",
                "name": "footsteps on gravel",
                "customData": "",
            },
            48.0: {"color": "Red", "duration": 1.0, "note": "", "name": "shoe @box 0 0 1 1", "customData": ""},
        }
        self.video = [Item(86400, 87000, 240, str(session / "shot.mp4"))]
        self.audio = ["Dialogue"]
        self.appended: list[dict[str, Any]] = []
        self.imported: list[str] = []

    def GetProjectManager(self) -> Resolve:
        return self

    def GetCurrentProject(self) -> Resolve:
        return self

    def GetCurrentTimeline(self) -> Resolve:
        return self

    def GetMediaPool(self) -> Resolve:
        return self

    def GetSetting(self, name: str) -> str:
        return {"timelineFrameRate": self.rate, "timelineSampleRate": "48000"}[name]

    def GetUniqueId(self) -> str:
        return self.open

    def GetStartFrame(self) -> int:
        return self.first

    def GetCurrentTimecode(self) -> str:
        return self.timecode

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return self.markers

    def GetTrackCount(self, kind: str) -> int:
        return {"video": 1, "audio": len(self.audio)}[kind]

    def GetItemListInTrack(self, kind: str, index: int) -> list[Item]:
        assert (kind, index) == ("video", 1)
        return self.video

    def GetTrackName(self, kind: str, index: int) -> str:
        return self.audio[index - 1]

    def AddTrack(self, kind: str, channels: str) -> bool:
        assert (kind, channels) == ("audio", "mono")
        self.audio.append("Audio 2")
        return True

    def SetTrackName(self, kind: str, index: int, name: str) -> bool:
        self.audio[index - 1] = name
        return True

    def ImportMedia(self, paths: list[str]) -> list[str]:
        self.imported += paths
        return paths

    def AppendToTimeline(self, clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
        allowed = {"mediaPoolItem", "startFrame", "endFrame", "mediaType", "trackIndex", "recordFrame"}
        assert all(set(clip) == allowed for clip in clips)
        self.appended += clips
        return clips


def test_the_script_finds_its_part_however_resolve_runs_it(tmp_path: Path) -> None:
    for name in ("resolve/draw_an_audio.py", "python/drawaudio_spool.py"):
        shutil.copy(SOURCE / name, tmp_path)
    script = tmp_path / "draw_an_audio.py"
    run = "import sys; sys.argv = ['']; exec(compile(open({0!r}).read(), {0!r}, 'exec'), {{'__name__': '__main__'}})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", run.format(str(script))], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and done.stdout.startswith("Run this from DaVinci Resolve"), done.stderr


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Resolve, SpoolService]:
    service = SpoolService(tmp_path, monkeypatch)
    return load(monkeypatch, "resolve/draw_an_audio.py", "draw_an_audio"), Resolve(service.session), service


def test_a_marker_becomes_a_take_on_its_frame(rig: Any) -> None:
    module, resolve, service = rig
    cues: list[dict[str, Any]] = []
    begins = round((86400 + 24) * 1001 / 24000 * RATE)

    def work(seconds: float) -> None:
        if service.asked():
            name, cue = service.take()
            cues.append(cue)
            service.answer(name, "done", service.made(1, begins, samples=144144))

    module.generate(resolve, wait=work, tell=lambda line: None)
    (cue,) = cues
    assert cue["marker"] == "footsteps on gravel #tight"
    assert cue["start"] == {"samples": begins, "rate": RATE}
    assert cue["duration_s"] == pytest.approx(72 * 1001 / 24000)
    assert cue["markers"] == [{"time_s": pytest.approx(1.001), "text": "shoe @box 0 0 1 1"}]
    assert cue["video"]["offset_s"] == pytest.approx((24 + 240) * 1001 / 24000)
    assert "loudness" not in cue, "with a picture the curve comes from it"
    (service.session / "shot.mp4").touch()
    service.accepts(cue)
    (clip,) = resolve.appended
    assert (clip["recordFrame"], clip["trackIndex"], clip["endFrame"], clip["mediaType"]) == (86424, 2, 71, 2)
    assert resolve.audio == ["Dialogue", "Foley"]


def test_without_a_marker_or_a_timeline_it_says_so(rig: Any) -> None:
    module, resolve, service = rig
    resolve.timecode = "01:00:30:00"
    with pytest.raises(module.spool.DrawAudioError, match="timeline marker"):
        module.generate(resolve)
    assert service.asked() == []


def test_a_failed_job_is_one_line(rig: Any) -> None:
    module, resolve, service = rig

    def work(seconds: float) -> None:
        if service.asked():
            service.answer(service.take()[0], "failed", text="no model")

    with pytest.raises(module.spool.DrawAudioError, match=r"^no model$"):
        module.generate(resolve, wait=work)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("23.976", (24000, 1001)),
        ("24", (24, 1)),
        ("29.97 DF", (30000, 1001)),
        ("47.952", (48000, 1001)),
        ("59.94", (60000, 1001)),
        ("60.0", (60, 1)),
        ("95.904", (96000, 1001)),
        ("119.88", (120000, 1001)),
    ],
)
def test_frame_rates_are_exact(rig: Any, text: str, rate: tuple[int, int]) -> None:
    assert rig[0].frame_rate(text) == rate


def test_a_take_does_not_land_on_a_timeline_that_was_opened_meanwhile(rig: Any) -> None:
    module, resolve, service = rig

    class Other(Resolve):
        pass

    first = Other(service.session)
    current = [first]
    resolve.GetCurrentTimeline = lambda: current[0]
    said: list[str] = []

    def work(seconds: float) -> None:
        if service.asked():
            current[0] = Other(service.session)
            current[0].open = "timeline 2"
            service.answer(service.take()[0], "done", service.made(1, 0), service.made(2, 0))

    module.generate(resolve, wait=work, tell=said.append)
    assert resolve.appended == [] and len(resolve.imported) == 2
    assert len(said) == 2 and all("Another timeline" in line for line in said)
    assert first.audio == current[0].audio == ["Dialogue"]


@pytest.mark.parametrize(
    ("label", "rate", "frames"),
    [("00:00:59;29", "29.97", 1799), ("00:01:00;02", "29.97", 1800), ("00:10:00;00", "29.97", 17982)],
)
def test_drop_frame_labels_are_counted(rig: Any, label: str, rate: str, frames: int) -> None:
    module, _, _ = rig
    assert module.frames_of(label, module.frame_rate(rate)) == frames
    assert module.frame_rate("25.0") == (25, 1)
    assert module.frames_of("01:00:00:00", (25, 1)) == 90000
