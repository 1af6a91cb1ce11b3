"""MIDI Machine Control, against bytes written out by hand and against anything at all."""

from fractions import Fraction

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.mmc import COMMANDS, MmcCommand, mmc_locate, mmc_message, parse_mmc
from bridge.midi.mtc import MTC_RATES
from bridge.timecode import Timecode


def sysex(text: str) -> mido.Message:
    return mido.Message("sysex", data=bytes.fromhex(text))


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("7f7f0602", [MmcCommand("play")]),
        ("7f000601", [MmcCommand("stop")]),
        ("7f7f0603", [MmcCommand("play")]),
        ("7f7f064406012100000000", [MmcCommand("locate", Fraction(3600))]),
        ("7f7f064406010000000c32", [MmcCommand("locate", Fraction(25, 48))]),  # frame 12.5 of 24
        ("7f7f064406010000002c32", [MmcCommand("locate", Fraction(1, 2))]),  # status bit: no subframes
        ("7f7f0601440601210000000002", [MmcCommand("stop"), MmcCommand("locate", Fraction(3600)), MmcCommand("play")]),
        ("7f7f064406016000001f00", []),  # frame 31 does not exist
        ("7f7f064d", []),
        ("7e7f0602", []),
        ("7f7f06", []),
    ],
)
def test_messages(text, commands):
    assert list(parse_mmc(sysex(text))) == commands


@pytest.mark.parametrize("name", sorted(set(COMMANDS.values())))
def test_commands_there_and_back(name):
    assert parse_mmc(mido.Message.from_bytes(mmc_message(name).bytes())) == (MmcCommand(name),)


@given(st.integers(0, 3), st.integers(0, 2**31))
def test_locate_there_and_back(code, number):
    timecode = Timecode(number, MTC_RATES[code])
    assert parse_mmc(mido.Message.from_bytes(mmc_locate(timecode).bytes())) == (MmcCommand("locate", timecode.seconds),)


@given(st.lists(st.integers(0, 127), max_size=40))
def test_noise_never_surprises(data):
    for message in (mido.Message("sysex", data=data), mido.Message("sysex", data=[0x7F, 0x7F, 6, *data])):
        for command in parse_mmc(message):
            assert (command.name == "locate") == (command.position_s is not None)
    assert parse_mmc(mido.Message("clock")) == ()
