"""MIDI Time Code: what is sent is understood, and nothing else ever is."""

from fractions import Fraction

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.mtc import (
    MTC_RATES,
    MTC_RATES_PULLED_DOWN,
    QuarterFrames,
    full_frame,
    parse_full_frame,
    quarter_frames,
    rate_code,
    rates_of,
)
from bridge.timecode import FRAME_RATES, FrameRate, Timecode, TimecodeError

codes = st.integers(0, 3)
frames = st.integers(0, 2**31)


def over_the_wire(message: mido.Message) -> mido.Message:
    return mido.Message.from_bytes(message.bytes())


@given(codes, frames)
def test_a_set_says_when_each_of_its_pieces_was_sent(code, number):
    timecode = Timecode(number, MTC_RATES[code])
    reader = QuarterFrames()
    results = [reader.feed(over_the_wire(m), 10.0 + i) for i, m in enumerate(quarter_frames(timecode))]
    assert results[:7] == [()] * 7
    pieces = results[7]
    assert [piece.quarters for piece in pieces] == list(range(8))
    assert [piece.time_s for piece in pieces] == [10.0 + i for i in range(8)]
    assert {piece.timecode for piece in pieces} == {timecode}
    # The eighth piece was sent a quarter frame before the set's time plus two frames.
    assert pieces[7].position_s == timecode.seconds + Fraction(7, 4) / timecode.rate.fps


@given(codes, frames)
def test_rewinding_reads_the_same_set_backwards(code, number):
    timecode = Timecode(number, MTC_RATES[code])
    reader = QuarterFrames()
    pieces = ()
    for index, message in enumerate(reversed(list(quarter_frames(timecode)))):
        pieces = reader.feed(message, float(index))
    assert [(piece.time_s, piece.quarters) for piece in pieces] == [(float(i), 7 - i) for i in range(8)]
    assert pieces[0].timecode == timecode


@given(codes, frames)
def test_full_frames(code, number):
    timecode = Timecode(number, MTC_RATES[code])
    assert parse_full_frame(over_the_wire(full_frame(timecode))) == timecode


def test_the_wire_bytes():
    timecode = Timecode.parse("01:02:03;04", FRAME_RATES["29.97DF"])
    assert full_frame(timecode).bin().hex() == "f07f7f010141020304f7"
    assert "".join(m.hex() for m in quarter_frames(timecode)) == "F1 04F1 10F1 23F1 30F1 42F1 50F1 61F1 74"


def test_rates_without_a_code_travel_as_their_kin():
    codes = {"23.976": 0, "29.97NDF": 3, "48": 0, "50": 1, "59.94DF": 2, "60": 3}
    assert {name: rate_code(FRAME_RATES[name]) for name in codes} == codes
    timecode = Timecode.parse("10:00:00:00", FRAME_RATES["23.976"])
    assert parse_full_frame(full_frame(timecode), MTC_RATES_PULLED_DOWN) == timecode
    assert parse_full_frame(full_frame(timecode)).seconds == 36_000
    assert {name for name, rate in FRAME_RATES.items() if rates_of(rate) == MTC_RATES_PULLED_DOWN} == {
        "23.976",
        "29.97NDF",
        "29.97DF",
        "59.94NDF",
        "59.94DF",
    }
    assert rates_of(None) == MTC_RATES


@pytest.mark.parametrize("lost", range(8))
def test_a_lost_piece_costs_its_set_and_no_more(lost):
    rate = FRAME_RATES["25"]
    reader = QuarterFrames()
    found = []
    for number in range(0, 8, 2):
        for index, message in enumerate(quarter_frames(Timecode(number, rate))):
            if (number, index) != (2, lost):
                found += reader.feed(message, 0.0)[:1]
    assert [piece.timecode.frame for piece in found] == [0, 4, 6]


def test_labels_that_do_not_exist_are_no_timecode():
    reader = QuarterFrames()
    for kind, value in enumerate([0, 0, 0, 0, 1, 0, 0, 4]):  # 00:01:00;00 at 29.97 drop
        assert reader.feed(mido.Message("quarter_frame", frame_type=kind, frame_value=value), 0.0) == ()
    assert parse_full_frame(mido.Message("sysex", data=(0x7F, 0x7F, 1, 1, 0x40, 1, 0, 0))) is None


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 15)), max_size=200))
def test_noise_never_surprises(messages):
    reader = QuarterFrames()
    for index, (kind, value) in enumerate(messages):
        pieces = reader.feed(mido.Message("quarter_frame", frame_type=kind, frame_value=value), float(index))
        for piece in pieces:
            # Only eight in a row, in order, make a time: it must then be the one these eight say.
            heard = sorted(messages[index - 7 : index + 1])
            assert [k for k, _ in heard] == list(range(8))
            said = [v for _, v in heard]
            assert piece.timecode.label[3] == said[0] | (said[1] & 1) << 4


@given(st.lists(st.integers(0, 127), max_size=16))
def test_any_sysex_is_a_full_frame_or_nothing(data):
    for payload in (data, [0x7F, 0x7F, 1, 1, *data]):
        timecode = parse_full_frame(mido.Message("sysex", data=payload))
        assert timecode is None or isinstance(timecode, Timecode)


def test_drop_frame_rates_without_a_form_are_refused():
    with pytest.raises(TimecodeError):
        rate_code(FrameRate(FRAME_RATES["59.94DF"].fps * 2, drop=True))
