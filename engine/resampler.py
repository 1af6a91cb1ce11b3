"""From the engine's own rate to the session's."""

import numpy as np
import soxr
from torch import Tensor

from engine.spectral import SAMPLE_RATE
from engine.timeline import Timeline


class Resampler:
    """48 kHz to the session's rate, piece by piece, and exactly as many samples as the take has."""

    def __init__(self, timeline: Timeline, takes: int, channels: int) -> None:
        self.left = timeline.samples
        same = timeline.rate == SAMPLE_RATE
        self.streams = (
            []
            if same
            else [soxr.ResampleStream(SAMPLE_RATE, timeline.rate, channels, "float32", "VHQ") for _ in range(takes)]
        )

    def __call__(self, audio: Tensor, last: bool) -> np.ndarray:
        """audio: (takes, channels, n) -> (takes, m, channels); the last piece brings the count to the sample."""
        block = audio.transpose(1, 2).contiguous().numpy()
        if self.streams:
            block = np.stack([s.resample_chunk(b, last=last) for s, b in zip(self.streams, block, strict=True)])
        block = block[:, : self.left]
        self.left -= block.shape[1]
        if last and self.left:
            block = np.pad(block, ((0, 0), (0, self.left), (0, 0)))
        return np.clip(block, -1, 1)
