"""The picture of a take: what is seen stands where it is heard."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.plot import FLOOR_DB, overview

RATE = 48_000


@pytest.mark.parametrize("duration_s", [0.01, 0.1, 1.0, 12.34])
def test_columns_cover_the_file_and_a_click_is_seen_in_its_own(tmp_path: Path, duration_s: float) -> None:
    samples = round(duration_s * RATE)
    sound = np.zeros((samples, 2), np.float32)
    clicks = [0, samples // 3, samples - 1]
    sound[clicks] = (0.5, -0.25)
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="PCM_24")
    seen = overview(tmp_path / "a.wav")
    columns = len(seen.low)
    assert columns == len(seen.high) == len(seen.spectrum_db)
    assert columns == np.ceil(round(seen.duration_s / seen.column_s, 6))
    heard = [int(click / RATE / seen.column_s + 1e-9) for click in clicks]
    assert list(np.flatnonzero(seen.high > 0.4)) == list(np.flatnonzero(seen.low < -0.2)) == heard


def test_the_spectrum_looks_as_far_ahead_as_back(tmp_path: Path) -> None:
    sound = np.zeros(RATE)
    sound[RATE // 3] = 1.0
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="PCM_24")
    seen = overview(tmp_path / "a.wav")
    lit = np.flatnonzero(seen.spectrum_db.max(1) > FLOOR_DB)
    assert (lit[0] + lit[-1]) / 2 == pytest.approx(1 / 3 / seen.column_s, abs=1)


def test_a_tone_is_as_high_at_the_end_as_at_the_start(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "a.wav", tone, RATE, subtype="PCM_24")
    spectrum = overview(tmp_path / "a.wav").spectrum_db
    bright = spectrum.argmax(1)
    assert (bright == bright[len(bright) // 2]).all()
    assert spectrum[[0, -1]].max(1).min() > -20, "the ends lack no more than the half of a window"
