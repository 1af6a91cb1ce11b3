"""Timecode against an independent implementation, against hand-made figures, and against itself."""

from fractions import Fraction

import pytest
import timecode as oracle
from hypothesis import given
from hypothesis import strategies as st

from bridge.timecode import FRAME_RATES, FrameRate, Timecode, TimecodeError

ORACLE_RATES = {
    "23.976": ("23.976", True),
    "24": ("24", True),
    "25": ("25", True),
    "29.97NDF": ("29.97", True),
    "29.97DF": ("29.97", False),
    "30": ("30", True),
    "48": ("48", True),
    "50": ("50", True),
    "59.94NDF": ("59.94", True),
    "59.94DF": ("59.94", False),
    "60": ("60", True),
}
rates = st.sampled_from(sorted(FRAME_RATES))
sample_rates = st.sampled_from([44100, 48000, 88200, 96000, 176400, 192000])


def test_the_oracle_covers_every_rate():
    assert ORACLE_RATES.keys() == FRAME_RATES.keys()


@given(rates, st.integers(0, 2**40))
def test_labels_match_the_timecode_package(name, number):
    rate = FRAME_RATES[name]
    number %= rate.frames_per_day
    framerate, non_drop = ORACLE_RATES[name]
    # The package counts frames from 1.
    theirs = oracle.Timecode(framerate, frames=number + 1, force_non_drop_frame=non_drop)
    ours = Timecode(number, rate)
    assert ours.label == (theirs.hrs, theirs.mins, theirs.secs, theirs.frs)
    assert str(ours) == str(theirs)
    assert Timecode.parse(str(ours), rate) == ours


@given(rates, sample_rates, st.integers(0, 2**40))
def test_frame_to_samples_and_back(name, sample_rate, number):
    tc = Timecode(number, FRAME_RATES[name])
    assert Timecode.from_samples(tc.samples(sample_rate), sample_rate, tc.rate) == tc
    assert tc.frame == 0 or Timecode.from_samples(tc.samples(sample_rate) - 1, sample_rate, tc.rate) == tc - 1


@given(rates, st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_adding_frames_wraps_at_midnight(name, number, step):
    tc = Timecode(number, FRAME_RATES[name])
    assert (tc + step) - step == tc
    assert Timecode(-1, tc.rate).label == (23, 59, 59, tc.rate.nominal - 1)


@pytest.mark.parametrize(
    ("label", "rate", "sample_rate", "samples"),
    [
        ("01:00:00:00", "25", 48000, 172_800_000),
        ("01:00:00:00", "23.976", 48000, 172_972_800),  # 0.1 % longer than the clock hour
        ("01:00:00;00", "29.97DF", 48000, 172_799_827),  # 107,892 frames of 1601.6 samples, rounded
        ("10:00:00:00", "24", 44100, 1_587_600_000),
        ("00:00:00:01", "29.97NDF", 48000, 1602),  # 1601.6 samples, rounded
        ("00:10:00;00", "59.94DF", 48000, 28_799_971),  # 35,964 frames of 800.8 samples, rounded
    ],
)
def test_known_positions(label, rate, sample_rate, samples):
    assert Timecode.parse(label, FRAME_RATES[rate]).samples(sample_rate) == samples


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("29.97", "29.97NDF"),
        ("29.97 df", "29.97DF"),
        ("30000/1001 DF", "29.97DF"),
        ("23.98", "23.976"),
        ("24000/1001", "23.976"),
        ("25.0 fps", "25"),
        ("59.94DF", "59.94DF"),
    ],
)
def test_rate_names(text, name):
    assert FrameRate.parse(text) == FRAME_RATES[name]
    assert str(FRAME_RATES[name]) == name
    assert FrameRate.parse(name) == FRAME_RATES[name]


@pytest.mark.parametrize("text", ["", "abc", "29.97XF", "25DF", "24/0", "0", "1/00", "12", "1e3", "-25"])
def test_rates_that_do_not_exist(text):
    with pytest.raises(TimecodeError, match="use one of"):
        FrameRate.parse(text)


@pytest.mark.parametrize(
    ("text", "rate", "word"),
    [
        ("00:01:00;00", "29.97DF", "dropped"),
        ("00:01:00;03", "59.94DF", "dropped"),
        ("00:00:00:25", "25", "beyond"),
        ("24:00:00:00", "25", "beyond"),
        ("00:00:00;00", "25", "drop-frame"),
        ("1:2:3", "25", "HH:MM:SS:FF"),
    ],
)
def test_labels_that_do_not_exist(text, rate, word):
    with pytest.raises(TimecodeError, match=word) as caught:
        Timecode.parse(text, FRAME_RATES[rate])
    assert "\n" not in str(caught.value)


def test_the_first_dropped_labels_are_skipped():
    rate = FRAME_RATES["29.97DF"]
    last = Timecode.parse("00:00:59;29", rate)
    assert str(last + 1) == "00:01:00;02"
    assert str(Timecode.parse("00:09:59;29", rate) + 1) == "00:10:00;00"


def test_exact_seconds_and_refused_rates():
    assert Timecode(1, FRAME_RATES["23.976"]).seconds == Fraction(1001, 24000)
    with pytest.raises(TimecodeError):
        FrameRate(Fraction(25), drop=True)
    with pytest.raises(TimecodeError):
        FrameRate(Fraction(0))
