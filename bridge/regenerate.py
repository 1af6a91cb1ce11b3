"""A part of a take made anew: read from disk, rendered by the engine, written as a take of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.broadcast_wave import read_broadcast_wave
from engine.cue import Cue
from engine.take import CurveReport, Progress, Take, TakeReport

if TYPE_CHECKING:
    from engine.generator import Generator


class PartRendering(Iterator[np.ndarray]):
    """One block, the whole take, shaped as the engine's own rendering."""

    def __init__(self, take: Take) -> None:
        self._blocks = iter([take.audio[None]])
        self.reports = [take.report]

    def __next__(self) -> np.ndarray:
        return next(self._blocks)


class PartGenerator:
    """Stands in for the generator in `render_cue`: a take of which only `part` (in seconds of its span) is new."""

    def __init__(self, generator: Generator, source: Path, part: tuple[float, float]) -> None:
        self._generator, self._source, self._part = generator, source, part

    @property
    def uses_video(self) -> bool:
        return self._generator.uses_video

    def with_curve(self, cue: Cue) -> tuple[Cue, tuple[str, ...]]:
        return self._generator.with_curve(cue)

    def seeds(self, cue: Cue, previous: int | None = None) -> list[int]:
        assert cue.seed is not None
        return [cue.seed]

    def stream(
        self,
        cue: Cue,
        seeds: Sequence[int],
        *,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> PartRendering:
        start_s, end_s = self._part
        (seed,) = seeds
        old = read_take(self._source)
        new = self._generator.regenerate(old, start_s, end_s, seed, progress=progress, cancelled=cancelled)
        note = f"only {start_s:g} s to {end_s:g} s is new; the rest is that of {self._source.name}"
        return PartRendering(replace(new, report=replace(new.report, warnings=(*new.report.warnings, note))))


def read_take(path: Path) -> Take:
    """A take from its Broadcast Wave file and the JSON beside it; 24-bit samples come back exactly."""
    wave = read_broadcast_wave(path)
    obj = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    curve = obj["curve"]
    report = TakeReport(
        seed=obj["seed"],
        curve=CurveReport(
            error_db_before=curve["error_db"]["before"],
            error_db_after=curve["error_db"]["after"],
            correlation_before=curve["correlation"]["before"],
            correlation_after=curve["correlation"]["after"],
            limited_db=curve["limited_db"],
            measured_level_db=tuple(curve["measured_level_db"]),
        ),
        warnings=tuple(obj["warnings"]),
        model=dict(obj["model"]),
        references=tuple(obj.get("references", ())),
    )
    audio = np.asarray(wave.audio, dtype=np.float32)
    return Take(audio, wave.rate, obj["start"]["samples"], obj["seed"], Cue.from_json(obj["cue"]), report)
