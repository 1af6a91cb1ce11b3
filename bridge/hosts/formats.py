"""Which file is read by which reader: by what is in it, and by its name where the content could be several things."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from bridge.hosts.model import Project, ProjectError, paired
from bridge.hosts.packed import gunzip, unzip_member, zip_members

#: A file larger than this is no project file (wave files are read by their chunks and may be larger), bytes.
MAX_FILE = 300 * 2**20
UNFORESEEN = "damaged in a way that no reader here expects"
#: How much of a file is looked at to tell what it is, bytes.
HEAD = 4096
#: An edit list without a head: number, reel, track and what is done, then four timecodes.
_EDIT = re.compile(rb"(?m)^[ \t]*\d{3,6}[ \t]+\S{1,64}[ \t]+\S{1,8}[ \t]+\S.{0,40}?(?:\s\d\d(?:[:;.]\d\d){3}){4}")


@dataclass(frozen=True)
class Format:
    """A kind of file: how it is told, and who reads it."""

    #: What people call it.
    title: str
    suffixes: tuple[str, ...]
    #: "module:function" below bridge.hosts, imported when needed; the function takes (bytes, path).
    reader: str
    #: Whether the first bytes of a file (unpacked where it is packed) look like this format.
    looks: Callable[[bytes], bool]
    #: Whether the host takes a time between two samples for the earlier one, not for the nearest.
    cuts_down: bool = False

    def read(self, data: bytes, path: Path) -> Project:
        module, _, function = self.reader.partition(":")
        project = getattr(import_module(f"bridge.hosts.{module}"), function)(data, path)
        assert isinstance(project, Project)
        return project

    def sample(self, time_s: float, rate: int) -> int:
        """The sample that the host takes a time for."""
        return math.floor(time_s * rate + 1e-4) if self.cuts_down else round(time_s * rate)


def _holds(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: any(mark in _plain(head) for mark in marks)


def _plain(head: bytes) -> bytes:
    """A text head in a form that ASCII marks can be searched in, whatever its encoding."""
    return head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<") else head


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(marks)


def _wave(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def _midi(head: bytes) -> bool:
    return head[:4] == b"MThd" or (head[:4] == b"RIFF" and head[8:12] == b"RMID")


def _csv(head: bytes) -> bool:
    first = _plain(head).lstrip(b"\xef\xbb\xbf\xff\xfe\r\n ").split(b"\n", 1)[0].lower()
    return any(mark in first for mark in (b",", b";", b"\t")) and any(
        word in first for word in (b"name", b"start", b"position", b"marker")
    )


def _edl(head: bytes) -> bool:
    plain = _plain(head)
    return b"FCM:" in plain or b"TITLE:" in plain or _EDIT.search(plain) is not None


#: Format (as in the inspect JSON) -> how it is told and read. The first that fits is taken.
FORMATS: dict[str, Format] = {
    "rpp": Format("REAPER project", (".rpp", ".rpp-bak"), "reaper:read_reaper", _holds(b"<REAPER_PROJECT")),
    "ardour": Format("Ardour session", (".ardour",), "ardour:read_ardour", _holds(b"<Session "), cuts_down=True),
    "dawproject": Format("DAWproject", (".dawproject",), "dawproject:read_dawproject", lambda head: False),
    "als": Format("Ableton Live set", (".als",), "ableton:read_ableton", _holds(b"<Ableton ")),
    "midi": Format("Standard MIDI File", (".mid", ".midi", ".smf", ".rmi"), "midi_file:read_midi", _midi),
    "protools_txt": Format(
        "Pro Tools session info", (".txt",), "protools_text:read_protools", _holds(b"SESSION NAME:")
    ),
    "fcpxml": Format("Final Cut Pro XML", (".fcpxml",), "fcpxml:read_fcpxml", _holds(b"<fcpxml")),
    "otio": Format("OpenTimelineIO", (".otio", ".otioz"), "otio:read_otio", _holds(b'"OTIO_SCHEMA"')),
    "wav": Format("wave file with cues", (".wav", ".bwf", ".rf64"), "wave_cues:read_wave", _wave),
    "edl": Format("CMX 3600 edit list", (".edl",), "edl:read_edl", _edl),
    "marker_csv": Format("marker list", (".csv", ".tsv", ".txt"), "marker_csv:read_marker_csv", _csv),
}


def read_project(path: Path | str) -> Project:
    """All that is known of the project file `path`. Raises `ProjectError` in one line for whatever cannot be read."""
    path = Path(path)
    for inside in ("Info.fcpxml", "content.otio"):  # .fcpxmld and .otiod bundles
        if (path / inside).is_file():
            path = path / inside
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if _wave(head):
                data = b""  # its reader seeks in the file itself
            else:
                file.seek(0)
                data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror or error}; check the path") from None
    if len(data) > MAX_FILE:
        raise ProjectError(f"{path.name}: larger than {MAX_FILE // 2**20} MiB, which no project file is")
    name, data = _tell(path, head, data)
    try:
        project = FORMATS[name].read(data, path)
        return replace(project, markers=paired(project.markers))
    except ProjectError:
        raise
    except (RecursionError, MemoryError):
        raise ProjectError(f"{path.name}: too large or too deeply nested to be a {FORMATS[name].title}") from None
    except (ValueError, ArithmeticError, LookupError) as error:
        # No reader should let these through (the tests with damaged files hold them to it); a user still gets his line.
        raise ProjectError(f"{path.name}: {UNFORESEEN} ({error!r:.100}); save or export it again") from error
    except OSError as error:
        raise ProjectError(f"{path.name}: {error.strerror or error}; check the file") from None


def _tell(path: Path, head: bytes, data: bytes) -> tuple[str, bytes]:
    """The format of a file and its bytes, unpacked where it is packed."""
    if not head:
        raise ProjectError(f"{path.name}: the file is empty; save or export it again")
    if data[:2] == b"\x1f\x8b":
        data = gunzip(path, data)
        head = data[:HEAD]
    elif data[:4] == b"PK\x03\x04":
        return _tell_zip(path, data)
    for name, kind in FORMATS.items():
        if kind.looks(head):
            return name, data
    by_suffix = next((name for name, kind in FORMATS.items() if path.suffix.lower() in kind.suffixes), None)
    if by_suffix is not None:
        title = FORMATS[by_suffix].title
        raise ProjectError(f"{path.name}: not a readable {title}; its content is something else or damaged")
    known = ", ".join(sorted({kind.suffixes[0] for kind in FORMATS.values()}))
    raise ProjectError(f"{path.name}: not a project file that can be read here; known are {known}")


def _tell_zip(path: Path, data: bytes) -> tuple[str, bytes]:
    names = zip_members(path, data)
    if "project.xml" in names:
        return "dawproject", data
    if "content.otio" in names:
        return "otio", unzip_member(path, data, "content.otio")
    raise ProjectError(f"{path.name}: a zip file, but neither a DAWproject (no project.xml) nor OpenTimelineIO")
