"""The evaluation's own ruler: levels, correlation, looseness, and the test curves."""

import numpy as np
import pytest

from engine.curve import CurvePoint, LoudnessCurve
from engine.evaluation.curves import (
    DURATION_S,
    HAND_DRAWN,
    hand_drawn_curves,
    loose_curves,
    measured_curve,
    measured_curves,
)
from engine.evaluation.following import level_dbfs, loose, tight
from engine.evaluation.recordings import Recording

RATE = 48_000


def shaped_tone(curve: LoudnessCurve, hz: float = 3000.0) -> np.ndarray:
    """A tone that follows a curve to the sample; 3 kHz has whole periods in every 10 ms."""
    times = (np.arange(round(DURATION_S * RATE)) + 0.5) / RATE
    gain = 10 ** ((curve.sample(times) + curve.reference_dbfs) / 20)
    return gain * np.sqrt(2) * np.sin(2 * np.pi * hz * times)


def test_level_of_a_sine_is_its_rms_and_silence_is_the_floor() -> None:
    audio = np.zeros((2, RATE))
    audio[0] = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    level = level_dbfs(audio)
    assert level.shape == (2, 100)
    np.testing.assert_allclose(level[0, 2:-2], -20, atol=0.05)
    assert (level[1] == -80).all()


def test_level_window_begins_five_milliseconds_before_its_frame() -> None:
    audio = np.zeros(RATE)
    audio[480 * 10 - 240] = 1.0  # the first sample of frame 10's window, and inside frame 9's
    assert np.flatnonzero(level_dbfs(audio) > -79).tolist() == [9, 10]


@pytest.mark.parametrize("curve", hand_drawn_curves(), ids=list(HAND_DRAWN))
def test_a_tone_that_follows_each_drawn_shape_has_no_error(curve) -> None:  # type: ignore[no-untyped-def]
    found = tight(shaped_tone(curve.curve), curve.curve)
    assert found.errors_db.mean() < 0.1
    assert found.r is None or found.r > 0.99


def test_a_curve_that_does_not_vary_has_no_correlation_and_a_wrong_level_has_its_error() -> None:
    flat = LoudnessCurve((CurvePoint(0.0, 0.0),))
    found = tight(shaped_tone(flat) * 10 ** (-6 / 20), flat)
    assert found.r is None
    assert found.errors_db[1:-1].mean() == pytest.approx(6.0, abs=0.05)


def test_shifted_hits_lose_their_correlation() -> None:
    curve = next(c.curve for c in hand_drawn_curves() if c.name == "running rhythm")
    audio = shaped_tone(curve)
    r = tight(np.roll(audio, RATE // 8), curve).r
    assert r is not None and r < 0.5


def test_a_measured_curve_gives_back_the_recordings_envelope() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(2 * RATE) / RATE
    audio = rng.standard_normal(2 * RATE) * np.exp(-3 * (times % 0.5) / 0.5)
    curve = measured_curve(audio)
    heard = level_dbfs(audio)
    asked = curve.level_dbfs(len(heard))
    offset = np.median(heard - asked)
    assert np.abs(heard - asked - offset)[2:-2].mean() < 1.0
    assert np.isneginf(curve.sample(np.array([2.5]))[0])


def test_measured_curves_take_new_groups_and_classes_first() -> None:
    rng = np.random.default_rng(0)
    audio = rng.standard_normal(RATE).astype(np.float32)
    rows = [("a1", "a", "x"), ("a2", "a", "x"), ("b1", "b", "x"), ("c1", "c", "y"), ("short", "d", "y")]
    recordings = [Recording(f, g, n, audio[: 9600 if f == "short" else RATE]) for f, g, n in rows]
    assert [c.name for c in measured_curves(recordings, 3)] == ["a1", "c1", "b1"]


def test_drawn_shapes_are_32_and_reach_the_kinds_asked_for() -> None:
    curves = hand_drawn_curves()
    assert len(curves) == 32
    assert len(hand_drawn_curves(8)) == 8
    varied = sum(c.curve.level_dbfs(400).std() >= 6 for c in curves)
    assert varied >= 24


def test_loose_judges_the_running_maximum_and_what_the_sound_keeps() -> None:
    line = loose_curves()[0].curve
    ticking = shaped_tone(line)
    times = np.arange(len(ticking)) / RATE
    gaps = (times % 0.3) > 0.1
    kept = loose(np.where(gaps, ticking * 0.03, ticking), line)
    assert kept.errors_db.mean() < 0.3
    assert kept.inner_std_db > 10
    assert loose(ticking, line).inner_std_db < 1
