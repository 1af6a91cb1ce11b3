"""Takes back into the project: a copy of its file with new take tracks; the original is never touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import UserError
from bridge.hosts.model import Project

if TYPE_CHECKING:
    from bridge.bounce import Bounce

TAKE_SUFFIX = " · Foley"


@dataclass(frozen=True)
class PlacedTake:
    """A take and where its first sample lies on the project's timeline."""

    path: Path
    name: str
    time_s: float
    samples: int
    rate: int
    channels: int

    @property
    def length_s(self) -> float:
        return self.samples / self.rate


def overlap(one: PlacedTake, other: PlacedTake) -> bool:
    """Whether two takes sound at the same time; one that begins with the other's last sample played does not."""
    return one.time_s < other.time_s + other.length_s - 1e-9 and other.time_s < one.time_s + one.length_s - 1e-9


@dataclass(frozen=True)
class TakeTrack:
    """A new track for the takes of an old one."""

    #: The track that was drawn on.
    beside: str
    #: The takes of each cue, the newest last: it is the one that is heard.
    cues: tuple[tuple[PlacedTake, ...], ...]

    @property
    def name(self) -> str:
        return self.beside + TAKE_SUFFIX


#: Format -> "module:function" below bridge.hosts; the function takes (project, tracks) and gives the copy's bytes.
WRITERS = {
    "rpp": "reaper_writer:write_reaper",
    "ardour": "ardour_writer:write_ardour",
    "dawproject": "dawproject_writer:write_dawproject",
}


#: Formats whose files themselves can refuse a take track, and are small enough to find that out beforehand.
TRIED = ("rpp", "ardour")


def check_writable(project: Project) -> None:
    """Raise `UserError` for a project that cannot be written back, before anything is rendered for it."""
    if project.format not in WRITERS:
        known = "--write-back knows REAPER, Ardour and DAWproject files"
        raise UserError(f"{project.path.name}: {known}; leave it out and place the takes by their timecode")
    if project.format in TRIED:
        _writer(project)(project, ())


def _writer(project: Project) -> Callable[[Project, tuple[TakeTrack, ...]], bytes]:
    module, _, function = WRITERS[project.format].partition(":")
    writer: Callable[[Project, tuple[TakeTrack, ...]], bytes] = getattr(
        import_module(f"bridge.hosts.{module}"), function
    )
    return writer


def take_tracks(project: Project, done: Bounce) -> tuple[TakeTrack, ...]:
    """The takes of a bounce by track, at their places in the project."""
    tracks: dict[str, list[tuple[PlacedTake, ...]]] = {}
    for cue in done.cues:
        takes = tuple(
            PlacedTake(
                path=take.path.resolve(),
                name=take.path.stem,
                # Rounded as the cue's start was: a timecode of 29.97 may begin between two samples.
                time_s=(take.start_samples - round(project.start_s * take.rate)) / take.rate,
                samples=take.samples,
                rate=take.rate,
                channels=take.channels,
            )
            for take in cue.takes
        )
        tracks.setdefault(cue.planned.track, []).append(takes)
    return tuple(TakeTrack(name, tuple(cues)) for name, cues in tracks.items())


def write_copy(project: Project, done: Bounce) -> Path:
    """Write the copy beside the original, under a name of its own; returns it. Raises `UserError`."""
    from bridge.render import refused, write_new

    data = _writer(project)(project, take_tracks(project, done))
    original = project.path
    number = 1
    while True:
        ending = "" if number == 1 else f" {number}"
        path = original.with_name(f"{original.stem} Foley{ending}{original.suffix}")
        try:
            if not path.exists():
                write_new(path, data)
                return path
        except FileExistsError:
            pass
        except OSError as error:
            raise refused(original.parent, error) from error
        number += 1
