"""Scenes of several sources: a stem per source and their mix, whole or absent together.

source 1 ─ render ─▶ aside ─┐ x gain, pan, distance ┐            ┌▶ stem 1 in 24 bits ┐
source 2 ─ render ─▶ aside ─┘                       ┴ x one gain ┴▶ stem 2 in 24 bits ┴ sum ─▶ mix

The one gain keeps the true peak of the mix and of every stem in bounds; it is 1 unless they exceed them. The mix is the
sum of what the stems' files hold, so a designer who sums them has the mix.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from bridge.broadcast_wave import FULL_SCALE
from bridge.take_names import TakeName, file_name
from bridge.take_writer import TakeFile, TakeWriter, together
from bridge.wave_loudness import LoudnessMeter
from engine.cue import Cue
from engine.levels import LevelMeter
from engine.place import gains
from engine.take import CurveReport, Progress, TakeReport

if TYPE_CHECKING:
    from engine.generator import Generator

#: A little below the promised -1 dBTP, for what rounding to 24 bits adds.
CEILING_DBTP = -1.02
BLOCK_SAMPLES = 1 << 16
STEM_NAME_BYTES = 60


@dataclass(frozen=True)
class _Aside:
    """The rendering of one source of one take, kept in a file that has no name until it is mixed."""

    own: Cue
    file: IO[bytes]
    report: TakeReport


def render_scene(
    generator: Generator,
    cue: Cue,
    names: Sequence[TakeName],
    folder: Path,
    *,
    notes: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[TakeFile]:
    """Render the scene `cue`, whose places are points, as one mix per name with its stems beside it.

    Memory does not grow with length or number of sources; while it works, the disk holds each source once more.
    """
    with ExitStack() as stack:
        asides = [
            _rendered(generator, cue, index, names, folder, stack, _part_of(progress, index, cue), cancelled)
            for index in range(len(cue.sources))
        ]
        return [_mixed(cue, name, of_take, notes) for name, *of_take in zip(names, *asides, strict=True)]


def with_curves(generator: Generator, cue: Cue) -> tuple[Cue, tuple[str, ...]]:
    """The scene with points for all that is left to the picture, curves and places; and what is to be said of it."""
    from engine.sources import cue_of, placed

    notes: list[str] = []
    sources = []
    for index, source in enumerate(cue.sources):
        own, lines = generator.with_curve(cue_of(cue, index))
        sources.append(replace(source, loudness=own.loudness))
        notes += lines
        if source.pan and cue.channels == 1:
            notes.append(f"sources[{index}].pan: is not heard in one channel; render with --stereo or channels 2")
    return placed(replace(cue, sources=tuple(sources))), tuple(dict.fromkeys(notes))


def _part_of(progress: Callable[[Progress], None] | None, index: int, cue: Cue) -> Callable[[Progress], None] | None:
    if progress is None:
        return None
    count = len(cue.sources)
    return lambda own: progress(Progress((index + own.done) / count, f"source {index + 1} of {count}: {own.stage}"))


def _rendered(
    generator: Generator,
    cue: Cue,
    index: int,
    names: Sequence[TakeName],
    folder: Path,
    stack: ExitStack,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[_Aside]:
    """One source of all takes, put aside as 32-bit floats."""
    from engine.sources import cue_of, seed_of

    own = cue_of(cue, index)
    rendering = generator.stream(
        own, [seed_of(name.seed, index) for name in names], progress=progress, cancelled=cancelled
    )
    files = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in names]  # noqa: SIM115
    for block in rendering:
        for file, part in zip(files, block, strict=True):
            file.write(np.ascontiguousarray(part, np.float32).tobytes())
    return [_Aside(own, file, report) for file, report in zip(files, rendering.reports, strict=True)]


def _mixed(cue: Cue, name: TakeName, asides: Sequence[_Aside], notes: Sequence[str]) -> TakeFile:
    """Stems and mix of one take, on disk."""
    from engine.timeline import take_start

    gain = _common_gain(cue, asides)
    gain_db = round(20 * float(np.log10(gain)), 3)
    start = take_start(cue)
    with ExitStack() as stack:
        mix = stack.enter_context(TakeWriter(name, cue, start))
        stems = [
            stack.enter_context(TakeWriter(name, aside.own, start, seed=aside.report.seed, stem=_stem(index, aside)))
            for index, aside in enumerate(asides)
        ]
        meters = [LevelMeter(cue.span.rate) for _ in (mix, *stems)]
        for blocks in _placed_blocks(cue, asides):
            # In steps of 24 bits, so that the files' sum is the mix to the bit.
            steps = [np.rint(block * (gain * FULL_SCALE)) / FULL_SCALE for block in blocks]
            for writer, meter, block in zip((mix, *stems), meters, (np.sum(steps, axis=0), *steps), strict=True):
                writer.write(block)
                meter.feed(block)
        of_mix, *of_stems = (tuple(round(float(level), 2) for level in meter.result()) for meter in meters)
        with together() as done:
            for index, (writer, aside, levels) in enumerate(zip(stems, asides, of_stems, strict=True)):
                curve = replace(aside.report.curve, measured_level_db=levels)
                facts = {"mix": mix.path.name, "source": index, "mix_gain_db": gain_db}
                done.append(writer.finish(replace(aside.report, curve=curve), facts))
            warnings = dict.fromkeys([*notes, *(line for aside in asides for line in aside.report.warnings)])
            unheard = CurveReport(None, None, None, None, round(-gain_db, 2) + 0.0, of_mix)
            report = TakeReport(name.seed, unheard, tuple(warnings), asides[0].report.model)
            listed = [
                {"file": file.path.name, "prompt": aside.own.prompt, "source": index, "seed": file.seed}
                for index, (file, aside) in enumerate(zip(done, asides, strict=True))
            ]
            whole = mix.finish(report, {"stems": listed, "mix_gain_db": gain_db})
        return replace(whole, stems=tuple(done))


def _stem(index: int, aside: _Aside) -> str:
    return f"_stem{index + 1}_{file_name(aside.own.prompt, STEM_NAME_BYTES)}"


def _common_gain(cue: Cue, asides: Sequence[_Aside]) -> float:
    """The one gain for stems and mix, at most 1."""
    meters = [LoudnessMeter(cue.span.rate, cue.channels) for _ in range(1 + len(asides))]
    for blocks in _placed_blocks(cue, asides):
        for meter, block in zip(meters, (np.sum(blocks, axis=0), *blocks), strict=True):
            meter.feed(block)
    peaks = [meter.result().true_peak_dbtp for meter in meters]
    highest = max((peak for peak in peaks if peak is not None), default=CEILING_DBTP)
    return float(min(1.0, 10 ** ((CEILING_DBTP - highest) / 20)))


def _placed_blocks(cue: Cue, asides: Sequence[_Aside]) -> Iterator[list[np.ndarray]]:
    """All sources of a take at their places, block by block: per source (n, channels) float64.

    A source that ends in silence has no tail; it is made as long as the others.
    """
    from engine.timeline import take_samples

    samples, rate, channels = take_samples(cue), cue.span.rate, cue.channels
    for aside in asides:
        aside.file.seek(0)
    for first in range(0, samples, BLOCK_SAMPLES):
        count = min(BLOCK_SAMPLES, samples - first)
        times_s = (first + np.arange(count)) / rate - round(cue.handles_s[0] * rate) / rate
        blocks = []
        for source, aside in zip(cue.sources, asides, strict=True):
            read = np.frombuffer(aside.file.read(count * channels * 4), np.float32).reshape(-1, channels)
            block = np.pad(read, ((0, count - len(read)), (0, 0))).astype(np.float64)
            blocks.append(block * gains(source.gain_db, source.distance, source.pan, times_s, channels))
        yield blocks
