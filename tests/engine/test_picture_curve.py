"""Curves drawn from pictures: a hit per contact, a swell per approach, silence about what does not move."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.cue import Cue, LoudnessCurve, MaskPrompt, Span, VideoRef
from engine.curve import CurvePoint
from engine.evaluation.onsets import score
from engine.footage import Footage, footage_of
from engine.masks import make_mask
from engine.models.contacts import ContactReader
from engine.models.store import load_contacts
from engine.motion import measure
from engine.picture_curve import QUIET_DB, draft, peaks, with_curve, witnessed
from engine.video import Clip, VideoError
from engine.video_writer import write_video

WIDTH, HEIGHT = 320, 180
COARSE = np.random.default_rng(0).integers(0, 255, (HEIGHT // 6, WIDTH // 6, 3), np.uint8)
GROUND = cv2.resize(COARSE, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
FALLS_S = (0.8, 1.6, 2.2, 3.1)
READER = load_contacts()


def film(
    path: Path, height_at: Callable[[float], float], *, fps: float = 30, seconds: float = 4.0, x: int = 80
) -> Path:
    """A textured square whose top is at ``height_at`` (pixels) of each time."""
    square = cv2.resize(np.random.default_rng(1).integers(0, 255, (6, 6, 3), np.uint8), (48, 48), interpolation=0)

    def pictures() -> object:
        for index in range(int(fps * seconds)):
            picture = GROUND.copy()
            top = round(height_at(index / fps))
            picture[top : top + 48, x : x + 48] = square
            yield Fraction(index) / Fraction(fps), picture

    return write_video(path, pictures())  # type: ignore[arg-type]


def hammer(time_s: float) -> float:
    """Falls in 0.2 s onto 110, rests 0.1 s, is lifted in 0.3 s to 40."""
    for contact in FALLS_S:
        if contact - 0.2 <= time_s < contact:
            return 40 + 70 * ((time_s - contact + 0.2) / 0.2) ** 2
        if contact <= time_s < contact + 0.1:
            return 110
        if contact + 0.1 <= time_s < contact + 0.4:
            return 110 - 70 * (time_s - contact - 0.1) / 0.3
    return 40


@pytest.mark.parametrize("fps", [30, 60])
def test_a_hit_per_contact(tmp_path: Path, fps: float) -> None:
    drafted = draft(Footage(Clip(film(tmp_path / "hammer.mp4", hammer, fps=fps))), READER)
    found = score(drafted.hits_s, np.array(FALLS_S), 0.08)
    assert found.recall == 1 and found.precision >= 0.5
    at_hits = drafted.curve.sample(np.array(FALLS_S)[:, None] + np.linspace(-0.06, 0.06, 13)).max(axis=1)
    assert (at_hits > -16).all() and drafted.curve.sample(np.array([0.4]))[0] < -25


def test_curve_is_few_editable_points_in_order(tmp_path: Path) -> None:
    points = draft(Footage(Clip(film(tmp_path / "hammer.mp4", hammer))), READER).curve.points
    times = [point.time_s for point in points]
    assert times == sorted(set(times)) and len(points) <= 3 * len(FALLS_S) + 20
    assert LoudnessCurve(points).points == points


def test_the_mask_decides_which_object_is_heard(tmp_path: Path) -> None:
    still = film(tmp_path / "hammer.mp4", hammer, x=220)
    clip = Clip(still)
    beside = make_mask(clip, [MaskPrompt("box", box=(0.05, 0.2, 0.3, 0.6))])
    on_it = make_mask(clip, [MaskPrompt("polygon", points=((0.65, 0.1), (0.9, 0.1), (0.9, 0.95), (0.65, 0.95)))])
    assert measure(clip, beside).speed.mean() < 0.1 * measure(clip, on_it).speed.mean()
    quiet = draft(Footage(clip, beside), READER)
    assert len(quiet.hits_s) == 0 and "nothing moves" in quiet.warnings[0]
    assert score(draft(Footage(clip, on_it), READER).hits_s, np.array(FALLS_S), 0.08).recall == 1


def test_still_camera_and_steady_pan_have_no_hits(tmp_path: Path) -> None:
    drafted = draft(Footage(Clip(film(tmp_path / "still.mp4", lambda _: 60))), READER)
    assert len(drafted.hits_s) == 0 and drafted.curve.points == (CurvePoint(0.0, QUIET_DB),)
    wide = np.concatenate([GROUND, GROUND[:, ::-1]], axis=1)
    pan = ((Fraction(i, 25), wide[:, 2 * i : 2 * i + WIDTH]) for i in range(100))
    assert len(draft(Footage(Clip(write_video(tmp_path / "pan.mp4", pan))), READER).hits_s) <= 2


def test_what_comes_near_swells(tmp_path: Path) -> None:
    random = np.random.default_rng(2).integers(0, 255, (9, 9, 3), np.uint8)

    def pictures() -> object:
        for index in range(100):
            near = 1 / (1 + ((index / 25 - 2) / 0.6) ** 2)
            size = round(16 + 120 * near)
            picture, left = GROUND.copy(), round(30 + 130 * index / 100)
            picture[90 - size // 2 : 90 - size // 2 + size, left : left + size] = cv2.resize(
                random, (size, size), interpolation=0
            )
            yield Fraction(index, 25), picture

    curve = draft(Footage(Clip(write_video(tmp_path / "train.mp4", pictures()))), READER).curve  # type: ignore[arg-type]
    level = curve.sample(np.array([0.3, 1.9, 3.8]))
    assert level[1] > level[0] + 4 and level[1] > level[2] + 4


def test_still_picture_and_cue_without_video_are_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mp4", [(Fraction(0), GROUND)])
    with pytest.raises(VideoError, match="still picture"):
        draft(Footage(Clip(path)), READER)
    with pytest.raises(VideoError, match="no video"):
        draft(footage_of(Cue("a hammer", span=Span(0, 48_000, 4.0))), READER)


def test_cue_without_a_curve_gets_one_from_its_picture(tmp_path: Path) -> None:
    path = film(tmp_path / "hammer.mp4", hammer)
    cue = Cue("a hammer", span=Span(0, 48_000, 2.0), video=VideoRef(str(path), 1.0))
    drawn, _ = with_curve(cue, READER)
    assert drawn.loudness is not None
    assert score(draft(footage_of(cue), READER).hits_s, np.array([0.6, 1.2]), 0.08).recall == 1
    assert with_curve(drawn, READER) == (drawn, ())
    silent = replace(cue, video=None)
    assert with_curve(silent, READER) == (silent, ())


def test_the_surer_the_reader_the_less_the_stops_count() -> None:
    stops = np.full(50, 0.05)
    stops[[10, 30]] = 1.0
    sure, unsure = np.zeros(50), np.zeros(50)
    sure[20], unsure[20] = 1.0, 0.1
    sure[[19, 21]], unsure[[19, 21]] = 0.9, 0.05
    assert peaks(witnessed(sure, stops), 0.5, 0.1).tolist() == [20], "what it is sure of, it decides alone"
    certain = witnessed(unsure + 0.1, stops)
    assert peaks(certain, 0.5, 0.1).tolist() == [10, 30], "where it knows nothing, sudden stops decide"


def test_of_two_peaks_too_close_the_higher_stays() -> None:
    values = np.zeros(40)
    values[[5, 8, 30]] = 0.8, 0.9, 0.7
    assert peaks(values, 0.6, 0.1).tolist() == [8, 30]
    assert peaks(values, 0.75, 0.1).tolist() == [8]
    assert peaks(values, 0.6, 0.04).tolist() == [5, 8, 30]


def test_an_untrained_reader_leaves_the_stops_alone(tmp_path: Path) -> None:
    drafted = draft(Footage(Clip(film(tmp_path / "hammer.mp4", hammer))), ContactReader().eval())
    assert score(drafted.hits_s, np.array(FALLS_S), 0.08).recall == 1
