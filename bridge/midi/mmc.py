"""MIDI Machine Control: play, stop, locate and their kin, to commands and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import mido

from bridge.midi.mtc import MTC_RATES, rate_code
from bridge.timecode import FrameRate, Timecode, TimecodeError

#: Commands by their byte. Deferred play is play to us: nothing here needs time to cue up.
COMMANDS: dict[int, str] = {
    0x01: "stop",
    0x02: "play",
    0x03: "play",
    0x04: "fast_forward",
    0x05: "rewind",
    0x06: "record",
    0x07: "record_exit",
    0x09: "stop",
}
_LOCATE = (0x44, 0x06, 0x01)
_ALL_DEVICES = 0x7F


@dataclass(frozen=True)
class MmcCommand:
    """``name`` is a value of ``COMMANDS`` or ``"locate"``, which alone has a ``position_s`` (seconds from midnight)."""

    name: str
    position_s: Fraction | None = None


def parse_mmc(message: mido.Message, rates: Sequence[FrameRate] = MTC_RATES) -> tuple[MmcCommand, ...]:
    """The commands in a sysex message, in order; none for any other message. One message may carry several.

    What follows an unknown command is skipped: its length is unknown.
    """
    data = tuple(message.data) if message.type == "sysex" else ()
    if len(data) < 4 or data[0] != 0x7F or data[2] != 0x06:
        return ()
    commands: list[MmcCommand] = []
    rest = data[3:]
    while rest:
        if rest[:3] == _LOCATE and len(rest) >= 8:
            position = _position(rest[3:8], rates)
            if position is not None:
                commands.append(MmcCommand("locate", position))
            rest = rest[8:]
        elif rest[0] in COMMANDS:
            commands.append(MmcCommand(COMMANDS[rest[0]]))
            rest = rest[1:]
        else:
            break
    return tuple(commands)


def _position(data: Sequence[int], rates: Sequence[FrameRate]) -> Fraction | None:
    hours, minutes, seconds, frames, subframes = data
    rate = rates[hours >> 5 & 3]
    # The upper bits hold colour-frame and sign flags; a set "i" bit says the fifth byte is status, not 1/100 frames.
    hundredths = 0 if frames & 0x20 else min(subframes, 99)
    try:
        label = Timecode.from_label(hours & 0x1F, minutes & 0x3F, seconds & 0x3F, frames & 0x1F, rate)
    except TimecodeError:
        return None
    return label.seconds + Fraction(hundredths, 100) / rate.fps


def mmc_message(command: str, device: int = _ALL_DEVICES) -> mido.Message:
    """The message for a value of ``COMMANDS``."""
    code = next(code for code, name in COMMANDS.items() if name == command)
    return mido.Message("sysex", data=(0x7F, device, 0x06, code))


def mmc_locate(timecode: Timecode, device: int = _ALL_DEVICES) -> mido.Message:
    """The message that sends the transport to ``timecode``."""
    hours, *rest = timecode.label
    hours |= rate_code(timecode.rate) << 5
    return mido.Message("sysex", data=(0x7F, device, 0x06, *_LOCATE, hours, *rest, 0))
