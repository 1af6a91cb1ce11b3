"""Curves in chunks over a lossy, reordering, duplicating link: whole and right, or a clear refusal."""

import math
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.osc.spec import COLUMNS, MAX_CHUNK_POINTS
from bridge.refused import Refused
from engine.cue import MAX_POINTS, CueError
from engine.curve import CurvePoint, LoudnessCurve

Row = tuple[object, ...]

MAX_OPEN = 32
"""Unfinished curves held at a time."""
IDLE_S = 60.0
"""Seconds without a message after which an unfinished curve is dropped."""
NAN_BYTES = b"\x7f\xf8\0\0\0\0\0\0"
MAX_MISSING = 100


def checksum(rows: Sequence[Row]) -> str:
    """CRC-32 over all points in order, as 8 hex digits.

    Each point counts as time, value and tension as big-endian doubles (tension 0 where the layout has none), the
    shape's name in ASCII (`linear` where the layout has none), then the four control values where the layout has them.
    Any NaN counts as 7F F8 00 00 00 00 00 00.
    """
    crc = 0
    for row in rows:
        crc = zlib.crc32(_canonical(row), crc)
    return f"{crc:08x}"


def _canonical(row: Row) -> bytes:
    time_s, value = row[0], row[1]
    shape = row[2] if len(row) > 2 else "linear"
    tension = row[3] if len(row) > 3 else 0.0
    return b"".join((_double(time_s), _double(value), _double(tension), str(shape).encode(), *map(_double, row[4:])))


def _double(value: object) -> bytes:
    assert isinstance(value, float)
    return NAN_BYTES if math.isnan(value) else struct.pack(">d", value)


def to_curve(rows: Sequence[Row], domain: str, reference_dbfs: float, follow: str) -> LoudnessCurve:
    """The curve of rows in any layout of `spec.COLUMNS`. A NaN value is undrawn. Raises Refused."""
    try:
        return LoudnessCurve(tuple(map(_point, rows)), domain, reference_dbfs, follow)
    except CueError as error:
        raise Refused("bad_cue", f"curve: {error}") from error


def _point(row: Row) -> CurvePoint:
    time_s, value = row[0], row[1]
    shape = str(row[2]) if len(row) > 2 else "linear"
    tension = row[3] if len(row) > 3 else 0.0
    assert isinstance(time_s, float) and isinstance(value, float) and isinstance(tension, float)
    control = row[4:] if shape == "cubic" and len(row) > 4 else None
    return CurvePoint(time_s, None if math.isnan(value) else value, shape, tension, control)  # type: ignore[arg-type]


def from_curve(curve: LoudnessCurve) -> tuple[str, list[Row]]:
    """Layout and rows of a curve, in the narrowest layout that holds it."""
    points = curve.points
    if any(p.control for p in points):
        columns = "time value shape tension x1 y1 x2 y2"
    elif any(p.tension for p in points):
        columns = "time value shape tension"
    elif any(p.shape != "linear" for p in points):
        columns = "time value shape"
    else:
        columns = "time value"
    width = len(COLUMNS[columns])
    return columns, [_row(p)[:width] for p in points]


def _row(point: CurvePoint) -> Row:
    value = math.nan if point.value is None else float(point.value)
    control = tuple(float(c) for c in point.control or (0.0, 0.0, 0.0, 0.0))
    return (float(point.time_s), value, point.shape, float(point.tension), *control)


def split(rows: Sequence[Row], size: int = MAX_CHUNK_POINTS) -> list[Sequence[Row]]:
    """Rows cut into chunks of at most `size` points."""
    return [rows[at : at + size] for at in range(0, len(rows), size)]


class Header(NamedTuple):
    """What `curve/begin` announces."""

    domain: str
    points: int
    chunks: int
    checksum: str
    reference_dbfs: float
    follow: str


class Whole(NamedTuple):
    """A curve that has arrived, and its announcement."""

    header: Header
    curve: LoudnessCurve


@dataclass
class _Open:
    """A curve on its way in."""

    chunks: dict[int, tuple[Row, ...]] = field(default_factory=dict)
    header: Header | None = None
    points: int = 0
    touched: float = 0.0


class Assembler:
    """Collects `curve/begin` and `curve/chunk` messages until a curve is whole."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._open: dict[str, _Open] = {}
        self._clock = clock

    def begin(self, curve: str, header: Header) -> Whole | None:
        """Note what is to come; the curve if it was the last piece. Raises Refused."""
        header = header._replace(checksum=header.checksum.lower())
        entry = self._touch(curve)
        if entry.header not in (None, header):
            self.drop(curve)
            raise Refused(
                "conflict", f"curve {curve!r} was announced twice with different contents; send it under a new id"
            )
        entry.header = header
        return self._finish(curve, entry)

    def chunk(self, curve: str, index: int, rows: Sequence[Row]) -> Whole | None:
        """Take one chunk; the curve if it was the last piece. Raises Refused."""
        entry = self._touch(curve)
        content = tuple(rows)
        known = entry.chunks.get(index)
        if known is not None and list(map(_canonical, known)) != list(map(_canonical, content)):
            self.drop(curve)
            raise Refused(
                "conflict", f"chunk {index} of curve {curve!r} came twice with different points; send the curve again"
            )
        if known is None:
            entry.chunks[index] = content
            entry.points += len(content)
        if entry.points > MAX_POINTS:
            self.drop(curve)
            raise Refused("too_large", f"curve {curve!r} has more than {MAX_POINTS} points")
        return self._finish(curve, entry)

    def missing(self, curve: str) -> list[int]:
        """Chunks still to come, the first 100 of them; -1 stands for `curve/begin`."""
        entry = self._open.get(curve)
        if entry is None or entry.header is None:
            return [-1]
        absent = (index for index in range(entry.header[2]) if index not in entry.chunks)
        return [index for index, _ in zip(absent, range(MAX_MISSING), strict=False)]

    def drop(self, curve: str) -> None:
        """Forget an unfinished curve."""
        self._open.pop(curve, None)

    def _touch(self, curve: str) -> _Open:
        now = self._clock()
        for key in [key for key, entry in self._open.items() if now - entry.touched > IDLE_S]:
            del self._open[key]
        entry = self._open.get(curve)
        if entry is None:
            if len(self._open) >= MAX_OPEN:
                raise Refused("busy", f"{MAX_OPEN} curves are unfinished; finish one, or wait {IDLE_S:.0f} s")
            entry = self._open[curve] = _Open()
        entry.touched = now
        return entry

    def _finish(self, curve: str, entry: _Open) -> Whole | None:
        if entry.header is None:
            return None
        header, chunks = entry.header, entry.header.chunks
        if any(index >= chunks for index in entry.chunks):
            self.drop(curve)
            raise Refused(
                "wrong_arguments", f"curve {curve!r}: chunk {max(entry.chunks)} came, {chunks} were announced"
            )
        if len(entry.chunks) < chunks:
            return None
        self.drop(curve)
        rows = [row for index in range(chunks) for row in entry.chunks[index]]
        if len(rows) != header.points:
            raise Refused("checksum", f"curve {curve!r}: {len(rows)} points came, {header.points} were announced")
        found = checksum(rows)
        if found != header.checksum:
            raise Refused(
                "checksum", f"curve {curve!r}: the points' checksum is {found}, announced was {header.checksum}"
            )
        return Whole(header, to_curve(rows, header.domain, header.reference_dbfs, header.follow))
