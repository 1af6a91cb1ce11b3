"""Where a cue's take lies in time, and what its curve asks there.

handle │        span: the curve        │ handle │ tail
───────┼───────────────────────────────┼────────┼──────
       start (the cue's)                          drawn no more: the sound rings out
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.cue import Cue
from engine.curve import LoudnessCurve
from engine.gain_rider import CURVE_RATE, Asked
from engine.levels import FRAMES_PER_S
from engine.models.denoiser import TOKEN_RATE
from engine.spectral import FRAME, SAMPLE_RATE

FRAME_S = FRAME / SAMPLE_RATE
SILENT_DB = -150.0
TAIL_FALL_DB = 50.0
"""How far the level must have fallen by the end of the tail."""
ENDING_FRAMES = 3
EDGE_S = 0.002
"""A take that begins or ends in mid-sound is faded so long: as steep as a line's own steps, and no click."""


def ends_silent(curve: LoudnessCurve | None, duration_s: float) -> bool:
    """Whether the curve is silent at the end of the span, so that there is nothing to ring out."""
    return curve is not None and bool(np.isneginf(curve.sample(np.array([duration_s]))[0]))


@dataclass(frozen=True)
class Timeline:
    """Lengths of a take in seconds and samples; ``rate`` is the session's."""

    curve: LoudnessCurve | None
    rate: int
    start: int
    samples: int
    before_s: float
    drawn_s: float
    tail_s: float

    @classmethod
    def of(cls, cue: Cue, curve: LoudnessCurve | None) -> "Timeline":
        """The timeline of a cue under one of its curves."""
        rate = cue.span.rate
        before, after = (round(s * rate) for s in cue.handles_s)
        quiet = [ends_silent(c, cue.span.duration_s) for c in curves(cue)]
        tail = 0 if all(quiet) else round(cue.tail_s * rate)
        samples = cue.span.samples + before + after + tail
        drawn = (cue.span.samples + after) / rate
        return cls(curve, rate, cue.span.start_samples - before, samples, before / rate, drawn, tail / rate)

    @property
    def frames(self) -> int:
        """Frames of 10 ms that the take has begun."""
        return -(-self.samples * FRAMES_PER_S // self.rate)

    @property
    def tokens(self) -> int:
        """Tokens of 40 ms that cover the take."""
        return math.ceil(self.samples / self.rate * TOKEN_RATE)

    def token_time(self, index: int) -> float:
        """Where a token begins, in seconds from the cue's start."""
        return index / TOKEN_RATE - self.before_s

    def frame_times(self, first: int, count: int) -> np.ndarray:
        """Start of each 10 ms frame in seconds from the cue's start."""
        return (first + np.arange(count)) * FRAME_S - self.before_s

    def asked(self, first: int, count: int) -> Asked:
        """What is asked of frames ``first`` to ``first + count``."""
        fine = CURVE_RATE // 100
        if self.curve is None:
            return Asked(np.full(count, np.nan), np.full(count * fine, np.nan), loose=False)
        times = self.frame_times(first, count)
        level = self.curve.level_dbfs(count, float(times[0]))
        moments = times[0] + (np.arange(count * fine) + 0.5) / CURVE_RATE
        gain = 10 ** ((self.curve.sample(moments) + self.curve.reference_dbfs) / 20)
        level = np.where(times < self.drawn_s, level, np.nan)
        gain = np.where(moments < self.drawn_s, gain, np.nan)
        return Asked(level, gain, self.curve.follow == "loose")

    def rung_out(self, line: np.ndarray, first: int) -> np.ndarray:
        """A line (n,) in dBFS from frame ``first`` on, falling in the tail from where it ended; NaN where undrawn."""
        after, fall = self._fall(first, len(line))
        return np.minimum(np.where(after < 0, line, self._ending_dbfs() + fall), 0)

    def settled(self, inner: np.ndarray, first: int, ended: np.ndarray | None = None) -> np.ndarray:
        """The sound's own level (takes, n) in dBFS from frame ``first`` on, ringing out in the tail.

        Under a tight line the tail falls from where the line ended. Elsewhere the sound has a rhythm of its own: the
        tail falls from the level ``ended`` (takes,) that it had there, see `level_at_end`, and where no line was drawn
        to the end that is only an upper bound. So nothing begins anew, and nothing is left after the tail.
        """
        after, fall = self._fall(first, inner.shape[-1])
        ending = self._ending_dbfs()
        tail = np.broadcast_to(fall + np.nan_to_num(ending), inner.shape)
        undrawn = np.isnan(ending)
        if ended is not None and (undrawn or (self.curve is not None and self.curve.follow == "loose")):
            tail = np.minimum(tail, fall + ended[:, None])
        if undrawn:
            tail = np.minimum(tail, inner)
        return np.minimum(np.where(after < 0, np.maximum(inner, SILENT_DB), tail), 0).astype(np.float32)

    def level_at_end(self, level: np.ndarray, first: int) -> np.ndarray | None:
        """Of levels (takes, n) from frame ``first`` on the highest of the 30 ms before the tail; None if not there."""
        after, _ = self._fall(first, level.shape[-1])
        before = np.flatnonzero(after < 0)[-ENDING_FRAMES:]
        reached = len(before) == ENDING_FRAMES and after[-1] >= 0
        return level[:, before].max(-1) if reached else None

    def _fall(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Of ``count`` frames the seconds since the line's end, and the dB by which a tail has fallen by then."""
        after = self.frame_times(first, count) - self.drawn_s
        fall = -TAIL_FALL_DB * np.clip(after / max(self.tail_s, FRAME_S), 0, None) ** 1.5
        return after, np.where(after >= self.tail_s, SILENT_DB, fall)

    def _ending_dbfs(self) -> float:
        """Level at which the line ends, NaN where none is drawn there."""
        if self.curve is None:
            return np.nan
        ending = self.curve.sample(np.array(self.drawn_s - FRAME_S))
        return self.curve.reference_dbfs + float(np.maximum(ending, SILENT_DB))

    def faded(self, first: int, count: int) -> np.ndarray:
        """Gain (count,) at 48 kHz from sample ``first`` on that fades the take's two edges; 1 between them."""
        at = first + np.arange(count)
        inside = np.minimum(at, self.samples * SAMPLE_RATE / self.rate - 1 - at)
        return np.clip(inside / (EDGE_S * SAMPLE_RATE), 0, 1).astype(np.float32)


def curves(cue: Cue) -> list[LoudnessCurve | None]:
    """The cue's curve, or those of its sources."""
    return [source.loudness for source in cue.sources] or [cue.loudness]


def take_samples(cue: Cue) -> int:
    """Samples of a take at the session's rate, handles and tail included."""
    return Timeline.of(cue, cue.loudness).samples


def take_start(cue: Cue) -> int:
    """First sample of a take on the host's timeline: the cue's start less the handle before it."""
    return Timeline.of(cue, cue.loudness).start
