"""What is heard when takes are auditioned: voices that fade into one another, and a transport that they stay with.

No device and no clock in here: `Playback.fill` is asked for frames that will sound at a given moment.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np

#: Length of every fade, seconds: long enough to hide a cut, short enough to feel like a switch.
FADE_S = 0.010
#: A voice this far from the transport is put right; less is left alone, for putting right is itself heard.
OUT_OF_SYNC_S = 0.008
#: … or at once, without waiting for the median of the last few blocks, when it is plainly elsewhere.
ELSEWHERE_S = 0.1
_BLOCKS_JUDGED = 9


@dataclass(frozen=True)
class TransportClock:
    """A running transport: it stands at ``clock + offset_s`` seconds from midnight, by the clock `fill` is given."""

    offset_s: float


@dataclass
class _Voice:
    audio: np.ndarray
    cursor: int
    level: float
    rising: bool = True

    def render(self, frames: int, fade: int) -> np.ndarray:
        """The next ``frames`` (frames, channels), silent outside the audio, faded."""
        out = np.zeros((frames, self.audio.shape[1]), np.float32)
        first, last = max(self.cursor, 0), min(self.cursor + frames, len(self.audio))
        if first < last:
            out[first - self.cursor : last - self.cursor] = self.audio[first:last]
        self.cursor += frames
        if self.level < 1 or not self.rising:
            steps = np.arange(1, frames + 1, dtype=np.float32) / fade
            ramp = np.clip(self.level + (steps if self.rising else -steps), 0, 1)
            self.level = float(ramp[-1])
            # Raised cosine: two voices that cross add up to one, never to more.
            out *= (0.5 - 0.5 * np.cos(np.pi * ramp))[:, None]
        return out

    @property
    def over(self) -> bool:
        return self.cursor >= len(self.audio) or (not self.rising and self.level <= 0)


class Playback:
    """Mixes what sounds, ``rate`` Hz and ``channels`` wide. One thread fills, others may play and stop."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate = rate
        self.channels = channels
        self.transport: TransportClock | None = None
        self._lock = threading.Lock()
        self._fade = max(1, round(FADE_S * rate))
        self._audio = np.zeros((0, channels), np.float32)
        self._start_s = 0.0
        self._voice: _Voice | None = None
        self._fading: list[_Voice] = []
        self._errors: deque[int] = deque(maxlen=_BLOCKS_JUDGED)
        self._followed = False

    def play(self, audio: np.ndarray, start_s: float) -> None:
        """Sound ``audio`` (samples, channels) at ``rate``: from its beginning, or where the running transport stands.

        ``start_s`` is where the take begins, seconds from midnight. What sounded before fades into it; while the
        transport runs, both are at the same place of the timeline as they do.
        """
        with self._lock:
            later = round((start_s - self._start_s) * self.rate)
            self._audio, self._start_s = audio, start_s
            if self.transport is None:
                self._begin(0)
            elif self._voice is not None:
                self._begin(self._voice.cursor - later)
            self._followed = False

    def stop(self) -> None:
        """Fade out what sounds; nothing sounds again before the next `play`."""
        with self._lock:
            self._release()
            self._audio = np.zeros((0, self.channels), np.float32)

    @property
    def sounding(self) -> bool:
        """Whether there is anything left to hear without a transport."""
        with self._lock:
            return self._voice is not None or bool(self._fading)

    def fill(self, frames: int, at_s: float) -> np.ndarray:
        """The next ``frames`` (frames, channels) float32; they begin to sound at ``at_s`` on the caller's clock."""
        with self._lock:
            self._follow(at_s)
            out = np.zeros((frames, self.channels), np.float32)
            for voice in [*self._fading, *([self._voice] if self._voice else [])]:
                out += voice.render(frames, self._fade)
            self._fading = [voice for voice in self._fading if not voice.over]
            if self._voice is not None and self._voice.over:
                self._voice = None
        return out

    def _follow(self, at_s: float) -> None:
        transport = self.transport
        if transport is None:
            if self._followed:  # it stopped: so does what followed it
                self._release()
                self._followed = False
            return
        wanted = round((at_s + transport.offset_s - self._start_s) * self.rate)
        if wanted >= len(self._audio):
            self._release()
        elif self._voice is None:
            self._begin(wanted)
        else:
            self._errors.append(wanted - self._voice.cursor)
            off = median(self._errors)
            settled = len(self._errors) == _BLOCKS_JUDGED and abs(off) > OUT_OF_SYNC_S * self.rate
            if settled or abs(self._errors[-1]) > ELSEWHERE_S * self.rate:
                self._begin(wanted)
        self._followed = True

    def _begin(self, cursor: int) -> None:
        """A new voice at ``cursor``; a take's own beginning is never softened, a cut into its middle always."""
        self._release()
        self._voice = _Voice(self._audio, cursor, level=1.0 if cursor <= 0 else 0.0)

    def _release(self) -> None:
        if self._voice is not None:
            self._voice.rising = False
            self._fading.append(self._voice)
            self._voice = None
        self._errors.clear()
