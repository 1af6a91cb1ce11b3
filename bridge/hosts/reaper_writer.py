"""A REAPER project with take tracks: the file as it is, and new tracks behind its last one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import UserError
from bridge.hosts.model import Project
from bridge.hosts.rpp_text import decode_rpp, quoted
from bridge.hosts.write_back import PlacedTake, TakeTrack

#: Ids follow from what they name, so that the same bounce gives the same file.
_NAMESPACE = uuid.UUID("6d0d4f0e-5a8a-5d0b-9f5e-0f6b7a3f1c55")


def write_reaper(project: Project, tracks: tuple[TakeTrack, ...]) -> bytes:
    """The project's bytes with `tracks` added. Raises `UserError` for a file that was cut or changed meanwhile.

    New tracks stand at the end: receives name their source by its number, which must not move.
    """
    data = project.path.read_bytes()
    text = decode_rpp(data)
    encoding = "utf-8" if _is_utf8(data) else "cp1252"
    newline = "\r\n" if "\r\n" in text else "\n"
    at = _after_last_track(text)
    if at is None:
        raise UserError(f"{project.path.name}: the file is cut off; open and save it in REAPER before --write-back")
    lines = [line for track in tracks for line in _track(track, project.path.parent)]
    new = "".join(line + newline for line in lines)
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    return mark + (text[:at] + new + text[at:]).encode(encoding, "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _after_last_track(text: str) -> int | None:
    """Where the line after the last track begins, or the project's closing line; None if the file is not whole."""
    depth, at, track_end, project_end, in_track = 0, 0, None, None, False
    for raw in text.split("\n"):
        line = raw.strip(" \t\r")
        following = at + len(raw) + 1
        if line.startswith("<"):
            depth += 1
            if depth == 2:
                in_track = line.startswith("<TRACK")
        elif line == ">":
            if depth == 2 and in_track:
                track_end = following
            if depth == 1:
                project_end = at
            depth -= 1
        at = following
    if depth != 0 or project_end is None:
        return None
    return track_end if track_end is not None else project_end


def _track(track: TakeTrack, folder: Path) -> Iterator[str]:
    identity = _guid("track", track.name)
    yield f"  <TRACK {identity}"
    yield f"    NAME {quoted(track.name)}"
    channels = max((take.channels for takes in track.cues for take in takes), default=1)
    yield f"    NCHAN {max(channels, 2)}"
    yield f"    TRACKID {identity}"
    for index, takes in enumerate(track.cues):
        yield from _item(track, index, takes, folder)
    yield "  >"


def _item(track: TakeTrack, index: int, takes: tuple[PlacedTake, ...], folder: Path) -> Iterator[str]:
    """An item with all takes of a cue; the newest is the one that plays."""
    yield "    <ITEM"
    yield f"      POSITION {takes[-1].time_s:.15g}"
    yield f"      LENGTH {max(take.length_s for take in takes):.15g}"
    yield "      LOOP 0"
    yield "      ALLTAKES 0"
    yield f"      IGUID {_guid('item', track.name, str(index), takes[-1].name)}"
    for number, take in enumerate(takes):
        if number:
            yield "      TAKE SEL" if number == len(takes) - 1 else "      TAKE"
        yield f"      NAME {quoted(take.name)}"
        yield "      SOFFS 0"
        yield f"      GUID {_guid('take', track.name, str(index), take.name)}"
        yield "      <SOURCE WAVE"
        yield f"        FILE {quoted(_relative(take.path, folder))}"
        yield "      >"
    yield "    >"


def _guid(*parts: str) -> str:
    return f"{{{str(uuid.uuid5(_NAMESPACE, chr(0).join(parts))).upper()}}}"


def _relative(path: Path, folder: Path) -> str:
    """A path as REAPER keeps it: relative to the project where it lies below it."""
    folder = folder.resolve()
    return os.fspath(path.relative_to(folder)) if path.is_relative_to(folder) else os.fspath(path)
