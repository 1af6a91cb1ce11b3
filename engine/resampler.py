"""From the engine's own rate to the session's."""

import numpy as np
import soxr
import torch
import torch.nn.functional as F
from scipy.signal import firwin
from torch import Tensor

from engine.spectral import SAMPLE_RATE
from engine.timeline import Timeline

BAND = 0.44
"""Share of a session's rate up to which a sound is kept whole: half is the most that it can hold."""
BAND_TAPS = 255


def band_limited(audio: Tensor, rate: int) -> Tensor:
    """Audio (takes, channels, L) at 48 kHz without what a session of a low rate cannot hold. Same shape.

    Were that taken away only from the finished take, it would no longer be as loud as its curve, and its peaks would
    rise above the ceiling. Local within half a piece's margin; the usual rates hold all that there is.
    """
    if BAND * rate >= 0.4 * SAMPLE_RATE:
        return audio
    taps = torch.from_numpy(firwin(BAND_TAPS, BAND * rate, fs=SAMPLE_RATE).astype(np.float32))
    flat = audio.reshape(-1, 1, audio.shape[-1])
    return F.conv1d(flat, taps[None, None], padding=BAND_TAPS // 2).reshape(audio.shape)


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
