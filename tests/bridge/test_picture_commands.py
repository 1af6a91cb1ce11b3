"""`drawaudio curve` and `drawaudio masks`: what they write can be read back, what they refuse is one line."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bridge.cli import main
from bridge.hosts.midi_file import read_midi
from bridge.lane_files import ardour_list, gain_points, reaper_envelope
from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from engine.training.scenes import make_scene
from engine.video import Clip
from engine.video_writer import write_video

CURVE = LoudnessCurve((CurvePoint(0.0, -30.0), CurvePoint(0.5, 0.0), CurvePoint(1.5, -40.0), CurvePoint(2.0, -12.0)))


@pytest.fixture(name="video", scope="module")
def scene_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scene(1, duration_s=2.0).write(tmp_path_factory.mktemp("videos") / "scene.mp4", sound=False)


def test_lane_points_agree_with_the_curve_between_them() -> None:
    points = np.array(gain_points(CURVE, 2.0))
    times = np.linspace(0, 2, 500)
    db = 20 * np.log10(np.interp(times, points[:, 0], points[:, 1]))
    assert np.abs(db - CURVE.sample(times)).max() < 0.15
    assert points[0, 0] == 0 and points[-1, 0] == 2


def test_reaper_envelope_and_ardour_list_hold_the_points() -> None:
    lines = [line.split() for line in reaper_envelope(CURVE, 2.0, start_s=10.0).splitlines() if "PT" in line]
    assert float(lines[0][1]) == 10 and float(lines[-1][1]) == 12
    assert float(lines[-1][2]) == pytest.approx(10 ** (-12 / 20), abs=1e-6)
    first = ardour_list(CURVE, 2.0, start_s=1.0).split("<events>")[1].split()[:2]
    assert first[0] == "a282240000" and float(first[1]) == pytest.approx(10 ** (-30 / 20))


def test_cue_is_written_and_read_back(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "cue.json"
    masks = ["--mask", "@box 0.1 0.2 0.4 0.6", "--mask", "1.2s @point 0.7 0.5"]
    assert main(["curve", str(video), *masks, "-o", str(target), "--prompt", "wood is hit"]) == 0
    cue = Cue.load(target)
    assert cue.prompt == "wood is hit" and cue.span.duration_s == pytest.approx(2.0)
    assert [(m.kind, m.time_s) for m in cue.masks] == [("box", 0.0), ("point", 1.2)]
    assert cue.loudness is not None and cue.video is not None and cue.video.path == str(video)
    assert main(["curve", str(video), "--duration", "1.0"]) == 0
    printed = capsys.readouterr().out.split("\n", 1)[1]
    assert json.loads(printed)["duration_s"] == 1.0


def test_a_cue_written_into_another_folder_finds_its_video(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shot.mp4").write_bytes(video.read_bytes())
    Path("cues").mkdir()
    for folder in (Path("cues"), Path(".")):
        assert main(["curve", "shot.mp4", "-o", str(folder / "cue.json")]) == 0
        found = Cue.load(folder / "cue.json").video
        assert found is not None and Path(found.path).samefile("shot.mp4")


def test_midi_lane_is_read_back_by_our_own_reader(video: Path, tmp_path: Path) -> None:
    target = tmp_path / "lane.mid"
    assert main(["curve", str(video), "-o", str(target)]) == 0
    lanes = [lane for track in read_midi(target.read_bytes(), target).tracks for lane in track.lanes]
    assert len(lanes) == 1 and len(lanes[0].points) > 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["curve", "nowhere.mp4"], 2, "no such video file"),
        (["curve", "VIDEO", "--mask", "dog"], 2, "names no mask"),
        (["curve", "VIDEO", "--mask", "@box 0.9 0.9 0.5 0.5"], 2, "box"),
        (["curve", "VIDEO", "--offset", "99"], 2, "beyond the picture's end"),
        (["curve", "VIDEO", "--format", "cue", "-o", "VIDEO"], 2, "there already"),
        (["curve", "VIDEO", "-o", "lane.xyz"], 2, "--format"),
        (["curve", "VIDEO", "--format", "midi"], 2, "-o lane.mid"),
        (["curve", "VIDEO", "-o", "no/such/cue.json"], 2, "no folder"),
        *((["curve", "VIDEO", "--duration", given], 2, "--duration") for given in ("nan", "inf", "1e9", "0", "x")),
        (["masks", "VIDEO"], 2, "--mask"),
        (["masks", "VIDEO", "--mask", "@dog", "-o", "new.mp4"], 3, "drawaudio models pull yolo-world"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAWAUDIO_MODELS", str(tmp_path / "models"))
    assert main([str(video) if word == "VIDEO" else word for word in words]) == code
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not (tmp_path / "new.mp4").exists()


def test_masks_preview_shows_the_mask(video: Path, tmp_path: Path) -> None:
    target = tmp_path / "preview.mp4"
    assert main(["masks", str(video), "--mask", "@box 0.0 0.0 0.5 1.0", "-o", str(target)]) == 0
    plain, shown = Clip(video), Clip(target)
    assert len(shown) == len(plain)
    left, right = (np.s_[:, 5:120], np.s_[:, 200:315])
    assert shown[0][left].mean() > 0.9 * plain[0][left].mean()
    assert shown[0][right].mean() < 0.6 * plain[0][right].mean()
    assert not list(tmp_path.glob("*.partial*"))


def test_video_shorter_than_asked_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = [(Fraction(i, 25), np.full((90, 160, 3), 40 + 3 * i, np.uint8)) for i in range(25)]
    path = write_video(tmp_path / "short.mp4", pictures)
    assert main(["curve", str(path), "--duration", "3"]) == 0
    assert "warning:" in (error := capsys.readouterr().err) and "before the cue does" in error
