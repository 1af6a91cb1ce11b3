"""Timecode: frame labels of a day, and the samples they stand for.

Everything is a ``Fraction`` until a whole sample is asked for, so an hour at 29.97 fps is exact to the sample at any
sample rate. A frame number counts from midnight (0 is 00:00:00:00) and wraps after 24 hours of labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction


class TimecodeError(ValueError):
    """A timecode or frame rate that cannot be; ``str()`` is one line that says how to write it instead."""


@dataclass(frozen=True)
class FrameRate:
    """A frame rate: ``fps`` frames per second of real time, labels dropped to keep clock time where ``drop``."""

    fps: Fraction
    drop: bool = False

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise TimecodeError(f"frame rate {self.fps}: must be above zero")
        # Some machines count 30 and 60 whole frames a second by the labels of 29.97 and 59.94.
        if self.drop and (self.nominal % 30 or self.fps.denominator not in (1, 1001)):
            raise TimecodeError(f"frame rate {float(self.fps):.3f}: only 30 and 60 labels a second can drop some")

    @property
    def nominal(self) -> int:
        """Labels per labelled second: 24 for 23.976, 30 for 29.97."""
        return round(self.fps)

    @property
    def dropped_per_minute(self) -> int:
        """Labels left out at the start of every minute not divisible by ten."""
        return self.nominal // 15 if self.drop else 0

    @property
    def frames_per_day(self) -> int:
        """Frames between 00:00:00:00 and the same label a day later."""
        minutes = 24 * 60
        return self.nominal * 60 * minutes - self.dropped_per_minute * (minutes - minutes // 10)

    def samples_per_frame(self, sample_rate: int) -> Fraction:
        """Exact samples in one frame at ``sample_rate`` Hz."""
        return Fraction(sample_rate) / self.fps

    def __str__(self) -> str:
        """The name the design page uses: ``23.976``, ``25``, ``29.97DF``, ``29.97NDF``."""
        for name, rate in FRAME_RATES.items():
            if rate == self:
                return name
        return f"{self.fps}{' DF' if self.drop else ''}"

    @classmethod
    def parse(cls, text: str) -> FrameRate:
        """Read ``"29.97DF"``, ``"29.97 ndf"``, ``"25"``, ``"24000/1001"`` or ``"30000/1001 DF"``.

        A bare ``29.97`` or ``59.94`` is non-drop. Raises ``TimecodeError`` for anything that is no known rate.
        """
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\d+/\d+)\s*(?:fps)?\s*(DF|NDF)?\s*", text, re.IGNORECASE)
        if match:
            number, drop = match.group(1), (match.group(2) or "").upper() == "DF"
            denominator = number.partition("/")[2]
            wanted = float(Fraction(number)) if denominator.strip("0") or not denominator else 0.0
            for rate in FRAME_RATES.values():
                # 29.97, 29.970 and 23.98 are all in use for the same exact fractions.
                if rate.drop == drop and abs(float(rate.fps) - wanted) < 0.005:
                    return rate
        raise TimecodeError(f"frame rate {text!r}: use one of {', '.join(FRAME_RATES)}")


#: Every rate the project speaks, by the name used in files, messages and documents.
FRAME_RATES: dict[str, FrameRate] = {
    "23.976": FrameRate(Fraction(24000, 1001)),
    "24": FrameRate(Fraction(24)),
    "25": FrameRate(Fraction(25)),
    "29.97NDF": FrameRate(Fraction(30000, 1001)),
    "29.97DF": FrameRate(Fraction(30000, 1001), drop=True),
    "30": FrameRate(Fraction(30)),
    "48": FrameRate(Fraction(48)),
    "50": FrameRate(Fraction(50)),
    "59.94NDF": FrameRate(Fraction(60000, 1001)),
    "59.94DF": FrameRate(Fraction(60000, 1001), drop=True),
    "60": FrameRate(Fraction(60)),
}

_LABEL = re.compile(r"\s*(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})\s*")


@dataclass(frozen=True)
class Timecode:
    """One frame of the day. ``frame`` counts real frames from midnight, whatever their labels."""

    frame: int
    rate: FrameRate

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", self.frame % self.rate.frames_per_day)

    @classmethod
    def from_label(cls, hours: int, minutes: int, seconds: int, frames: int, rate: FrameRate) -> Timecode:
        """The frame named ``hours:minutes:seconds:frames``; ``TimecodeError`` if there is none."""
        label = f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"
        if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60 and 0 <= frames < rate.nominal):
            raise TimecodeError(f"timecode {label}: beyond 23:59:59:{rate.nominal - 1:02d} at {rate} fps")
        if rate.drop and minutes % 10 and seconds == 0 and frames < rate.dropped_per_minute:
            raise TimecodeError(f"timecode {label}: dropped at {rate} fps; use frame {rate.dropped_per_minute:02d}")
        total_minutes = hours * 60 + minutes
        number = (total_minutes * 60 + seconds) * rate.nominal + frames
        return cls(number - rate.dropped_per_minute * (total_minutes - total_minutes // 10), rate)

    @classmethod
    def parse(cls, text: str, rate: FrameRate) -> Timecode:
        """Read ``01:00:00:12``; ``;`` or ``,`` before the frames is accepted for drop-frame rates."""
        match = _LABEL.fullmatch(text)
        if not match:
            raise TimecodeError(f"timecode {text!r}: write it as HH:MM:SS:FF")
        hours, minutes, seconds, separator, frames = match.groups()
        if separator in ";," and not rate.drop:
            raise TimecodeError(f"timecode {text!r}: {separator!r} marks drop-frame, but the rate is {rate}")
        return cls.from_label(int(hours), int(minutes), int(seconds), int(frames), rate)

    @classmethod
    def from_samples(cls, samples: int, sample_rate: int, rate: FrameRate) -> Timecode:
        """The frame that sounds at ``samples`` after midnight (any integer; days wrap).

        A frame begins at its boundary rounded to the nearest sample, so ``from_samples(tc.samples(r), r, …) == tc``.
        """
        per_frame = rate.samples_per_frame(sample_rate)
        frame = samples // per_frame
        if round((frame + 1) * per_frame) <= samples:
            frame += 1
        return cls(int(frame), rate)

    @property
    def seconds(self) -> Fraction:
        """Exact real-time seconds from midnight to the start of this frame."""
        return self.frame / self.rate.fps

    def samples(self, sample_rate: int) -> int:
        """Samples from midnight to the start of this frame, to the nearest sample."""
        return round(self.seconds * sample_rate)

    @property
    def label(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds, frames as shown to people."""
        rate = self.rate
        number = self.frame
        if rate.drop:
            dropped = rate.dropped_per_minute
            per_minute = rate.nominal * 60 - dropped
            tens, rest = divmod(number, per_minute * 10 + dropped)
            # The first minute of each ten keeps all its labels; the nine after it lose some.
            minutes_after_first = max(0, (rest - dropped) // per_minute)
            number += dropped * (9 * tens + minutes_after_first)
        total_seconds, frames = divmod(number, rate.nominal)
        total_minutes, seconds = divmod(total_seconds, 60)
        hours, minutes = divmod(total_minutes, 60)
        return hours, minutes, seconds, frames

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.label
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if self.rate.drop else ':'}{frames:02d}"

    def __add__(self, frames: int) -> Timecode:
        return Timecode(self.frame + frames, self.rate)

    def __sub__(self, frames: int) -> Timecode:
        return Timecode(self.frame - frames, self.rate)
