"""How fast and how large: measured in a process of its own, so that nothing else counts."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.cue import Cue, Span
from engine.curve import CurvePoint, LoudnessCurve
from engine.evaluation.report import Figure
from engine.spectral import SAMPLE_RATE

TAKE_S = 8.0
MINUTE_S = 60.0
WriteTakes = Callable[[Any, Cue, Path], object]
"""(generator, cue, folder): renders the cue's takes to files in the folder."""


def speed_cue(duration_s: float, seed: int = 1) -> Cue:
    """A cue whose curve swells and falls every two seconds."""
    edges = np.arange(0, duration_s + 1, 1.0)
    points = tuple(CurvePoint(float(t), -30.0 if i % 2 == 0 else 0.0) for i, t in enumerate(edges))
    span = Span(0, SAMPLE_RATE, duration_s)
    return Cue("heavy rain on a roof", span, loudness=LoudnessCurve(points), tail_s=0.0, seed=seed)


def peak_memory_mb(children: bool = False) -> float | None:
    """Most memory that this process (or its largest finished child) has held, in MB; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    used = resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


@dataclass(frozen=True)
class Speed:
    """Seconds and MB."""

    take_s: float
    """An 8 s take to its file, warm: the median of three."""
    take_memory_mb: float | None
    long_duration_s: float
    long_take_s: float
    """A long take to its file, warm."""
    long_memory_mb: float | None


def probe(weights: Path, write: WriteTakes, folder: Path, long_s: float) -> dict[str, Any]:
    """Measure :class:`Speed` in this process, as a dictionary that can travel between processes."""
    from engine.generator import Generator

    generator = Generator.load(weights)
    times = []
    for index in range(4):
        began = time.perf_counter()
        write(generator, speed_cue(TAKE_S, index), folder)
        times.append(time.perf_counter() - began)
    take_memory = peak_memory_mb()
    began = time.perf_counter()
    write(generator, speed_cue(long_s), folder)
    long_take = time.perf_counter() - began
    # The first is warm-up.
    return asdict(Speed(float(np.median(times[1:])), take_memory, long_s, long_take, peak_memory_mb()))


def speed_rows(speed: Speed, start_s: float, start_memory_mb: float | None) -> list[Figure]:
    """start_s: process start to an 8 s take on disk; start_memory_mb: that process's peak."""
    per_second = speed.take_s / TAKE_S
    long_per_second = speed.long_take_s / speed.long_duration_s
    minutes = f"{speed.long_duration_s / MINUTE_S:g} min"
    rows = [
        Figure("8 s take, warm, file included", {"final": speed.take_s}, "s", {"final": ("<=", 0.8)}),
        Figure("process start to an 8 s take on disk", {"final": start_s}, "s", {"final": ("<=", 6.0)}),
        Figure(
            f"cost per second of audio, {minutes} over 8 s",
            {"final": long_per_second / per_second},
            limits={"final": ("<=", 1.1)},
        ),
    ]
    if start_memory_mb is not None:
        rows.append(Figure("peak memory, 8 s take", {"final": start_memory_mb}, "MB", {"final": ("<=", 1536.0)}))
    if speed.long_memory_mb is not None and speed.take_memory_mb is not None:
        more = speed.long_memory_mb - speed.take_memory_mb
        rows.append(Figure(f"peak memory, {minutes} more than 8 s", {"final": more}, "MB", {"final": ("<=", 100.0)}))
    return rows


def run_and_time(command: Sequence[str]) -> tuple[float, float | None]:
    """Run a command to its end: seconds, and the most memory of any child so far. Raises CalledProcessError."""
    import subprocess

    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began, peak_memory_mb(children=True)
