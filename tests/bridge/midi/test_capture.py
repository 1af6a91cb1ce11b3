"""A fader ridden while the host plays, as a curve."""

import mido
import numpy as np
import pytest

from bridge.midi.capture import MAX_ERROR_DB, CaptureError, CurveCapture
from bridge.midi.cc14 import Controller
from bridge.midi.mmc import mmc_locate, mmc_message
from bridge.timecode import FRAME_RATES, Timecode
from tests.bridge.midi.player import cc, clock, in_order, mtc

HOUR = 3600.0
AN_HOUR = Timecode.parse("01:00:00:00", FRAME_RATES["25"])


def db(value: float) -> float:
    return 40 * np.log10(value / 127)


def capture(*streams, controller=None) -> CurveCapture:
    taken = CurveCapture(controller)
    for time_s, message in in_order(*streams):
        taken.feed(message, time_s)
    return taken


def test_steps_land_where_they_were_played():
    steps = [(1.0, 127), (2.0, 64), (3.5, 20), (4.0, 100)]
    result = capture(mtc(AN_HOUR, 6.0, at_s=50.0), *(cc(50 + t, v) for t, v in steps)).finish()
    assert result.start_s == pytest.approx(HOUR, abs=1e-6)
    assert result.duration_s == pytest.approx(6.0, abs=0.1)
    assert result.controller == Controller("cc", 0, 7)
    for time_s, value in steps:
        assert result.curve.sample(np.array([time_s + 1e-3]))[0] == pytest.approx(db(value), abs=0.01)
    assert result.curve.sample(np.array([2.0 - 1e-3, 3.5 - 1e-3])) == pytest.approx([db(127), db(64)], abs=0.01)
    assert len(result.curve.points) <= 10


def test_a_ride_is_thinned_and_stays_true():
    rng = np.random.default_rng(3)
    times = np.arange(0.0, 20.0, 0.01)
    swell = 64 + 40 * np.sin(times) + 15 * np.sin(3.1 * times + 1)
    values = np.clip(np.round(swell + rng.normal(0, 0.2, len(times))), 1, 127).astype(int)
    result = capture(mtc(AN_HOUR, 21.0), *(cc(float(t), int(v)) for t, v in zip(times, values, strict=True))).finish()
    assert result.curve.sample(times) == pytest.approx(db(values), abs=MAX_ERROR_DB + 0.01)
    assert len(result.curve.points) < len(times) / 2


def test_fourteen_bits_are_one_move_not_two():
    numbers = [16383, 8000, 8001, 3000]
    pairs = []
    for index, number in enumerate(numbers):
        pairs += [cc(1.0 + index, number >> 7), cc(1.001 + index, number & 127, control=39)]
    result = capture(mtc(AN_HOUR, 6.0), *pairs).finish()
    for index, number in enumerate(numbers):
        wanted = 40 * np.log10(number / 16383)
        asked = result.curve.sample(1.0 + index + np.array([0.0005, 0.5]))
        assert asked == pytest.approx([wanted, wanted], abs=0.01)


def test_nrpn_is_captured_when_asked_for_and_ignored_when_another_is():
    moves = [cc(1.0, 9, 99), cc(1.0, 48, 98), cc(1.0, 64, 6), cc(1.001, 0, 38), cc(2.0, 10, 7)]
    result = capture(mtc(AN_HOUR, 4.0), *moves, controller=Controller("nrpn", 0, 1200)).finish()
    assert result.curve.sample(np.array([3.0]))[0] == pytest.approx(40 * np.log10(64 * 128 / 16383), abs=0.01)


def test_the_first_fader_that_moves_is_the_one():
    result = capture(mtc(AN_HOUR, 4.0), cc(0.5, 90, 74), cc(1.0, 64, 11), cc(2.0, 127, 7)).finish()
    assert result.controller == Controller("cc", 0, 11)
    assert result.curve.sample(np.array([3.0]))[0] == pytest.approx(db(64), abs=0.01)


def test_a_fader_is_known_from_before_the_capture():
    taken = CurveCapture(stood={Controller("cc", 0, 7): 20 / 127, Controller("cc", 0, 11): 1.0})
    for time_s, message in in_order(mtc(AN_HOUR, 4.0), cc(2.0, 127)):
        taken.feed(message, time_s)
    levels = taken.finish().curve.sample(np.array([0.1, 1.9, 2.1]))
    assert levels == pytest.approx([db(20), db(20), db(127)], abs=0.01)


def test_a_slow_fade_is_a_line_and_not_a_staircase():
    fade = [cc(0.5 + 0.4 * i, 127 - i) for i in range(60)]
    result = capture(mtc(AN_HOUR, 26.0), *fade).finish()
    assert len(result.curve.points) < 12
    assert result.curve.sample(np.array([0.7]))[0] == pytest.approx((db(127) + db(126)) / 2, abs=MAX_ERROR_DB)


def test_closed_is_silence():
    result = capture(mtc(AN_HOUR, 4.0), cc(0.5, 100), cc(1.0, 0), cc(2.0, 100)).finish()
    assert np.isneginf(result.curve.sample(np.array([1.5]))[0])


