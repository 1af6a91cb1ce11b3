"""A REAPER project with take tracks: the file as it is, and new tracks behind its last one."""

from __future__ import annotations

import codecs
import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import UserError
from bridge.hosts.model import Project
from bridge.hosts.rpp_text import quoted
from bridge.hosts.write_back import PlacedTake, TakeTrack

#: Ids follow from what they name and from the file it is added to: the same bounce gives the same file, and one written
#: into the copy of an earlier one has ids of its own.
_NAMESPACE = uuid.UUID("6d0d4f0e-5a8a-5d0b-9f5e-0f6b7a3f1c55")


def write_reaper(project: Project, tracks: tuple[TakeTrack, ...]) -> bytes:
    """The project's bytes with `tracks` added. Raises `UserError` for a file that was cut or changed meanwhile.

    New tracks stand at the end: receives name their source by its number, which must not move.
    """
    data = project.path.read_bytes()
    at = _after_last_track(data)
    if at is None:
        raise UserError(f"{project.path.name}: the file is cut off; open and save it in REAPER before --write-back")
    namespace = uuid.uuid5(_NAMESPACE, hashlib.sha256(data).hexdigest())
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    writer, old = _Writer(namespace, project.path.parent), not _is_utf8(data)
    new = (_encoded(line, old) for track in tracks for line in writer.track(track))
    return data[:at] + b"".join(line + newline for line in new) + data[at:]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encoded(line: str, old: bool) -> bytes:
    """A line as those of the file are; in UTF-8 what an old one cannot hold, which REAPER tells line by line."""
    if old:
        try:
            return line.encode("cp1252")
        except UnicodeEncodeError:
            pass
    return line.encode("utf-8", "surrogateescape")  # a file's name may be no text


def _after_last_track(data: bytes) -> int | None:
    """Where the line after the last track begins, or the project's closing line; None if the file is not whole."""
    depth, at, track_end, project_end, in_track = 0, 0, None, None, False
    for raw in data.split(b"\n"):
        line = raw.removeprefix(codecs.BOM_UTF8).strip(b" \t\r")
        following = at + len(raw) + 1
        if line.startswith(b"<"):
            depth += 1
            if depth == 2:
                in_track = line.startswith(b"<TRACK")
        elif line == b">":
            if depth == 2 and in_track:
                track_end = following
            if depth == 1:
                project_end = at
            depth -= 1
        at = following
    if depth != 0 or project_end is None:
        return None
    return track_end if track_end is not None else project_end


@dataclass(frozen=True)
class _Writer:
    #: Of the ids.
    namespace: uuid.UUID
    #: Where the project lies.
    folder: Path

    def track(self, track: TakeTrack) -> Iterator[str]:
        identity = self._guid("track", track.name)
        yield f"  <TRACK {identity}"
        yield f"    NAME {quoted(track.name)}"
        channels = max((take.channels for takes in track.cues for take in takes), default=1)
        yield f"    NCHAN {max(channels, 2)}"
        yield f"    TRACKID {identity}"
        for index, takes in enumerate(track.cues):
            yield from self._item(track, index, takes)
        yield "  >"

    def _item(self, track: TakeTrack, index: int, takes: tuple[PlacedTake, ...]) -> Iterator[str]:
        """An item with all takes of a cue; the newest is the one that plays."""
        yield "    <ITEM"
        yield f"      POSITION {takes[-1].time_s:.15g}"
        yield f"      LENGTH {max(take.length_s for take in takes):.15g}"
        yield "      LOOP 0"
        yield "      ALLTAKES 0"
        yield f"      IGUID {self._guid('item', track.name, str(index), takes[-1].name)}"
        for number, take in enumerate(takes):
            if number:
                yield "      TAKE SEL" if number == len(takes) - 1 else "      TAKE"
            yield f"      NAME {quoted(take.name)}"
            yield "      SOFFS 0"
            yield f"      GUID {self._guid('take', track.name, str(index), take.name)}"
            yield "      <SOURCE WAVE"
            yield f"        FILE {quoted(_relative(take.path, self.folder))}"
            yield "      >"
        yield "    >"

    def _guid(self, *parts: str) -> str:
        return f"{{{str(uuid.uuid5(self.namespace, chr(0).join(parts))).upper()}}}"


def _relative(path: Path, folder: Path) -> str:
    """A path as REAPER keeps it: relative to the project where it lies below it."""
    folder = folder.resolve()
    return os.fspath(path.relative_to(folder)) if path.is_relative_to(folder) else os.fspath(path)
