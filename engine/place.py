"""Where a source stands in the room over time: points drawn by hand, or left to its mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.strict import CueError, as_items, as_number, in_range, inside, members

#: -1 left … 1 right.
PAN = (-1.0, 1.0)
#: dB that distance adds to a source's level.
DISTANCE_DB = (-60.0, 0.0)
MAX_POINTS = 10_000
MASK: Literal["mask"] = "mask"


@dataclass(frozen=True)
class PlacePoint:
    """A breakpoint of a path; straight lines between them, first and last values are held."""

    #: Seconds from the cue's start.
    time_s: float
    value: float

    @classmethod
    def from_json(cls, obj: object) -> PlacePoint:
        given = members(obj, {"time_s": True, "value": True})
        return cls(as_number(given["time_s"], "time_s"), as_number(given["value"], "value"))


#: "mask": as the mask goes; no points: off.
PlacePath = Literal["mask"] | tuple[PlacePoint, ...]


def read_path(obj: object, field: str) -> PlacePath:
    """A path's JSON, "mask" or a list of points; raises `CueError` naming the field."""
    if obj is None:
        return ()
    if isinstance(obj, str):
        if obj != MASK:
            raise CueError(field, f"is {obj!r}", 'write "mask", or a list of points {"time_s": …, "value": …}')
        return MASK
    return as_items(obj, field, PlacePoint.from_json, most=MAX_POINTS)


def check_path(path: PlacePath, limits: tuple[float, float], field: str) -> None:
    """Raise `CueError` for points out of order or out of their limits."""
    if path == MASK:
        return
    before = 0.0
    for index, point in enumerate(path):
        with inside(f"{field}[{index}]"):
            in_range(point.value, limits, "value")
            if not point.time_s >= before:
                order = f"{point.time_s:g} s comes after {before:g} s"
                raise CueError("time_s", f"is out of order ({order})", "sort the points by time")
        before = point.time_s


def path_json(path: PlacePath) -> object:
    """The inverse of `read_path`."""
    return path if path == MASK else [{"time_s": point.time_s, "value": point.value} for point in path]


def along(path: PlacePath, times_s: np.ndarray) -> np.ndarray:
    """Values of a drawn path at `times_s` (n,) -> (n,); 0 where it is off."""
    assert path != MASK, "a mask's path is found before anything is placed along it"
    if not path:
        return np.zeros(len(times_s))
    return np.interp(times_s, [point.time_s for point in path], [point.value for point in path])


def gains(gain_db: float, distance: PlacePath, pan: PlacePath, times_s: np.ndarray, channels: int) -> np.ndarray:
    """Linear gain of each channel at `times_s`: (n, channels).

    The pan's law is of constant power, so that a curve's level holds wherever the source stands; in the middle both
    sides are as they were.
    """
    level = 10 ** ((gain_db + along(distance, times_s)) / 20)
    if channels == 1 or not pan:
        return np.repeat(level[:, None], channels, 1)
    angle = (along(pan, times_s) + 1) * np.pi / 4
    return np.asarray(np.sqrt(2) * level[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))