def test_where_the_fader_stood_before_playing():
    result = capture([cc(-5.0, 32)], mtc(AN_HOUR, 4.0), cc(2.0, 127)).finish()
    assert result.curve.sample(np.array([0.0, 1.9])) == pytest.approx([db(32), db(32)], abs=0.01)


def test_playing_it_again_overwrites_from_the_first_move_on():
    first = in_order(mtc(AN_HOUR, 8.0), cc(1.0, 100), cc(3.0, 50), cc(7.0, 25))
    second = in_order(mtc(AN_HOUR, 5.0, at_s=20.0), cc(22.0, 127), cc(24.0, 64))
    curve = capture(first, second).finish().curve
    asked = curve.sample(np.array([1.5, 2.5, 4.5, 5.5, 7.5]))
    assert asked == pytest.approx([db(100), db(127), db(64), db(50), db(25)], abs=0.01)


def test_a_span_of_what_was_played():
    taken = capture(mtc(AN_HOUR, 8.0), cc(1.0, 100), cc(3.0, 50), cc(7.0, 25))
    result = taken.finish(HOUR + 2.0, 4.0)
    assert (result.start_s, result.duration_s) == (HOUR + 2, 4)
    asked = result.curve.sample(np.array([0.0, 0.9, 1.1, 4.0]))
    assert asked == pytest.approx([db(100), db(100), db(50), db(50)], abs=0.01)


def test_a_span_inside_a_ramp_is_evaluated_at_its_edges():
    ramp = [cc(1.0 + 0.01 * i, i) for i in range(20, 120)]
    curve = capture(mtc(AN_HOUR, 4.0), *ramp).finish(HOUR + 1.555, 0.3).curve
    assert curve.sample(np.array([0.0]))[0] == pytest.approx(db(55.5), abs=MAX_ERROR_DB)


def test_mmc_and_song_position_do_as_well():
    result = capture([(0.0, mmc_locate(AN_HOUR)), (1.0, mmc_message("play"))], cc(2.0, 100), cc(3.0, 10)).finish()
    assert (result.start_s, result.duration_s) == (HOUR, 2.0)
    song = [(0.0, mido.Message("songpos", pos=32)), (0.5, mido.Message("continue"))]
    result = capture(song, clock(4.0, 120, at_s=1.0), cc(2.0, 100), cc(3.0, 50)).finish()
    assert result.start_s == pytest.approx(4.0, abs=1e-6)
    assert result.curve.sample(np.array([1.9, 2.1])) == pytest.approx([db(100), db(50)], abs=0.01)


def test_a_stream_of_plain_values():
    taken = CurveCapture()
    for time_s, message in mtc(AN_HOUR, 4.0):
        taken.feed(message, time_s)
    taken.value(1.0, 0.5)
    taken.value(0.5, 2.0)
    result = taken.finish()
    assert result.controller is None
    assert result.curve.sample(np.array([1.0, 3.0])) == pytest.approx([0.0, 40 * np.log10(0.5)], abs=0.01)


def test_a_stream_with_positions_of_its_own_needs_no_transport():
    taken = CurveCapture()
    for index in range(101):
        taken.value(1 - index / 200, 0.0, position_s=HOUR + index / 100)
    taken.value(0.9, 0.0, position_s=HOUR + 0.5)  # played again from the middle
    taken.value(0.9, 0.0, position_s=HOUR + 0.7)
    result = taken.finish()
    assert (result.start_s, result.duration_s) == (HOUR, 1.0)
    wanted = 40 * np.log10([0.9, 0.9, 0.6])
    assert result.curve.sample(np.array([0.2, 0.6, 0.8])) == pytest.approx(wanted, abs=MAX_ERROR_DB)


def test_more_values_than_a_curve_may_have():
    taken = CurveCapture()
    for index in range(150_000):
        taken.value(0.5 + 0.4 * np.sin(index / 20_000), 0.0, position_s=index / 1000)
    curve = taken.finish().curve
    times = np.linspace(0, 149, 300)
    assert curve.sample(times) == pytest.approx(40 * np.log10(0.5 + 0.4 * np.sin(times / 20)), abs=MAX_ERROR_DB + 0.01)
    assert len(curve.points) < 500


@pytest.mark.parametrize(
    ("streams", "span", "word"),
    [
        ([mtc(AN_HOUR, 2.0)], (), "no fader moved"),
        ([cc(1.0, 10), cc(2.0, 20)], (), "never ran"),
        ([list(mtc(AN_HOUR, 2.0)), cc(1.0, 10)], (0.0, 5.0), "nothing was played"),
        ([list(mtc(AN_HOUR, 2.0)), cc(9.0, 10)], (), "never ran"),
    ],
)
def test_nothing_to_capture_is_said_in_one_line(streams, span, word):
    with pytest.raises(CaptureError, match=word) as caught:
        capture(*streams).finish(*span)
    assert "\n" not in str(caught.value)
    with pytest.raises(CaptureError, match="between 0 and 1"):
        CurveCapture().value(1.5, 0.0)
