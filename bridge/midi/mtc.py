"""MIDI Time Code: quarter frames and full frames, to timecode and back.

A quarter-frame set takes two frames to send. Its value is the time of its *first* piece, so by the time the eighth
arrives it is 1 3/4 frames old; `QuarterFrames` therefore dates every piece instead of adding a correction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import mido

from bridge.timecode import FRAME_RATES, FrameRate, Timecode, TimecodeError

#: Frame rates by MTC's two-bit code. MTC has no code for the pulled-down rates: they travel as 24 and 30.
MTC_RATES: tuple[FrameRate, ...] = tuple(FRAME_RATES[name] for name in ("24", "25", "29.97DF", "30"))
#: The same codes from a host that runs at 23.976 or 29.97 non-drop.
MTC_RATES_PULLED_DOWN: tuple[FrameRate, ...] = tuple(
    FRAME_RATES[name] for name in ("23.976", "25", "29.97DF", "29.97NDF")
)

_FULL_FRAME = (0x7F, 0x01, 0x01)  # after the universal real-time id; the device id between them is anyone's


def rates_of(host: FrameRate | None) -> tuple[FrameRate, ...]:
    """What MTC's four codes mean from a host at ``host`` frames per second; unknown, they are taken at their word."""
    return MTC_RATES_PULLED_DOWN if host is not None and host.fps.denominator == 1001 else MTC_RATES


@dataclass(frozen=True)
class Piece:
    """One quarter frame, dated: it arrived at ``time_s``, sent ``quarters`` quarter frames past ``timecode``."""

    time_s: float
    timecode: Timecode
    quarters: int

    @property
    def position_s(self) -> Fraction:
        """Real seconds from midnight at which this piece was sent."""
        return self.timecode.seconds + self.quarters / (4 * self.timecode.rate.fps)


class QuarterFrames:
    """Assembles quarter frames. A lost, repeated or reordered piece costs the set it belongs to, never a wrong time."""

    def __init__(self, rates: Sequence[FrameRate] = MTC_RATES) -> None:
        self._rates = rates
        self._nibbles: list[int] = []
        self._times: list[float] = []
        self._step = 1

    def feed(self, message: mido.Message, time_s: float) -> tuple[Piece, ...]:
        """The eight dated pieces of a set when ``message`` completes it, else nothing; backwards when rewinding."""
        kind = message.frame_type
        if not self._nibbles or kind != self._expected():
            self._nibbles.clear()
            self._times.clear()
            # Only 0 begins a forward set and only 7 a backward one; anything else is the middle of a set.
            if kind not in (0, 7):
                return ()
            self._step = 1 if kind == 0 else -1
        self._nibbles.append(message.frame_value)
        self._times.append(time_s)
        if len(self._nibbles) < 8:
            return ()
        nibbles, times = self._nibbles[:: self._step], self._times[:]
        self._nibbles.clear()
        self._times.clear()
        timecode = _from_nibbles(nibbles, self._rates)
        if timecode is None:
            return ()
        order = range(8)[:: self._step]
        return tuple(Piece(t, timecode, piece) for t, piece in zip(times, order, strict=True))

    def _expected(self) -> int:
        return len(self._nibbles) if self._step == 1 else 7 - len(self._nibbles)


def _from_nibbles(nibbles: Sequence[int], rates: Sequence[FrameRate]) -> Timecode | None:
    frames, seconds, minutes, hours = (low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return _timecode(hours & 0x1F, minutes & 0x3F, seconds & 0x3F, frames & 0x1F, rates[hours >> 5 & 3])


def _timecode(hours: int, minutes: int, seconds: int, frames: int, rate: FrameRate) -> Timecode | None:
    try:
        return Timecode.from_label(hours, minutes, seconds, frames, rate)
    except TimecodeError:
        return None


def rate_code(rate: FrameRate) -> int:
    """MTC's code for ``rate``: pulled-down rates as their nominal one, 48 to 60 fps as half.

    Raises ``TimecodeError`` for drop-frame rates without a code of their own.
    """
    labels = rate.nominal // 2 if rate.nominal > 30 else rate.nominal
    for code, known in enumerate(MTC_RATES):
        if known.nominal == labels and known.drop == rate.drop:
            return code
    raise TimecodeError(f"frame rate {rate}: has no MIDI Time Code form")


def quarter_frames(timecode: Timecode) -> Iterator[mido.Message]:
    """The eight messages of the set that begins at ``timecode``, to be sent a quarter frame apart."""
    hours, minutes, seconds, frames = timecode.label
    for index, value in enumerate((frames, seconds, minutes, hours | rate_code(timecode.rate) << 5)):
        yield mido.Message("quarter_frame", frame_type=2 * index, frame_value=value & 15)
        yield mido.Message("quarter_frame", frame_type=2 * index + 1, frame_value=value >> 4)


def full_frame(timecode: Timecode) -> mido.Message:
    """The message that says "the transport stands here now"."""
    hours, *rest = timecode.label
    hours |= rate_code(timecode.rate) << 5
    return mido.Message("sysex", data=(0x7F, *_FULL_FRAME, hours, *rest))


def parse_full_frame(message: mido.Message, rates: Sequence[FrameRate] = MTC_RATES) -> Timecode | None:
    """The timecode of a full-frame message; ``None`` for any other or malformed one."""
    data = tuple(message.data) if message.type == "sysex" else ()
    if len(data) != 8 or data[0] != 0x7F or data[2:4] != _FULL_FRAME[1:]:
        return None
    hours, minutes, seconds, frames = data[4:]
    return _timecode(hours & 0x1F, minutes & 0x3F, seconds & 0x3F, frames & 0x1F, rates[hours >> 5 & 3])
