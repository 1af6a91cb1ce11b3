"""Loudness of a take while it is being written: what a Broadcast Wave's loudness fields state.

pyloudnorm's filters and gates, fed block by block. Memory grows by one number per 100 ms, whatever the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: ITU-R BS.1770-4: blocks below this, and below this much under the mean, do not count.
ABSOLUTE_GATE_LUFS = -70.0
INTEGRATED_GATE_LU = -10.0
#: EBU Tech 3342: the loudness range's own relative gate and percentiles.
RANGE_GATE_LU = -20.0
RANGE_PERCENTILES = (10, 95)

HOP_S = 0.1
MOMENTARY_HOPS = 4
SHORT_TERM_HOPS = 30


@dataclass(frozen=True)
class Loudness:
    """What was measured; ``None`` where the take is too short or too quiet for the figure to exist."""

    integrated_lufs: float | None = None
    range_lu: float | None = None
    true_peak_dbtp: float | None = None
    momentary_lufs: float | None = None
    short_term_lufs: float | None = None


class LoudnessMeter:
    """Feed float blocks (n, channels), mono or stereo; ask ``result()`` at the end."""

    def __init__(self, rate: int, channels: int) -> None:
        # Imported here: scipy takes a moment, and nobody but a writer needs it.
        import soxr
        from pyloudnorm.iirfilter import IIRfilter

        # De Man's constants: at 48 kHz these are the coefficients printed in BS.1770, which the defaults only approach.
        stages = (
            IIRfilter(3.99984385397, 0.7071752369554193, 1681.9744509555319, rate, "high_shelf_DeMan"),
            IIRfilter(0.0, 0.5003270373253953, 38.13547087613982, rate, "high_pass_DeMan"),
        )
        self._filters = [(stage.passband_gain * stage.b, stage.a) for stage in stages]
        self._states = [np.zeros((2, channels)) for _ in self._filters]
        self._hop = HOP_S * rate
        self._samples = 0
        self._partial = 0.0
        self._hops: list[float] = []  # mean square of each whole 100 ms, channels summed
        self._peak = 0.0
        # BS.1770-4 annex 2: the waveform between the samples needs at least 192 kHz to be seen.
        factor = 4 if rate < 96_000 else 2 if rate < 192_000 else 1
        self._upsampler = soxr.ResampleStream(rate, rate * factor, channels) if factor > 1 else None

    def feed(self, block: np.ndarray) -> None:
        """Take in the next ``block`` (n, channels)."""
        from scipy.signal import lfilter

        if not len(block):
            return
        self._see_peak(block, last=False)
        weighted = block.astype(np.float64)
        for index, (b, a) in enumerate(self._filters):
            weighted, self._states[index] = lfilter(b, a, weighted, axis=0, zi=self._states[index])
        power = np.square(weighted).sum(axis=1)
        # Hop k ends at sample int((k + 1) * hop), so hops stay in step with the clock at 11,025 Hz too.
        ends: list[int] = []
        while (end := int((len(self._hops) + len(ends) + 1) * self._hop) - self._samples) <= len(block):
            ends.append(end)
        starts = [0, *ends]
        sums = [float(power[a:b].sum()) for a, b in zip(starts, [*ends, len(block)], strict=True)]
        sums[0] += self._partial
        self._hops.extend(total / self._hop for total in sums[:-1])
        self._partial = sums[-1]
        self._samples += len(block)

    def result(self) -> Loudness:
        """The figures for everything fed; call once, at the end."""
        self._see_peak(np.zeros((0, self._states[0].shape[1]), np.float32), last=True)
        momentary = _sliding_lufs(self._hops, MOMENTARY_HOPS)
        short_term = _sliding_lufs(self._hops, SHORT_TERM_HOPS)
        return Loudness(
            integrated_lufs=_integrated(momentary),
            range_lu=_range(short_term),
            true_peak_dbtp=20 * float(np.log10(self._peak)) if self._peak > 0 else None,
            momentary_lufs=_loudest(momentary),
            short_term_lufs=_loudest(short_term),
        )

    def _see_peak(self, block: np.ndarray, *, last: bool) -> None:
        between = block
        if self._upsampler is not None:
            between = self._upsampler.resample_chunk(np.ascontiguousarray(block, np.float32), last=last)
        self._peak = max(self._peak, *(float(np.abs(x).max()) for x in (block, between) if x.size), 0.0)


def _sliding_lufs(hops: list[float], width: int) -> np.ndarray:
    """Loudness of every run of ``width`` hops: (runs,) LUFS, −inf for silence."""
    if len(hops) < width:
        return np.zeros(0)
    mean = np.convolve(hops, np.full(width, 1 / width), mode="valid")
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(np.maximum(mean, 0.0))


def _gated(lufs: np.ndarray, relative_gate_lu: float) -> np.ndarray:
    """The blocks above the absolute gate and above the relative one under their mean."""
    heard = lufs[lufs >= ABSOLUTE_GATE_LUFS]
    return heard[heard >= _mean_lufs(heard) + relative_gate_lu] if len(heard) else heard


def _mean_lufs(lufs: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(10 ** (lufs / 10))))


def _integrated(momentary: np.ndarray) -> float | None:
    heard = _gated(momentary, INTEGRATED_GATE_LU)
    return _mean_lufs(heard) if len(heard) else None


def _range(short_term: np.ndarray) -> float | None:
    heard = _gated(short_term, RANGE_GATE_LU)
    if not len(heard):
        return None
    low, high = np.percentile(heard, RANGE_PERCENTILES)
    return float(high - low)


def _loudest(lufs: np.ndarray) -> float | None:
    return float(lufs.max()) if len(lufs) and lufs.max() >= ABSOLUTE_GATE_LUFS else None
