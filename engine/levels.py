"""The level of finished audio over time, at any rate, block by block."""

import numpy as np

FRAMES_PER_S = 100
FLOOR = 1e-9
"""Added to the power, as everywhere levels are measured: silence is -90 dBFS."""


class LevelMeter:
    """Feed blocks (n, channels); ask for the level of every 10 ms frame at the end.

    A frame is the mean power over a window of 20 ms around it, channels taken together, as `engine.loudness` has it.
    """

    def __init__(self, rate: int) -> None:
        self._rate, self._seen = rate, 0
        self._sums = np.zeros(0)

    def feed(self, block: np.ndarray) -> None:
        """Take in the next block: (n, channels) float."""
        power = np.square(block, dtype=np.float64).mean(axis=1)
        end = self._seen + len(power)
        edges = self._edges(2 + end * FRAMES_PER_S // self._rate)
        first, stop = np.searchsorted(edges, [self._seen, end - 1], side="right") - 1
        starts = np.maximum(edges[first : stop + 1] - self._seen, 0)
        if len(power):
            self._sums = np.pad(self._sums, (0, max(0, stop + 1 - len(self._sums))))
            self._sums[first : stop + 1] += np.add.reduceat(power, starts)
        self._seen = end

    def result(self) -> np.ndarray:
        """(frames,) dBFS RMS, one per 10 ms begun."""
        frames = -(-self._seen * FRAMES_PER_S // self._rate)
        halves = np.pad(self._sums, (0, max(0, frames + 1 - len(self._sums))))[: frames + 1]
        mean = (halves[:-1] + halves[1:]) * FRAMES_PER_S / (2 * self._rate)
        return np.asarray(10 * np.log10(mean + FLOOR))

    def _edges(self, halves: int) -> np.ndarray:
        """First sample of each half-window of 10 ms; the first one begins before the audio does."""
        return np.maximum(np.round((np.arange(halves + 1) - 0.5) * self._rate / FRAMES_PER_S).astype(int), 0)


def levels(audio: np.ndarray, rate: int) -> np.ndarray:
    """Level of audio (n, channels) per 10 ms frame: (frames,) dBFS RMS."""
    meter = LevelMeter(rate)
    meter.feed(audio)
    return meter.result()
