"""Packed project files: unpacked within limits, so that a small file cannot fill the memory."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from bridge.hosts.model import ProjectError

#: What a packed file may unpack to: so many times its size, never more than this, never less than that (bytes).
MAX_RATIO = 100
MAX_UNPACKED = 150 * 2**20
SMALL_UNPACKED = 8 * 2**20

#: What the standard library raises for damaged archives, beside its own errors.
ARCHIVE_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


def zip_members(path: Path, data: bytes) -> list[str]:
    """The names in a zip file; raises `ProjectError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except ARCHIVE_DAMAGE as error:
        raise ProjectError(f"{path.name}: a damaged zip file ({_told(error)}); export it again") from None


def unzip_member(path: Path, data: bytes, member: str) -> bytes:
    """One member of a zip file, within the limits; raises `ProjectError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo(member)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("packed in a way that no DAW uses")  # LZMA may ask for gigabytes before it unpacks
            limit = _unpacked_limit(info.compress_size)
            with archive.open(info) as file:
                # What a header says is not believed: no more than the limit is ever unpacked.
                unpacked = file.read(limit + 1)
    except KeyError:
        raise ProjectError(f"{path.name}: the zip file holds no {member}; export it again") from None
    except ARCHIVE_DAMAGE as error:
        raise ProjectError(f"{path.name}: {member} cannot be unpacked ({_told(error)}); export it again") from None
    if len(unpacked) > limit:
        raise ProjectError(f"{path.name}: {member} unpacks to far more than a project holds, which is refused")
    return unpacked


def gunzip(path: Path, data: bytes) -> bytes:
    """A gzip file unpacked; raises `ProjectError`."""
    limit = _unpacked_limit(len(data))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(limit + 1)
    except ARCHIVE_DAMAGE as error:
        raise ProjectError(f"{path.name}: a damaged gzip file ({_told(error)}); save it again") from None
    if len(unpacked) > limit:
        raise ProjectError(f"{path.name}: unpacks to far more than a project holds, which is refused")
    return unpacked


def _unpacked_limit(packed: int) -> int:
    return min(MAX_UNPACKED, max(SMALL_UNPACKED, packed * MAX_RATIO))


def _told(error: BaseException) -> str:
    return str(error).replace("\n", " ") or type(error).__name__
