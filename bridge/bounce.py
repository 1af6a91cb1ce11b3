"""The bounce: every cue of a project rendered to takes, and a mix of them per track.

What is done is told by the takes themselves: each has its cue, seed and model beside it (a take is whole or absent),
so a bounce that was killed goes on where it stopped, and one that is repeated renders nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.bounce_mix import Mix, MixedTake, mix_track
from bridge.bounce_plan import Plan, PlannedCue
from bridge.render import check_files, render_cue
from engine.cue import Cue
from engine.take import Progress

if TYPE_CHECKING:
    from engine.generator import Generator


@dataclass(frozen=True)
class BouncedTake:
    """A take on disk, rendered now or before."""

    path: Path
    seed: int
    #: Place of its first sample, counted from timecode midnight at `rate`.
    start_samples: int
    rate: int
    samples: int
    channels: int
    #: Mean distance from the curve in dB; None where no frame is asked.
    error_db: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class BouncedCue:
    """A cue with its takes, the newest last."""

    planned: PlannedCue
    takes: tuple[BouncedTake, ...]
    #: Whether they were there already.
    found: bool


@dataclass(frozen=True)
class Bounce:
    """A finished bounce."""

    cues: tuple[BouncedCue, ...]
    mixes: tuple[Mix, ...]


def bounce(
    generator: Generator,
    plan: Plan,
    folder: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Bounce:
    """Render the cues of `plan` into `folder` and mix them per track; what is already there is kept and counted.

    `progress` runs over all cues. Raises as `render_cue`, before the first sample where a file is missing.
    """
    for planned in plan.cues:
        check_files(planned.cue)
    known = _takes_in(folder)
    model = generator.models.sha256
    cues = []
    lengths = [planned.cue.span.duration_s * planned.cue.takes for planned in plan.cues]
    before = 0.0
    for planned, length in zip(plan.cues, lengths, strict=True):
        tell = _part_of(progress, planned, before / sum(lengths), length / sum(lengths))
        done = _done(known, planned.cue, generator.seeds(planned.cue), model)
        if done is None:
            render_cue(
                generator, planned.cue, folder, name=_name(planned), progress=tell, cancelled=cancelled
            )  # fmt: skip
            known = _takes_in(folder, known)
            done = _done(known, planned.cue, generator.seeds(planned.cue), model)
            assert done is not None, "a take that was just rendered is there"
            cues.append(BouncedCue(planned, done, found=False))
        else:
            cues.append(BouncedCue(planned, done, found=True))
        before += length
        if progress is not None:
            progress(Progress(before / sum(lengths), planned.region.name))
    mixes = [mix_track(folder, track, parts) for track, parts in _by_track(cues).items()]
    return Bounce(tuple(cues), tuple(mixes))


def _name(planned: PlannedCue) -> str:
    return f"{planned.track} {planned.cue.prompt}" if planned.track != planned.cue.prompt else planned.track


def _part_of(
    progress: Callable[[Progress], None] | None, planned: PlannedCue, before: float, share: float
) -> Callable[[Progress], None] | None:
    if progress is None:
        return None
    return lambda own: progress(Progress(before + own.done * share, f"{planned.region.name}: {own.stage}"))


def _by_track(cues: Sequence[BouncedCue]) -> dict[str, list[MixedTake]]:
    """The newest take of each cue, by track."""
    tracks: dict[str, list[MixedTake]] = {}
    for cue in cues:
        take = cue.takes[-1]
        part = MixedTake(take.path, take.start_samples, take.rate, take.samples, take.channels)
        tracks.setdefault(cue.planned.track, []).append(part)
    return tracks


# ------------------------------------------------------------------------------------------------------ what is done


@dataclass(frozen=True)
class _Known:
    #: Digest of cue and model, seed -> take.
    takes: dict[tuple[str, int], BouncedTake]
    #: Sidecars already looked at.
    seen: frozenset[str]


def _digest(cue: object, model: str) -> str:
    text = json.dumps([cue, model], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _done(known: _Known, cue: Cue, seeds: Sequence[int], model: str) -> tuple[BouncedTake, ...] | None:
    """The takes of a cue, one per seed, if all are there."""
    digest = _digest(json.loads(json.dumps(cue.to_json())), model)
    takes = [known.takes.get((digest, seed)) for seed in seeds]
    return tuple(take for take in takes if take is not None) if all(takes) else None


def _takes_in(folder: Path, known: _Known | None = None) -> _Known:
    """The takes in a folder, by cue, model and seed; JSON that is none of our sidecars is passed over."""
    takes = dict(known.takes) if known else {}
    seen = set(known.seen) if known else set()
    for sidecar in sorted(folder.glob("*_take*.json")) if folder.is_dir() else []:
        if sidecar.name in seen:
            continue
        seen.add(sidecar.name)
        try:
            obj = json.loads(sidecar.read_text(encoding="utf-8"))
            take = BouncedTake(
                path=sidecar.with_name(obj["file"]),
                seed=obj["seed"],
                start_samples=obj["start"]["samples"],
                rate=obj["start"]["rate"],
                samples=obj["samples"],
                channels=obj["channels"],
                error_db=obj["curve"]["error_db"]["after"],
                warnings=tuple(obj["warnings"]),
            )
            digest = _digest(obj["cue"], obj["model"]["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if take.path.parent == folder and take.path.is_file():
            takes[digest, take.seed] = take  # of several, the newest counts: they are sorted by number
    return _Known(takes, frozenset(seen))
