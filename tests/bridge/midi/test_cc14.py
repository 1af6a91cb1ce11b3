"""Controllers of seven and fourteen bits."""

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.cc14 import Controller, ControllerReader, ControllerValue


def cc(control: int, value: int, channel: int = 0) -> mido.Message:
    return mido.Message("control_change", control=control, value=value, channel=channel)


def read(*messages: mido.Message) -> list[ControllerValue]:
    reader = ControllerReader()
    return [value for value in map(reader.feed, messages) if value is not None]


def test_seven_bits_reach_both_ends():
    assert [v.fraction for v in read(cc(7, 0), cc(7, 127), cc(74, 127, 3))] == [0.0, 1.0, 1.0]
    assert read(cc(74, 1, 3))[0].controller == Controller("cc", 3, 74)


def test_fourteen_bits_reach_both_ends():
    values = read(cc(7, 127), cc(39, 127), cc(7, 0), cc(39, 0))
    assert [v.fraction for v in values] == [1.0, 1.0, 0.0, 0.0]
    assert [v.refines for v in values] == [False, True, False, True]


@given(st.lists(st.integers(0, 16383), min_size=1))
def test_pairs_give_the_value_that_was_sent(numbers):
    messages = [m for n in numbers for m in (cc(11, n >> 7), cc(43, n & 127))]
    refined = [value.fraction for value in read(*messages) if value.refines]
    assert refined == pytest.approx([n / 16383 for n in numbers])


def test_the_fine_half_alone_moves_the_value_on():
    values = read(cc(7, 64), cc(39, 0), cc(39, 1))
    assert [v.refines for v in values] == [False, True, False]
    assert values[2].fraction == pytest.approx((64 * 128 + 1) / 16383)


def test_a_pair_in_the_wrong_order_is_a_controller_of_its_own():
    assert read(cc(39, 5))[0].controller == Controller("cc", 0, 39)


@given(st.integers(0, 16382), st.integers(0, 16383), st.integers(0, 15))
def test_nrpn(parameter, number, channel):
    select = [cc(99, parameter >> 7, channel), cc(98, parameter & 127, channel)]
    values = read(*select, cc(6, number >> 7, channel), cc(38, number & 127, channel))
    assert {v.controller for v in values} == {Controller("nrpn", channel, parameter)}
    assert values[-1].fraction == pytest.approx(number / 16383) and values[-1].refines


def test_the_null_parameter_closes_data_entry():
    assert read(cc(99, 127), cc(98, 127), cc(6, 3)) == []
    assert read(cc(101, 0), cc(100, 0), cc(6, 127))[0].controller == Controller("rpn", 0, 0)


def test_channel_mode_messages_are_no_controllers():
    assert read(cc(120, 0), cc(123, 0), cc(127, 0)) == []


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127), st.integers(0, 15))))
def test_any_stream_stays_within_full_scale(stream):
    for value in read(*(cc(*each) for each in stream)):
        assert 0.0 <= value.fraction <= 1.0


@pytest.mark.parametrize(
    ("text", "controller"),
    [
        ("cc 7", Controller("cc", 0, 7)),
        ("CC11 channel 3", Controller("cc", 2, 11)),
        ("nrpn 1200 on channel 16", Controller("nrpn", 15, 1200)),
    ],
)
def test_names(text, controller):
    assert Controller.parse(text) == controller
    assert Controller.parse(str(controller)) == controller


@pytest.mark.parametrize("text", ["", "7", "cc", "cc 128", "cc 7 channel 17", "cc 7 channel 0", "nrpn 16384"])
def test_names_of_nothing(text):
    with pytest.raises(ValueError, match="write it as"):
        Controller.parse(text)
