"""A picture of a take: waveform, spectrogram, and the curve that was asked beside the one that came out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

import numpy as np
import soundfile
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from engine.cue import Cue
from engine.curve import LEVEL_FLOOR_DBFS
from engine.errors import MissingModel
from engine.take import TakeReport

#: Columns that the picture resolves: a take of any length costs the same.
COLUMNS = 1200
WINDOW = 1024
FRAME_S = 0.01
FLOOR_DB = -100.0
#: From the spectrogram's brightest spot to black.
RANGE_DB = 75.0
#: Characters of the prompt that there is room for.
TITLE = 100
#: Width over height of the strip of frames.
STRIP_ASPECT = 8.5


@dataclass(frozen=True)
class Overview:
    """A sound file seen from afar; all arrays have one row per column of the picture."""

    #: Width of a column; the last one may reach beyond the file.
    column_s: float
    low: np.ndarray
    high: np.ndarray
    #: (columns, bins) magnitude in dB relative to a full-scale sine.
    spectrum_db: np.ndarray
    rate: int
    duration_s: float


def overview(path: Path) -> Overview:
    """Look at a sound file column by column; it is never in memory as a whole."""
    window = np.hanning(WINDOW)
    lows, highs, spectra = [], [], []
    with soundfile.SoundFile(path) as file:
        hop = max(-(-file.frames // COLUMNS), 64)
        for start in range(0, file.frames, hop):
            column = _read(file, start, min(hop, file.frames - start))
            lows.append(column.min())
            highs.append(column.max())
            around = _read(file, start + hop // 2 - WINDOW // 2, WINDOW).mean(axis=1)
            magnitude = np.abs(np.fft.rfft(around * window)) * 2.0 / window.sum()
            spectra.append(20.0 * np.log10(np.maximum(magnitude, 10.0 ** (FLOOR_DB / 20.0))))
        rate, duration_s = file.samplerate, file.frames / file.samplerate
    return Overview(hop / rate, np.array(lows), np.array(highs), np.array(spectra), rate, duration_s)


def _read(file: soundfile.SoundFile, start: int, count: int) -> np.ndarray:
    """Samples (count, channels) from `start` on, zero before and after the file's own."""
    before = max(-start, 0)
    file.seek(start + before)
    found = file.read(count - before, dtype="float32", always_2d=True)
    return np.pad(found, ((before, count - before - len(found)), (0, 0)))


def picture_strip(cue: Cue) -> np.ndarray | None:
    """Frames of the cue's video side by side, its masks and its sources' drawn on them: (height, width, 3) uint8.

    None without a video. Masks that need a model which is not there are left out of the picture.
    Raises `engine.video.VideoError`.
    """
    if cue.video is None:
        return None
    from engine.footage import footage
    from engine.masks.preview import strip

    span = cue.video.path, cue.video.offset_s, cue.span.duration_s
    try:
        seen = footage(*span, tuple(mask for _, masks in cue.masks_by_field() for mask in masks))
    except MissingModel:
        seen = footage(*span)
    height, width = seen.clip.shape
    return strip(seen.clip, seen.mask, max(2, round(STRIP_ASPECT * height / width)))


def plot_take(target: BinaryIO, wave: Path, cue: Cue, report: TakeReport) -> None:
    """Write a PNG of the take in `wave` to the open file `target`, with a strip of frames where the cue has a video.

    The time axis counts from the cue's start, so that handles lie left of 0.
    """
    seen = overview(wave)
    begin = -cue.handles_s[0]
    end = begin + seen.duration_s
    strip = picture_strip(cue)
    heights = ([] if strip is None else [0.5]) + [0.9, 1.3, 1.3]
    figure = Figure(figsize=(11, 2.4 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(np.atleast_1d(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)))
    prompt = cue.prompt or " + ".join(source.prompt for source in cue.sources)
    figure.suptitle(f"“{shorten(prompt, TITLE, placeholder=' …')}” · seed {report.seed}", fontsize=11)
    if strip is not None:
        frames = axes.pop(0)
        frames.imshow(strip, extent=(0.0, cue.span.duration_s, 0.0, 1.0), aspect="auto")
        frames.set_axis_off()
    _waveform(axes[0], seen, begin)
    _spectrogram(axes[1], seen, begin)
    _curves(axes[2], cue, report, begin, end)
    axes[2].set_xlim(begin, end)
    axes[2].set_xlabel("seconds from the cue's start")
    figure.savefig(target, format="png", dpi=100)


def _waveform(axes: Axes, seen: Overview, begin: float) -> None:
    edges = begin + np.arange(len(seen.low) + 1) * seen.column_s
    low, high = (np.append(side, side[-1]) for side in (seen.low, seen.high))  # the last column has a width, too
    axes.fill_between(edges, low, high, step="post", color="#33658a", linewidth=0.3)
    peak = max(float(np.abs([seen.low, seen.high]).max()), 1e-3)
    axes.set_ylim(-1.05 * peak, 1.05 * peak)
    axes.set_ylabel("waveform")


def _spectrogram(axes: Axes, seen: Overview, begin: float) -> None:
    # Mel-spaced rows: what is heard as one step looks like one step.
    mel = np.linspace(0.0, 2595.0 * np.log10(1.0 + seen.rate / 2 / 700.0), 160)
    hertz = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    bins = np.clip(np.round(hertz / (seen.rate / 2) * (seen.spectrum_db.shape[1] - 1)).astype(int), 0, None)
    image = seen.spectrum_db[:, bins].T
    top = max(float(image.max()), FLOOR_DB + RANGE_DB)  # silence is dark
    extent = (begin, begin + image.shape[1] * seen.column_s, 0, 160)
    axes.imshow(image, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top)
    ticks = [f for f in (100, 500, 1000, 2000, 5000, 10_000, 20_000) if f < seen.rate / 2]
    axes.set_yticks(
        [float(np.interp(f, hertz, np.arange(160))) for f in ticks],
        [f"{f // 1000}k" if f >= 1000 else str(f) for f in ticks],
    )
    axes.set_ylabel("Hz")


def _curves(axes: Axes, cue: Cue, report: TakeReport, begin: float, end: float) -> None:
    got = np.array(report.curve.measured_level_db)
    times = begin + np.arange(len(got)) * FRAME_S
    if cue.loudness is not None:
        asked = cue.loudness.level_dbfs(len(got), begin)
        asked[times >= cue.span.duration_s + cue.handles_s[1]] = np.nan
        label = f"asked ({cue.loudness.follow})"
        axes.plot(times, asked, color="#f26419", linewidth=4.0, alpha=0.5, label=label)
        before, after = report.curve.error_db_before, report.curve.error_db_after
        if after is not None:
            raw = "" if before is None else f"{before:.2f} dB from the model, "
            text = f"mean error {raw}{after:.2f} dB in the take"
            axes.text(0.01, 0.04, text, transform=axes.transAxes, fontsize=9, color="#444444")
    axes.plot(times, np.maximum(got, LEVEL_FLOOR_DBFS), color="#33658a", linewidth=1.0, label="got")
    axes.set_ylim(LEVEL_FLOOR_DBFS - 2.0, 2.0)
    axes.set_ylabel("level, dBFS RMS")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right", fontsize=9)
