"""The loudness curve: breakpoints as drawn, in the domain that the host interpolates in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.curve_laws import DOMAINS, SHAPES, SILENCE_DB, Array
from engine.strict import CueError, as_items, as_number, as_numbers, as_text, in_range, members, one_of

MAX_POINTS = 100_000
FOLLOW = ("tight", "loose")
REFERENCE_DBFS = (-80.0, 0.0)
#: Highest value a point may have, in dB relative to the reference.
MAX_VALUE_DB = 60.0
#: The asked level of a frame is floored here, dBFS.
LEVEL_FLOOR_DBFS = -80.0

#: Frames are 10 ms apart; their 20 ms windows are two half-windows of as many samples at 48 kHz.
_HALF_WINDOW = 480
_LEVEL_RATE = 48_000
_HALVES_AT_ONCE = 512
#: Grid on which bent segments are followed when a curve is simplified, seconds.
_BEND_GRID_S = 0.002


@dataclass(frozen=True)
class CurvePoint:
    """A breakpoint and the segment that leaves it."""

    #: Seconds from the cue's start.
    time_s: float
    #: dB in the domain "db", linear gain elsewhere; None: undrawn until the next point; -inf: silence.
    value: float | None
    #: Key of `SHAPES`; it bends the segment that this point begins.
    shape: str = "linear"
    #: -1…1, for the shape "bezier".
    tension: float = 0.0
    #: x1, y1, x2, y2 in fractions of the segment, for the shape "cubic".
    control: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        in_range(self.time_s, (0.0, 1e7), "time_s", "s")
        one_of(self.shape, tuple(SHAPES), "shape")
        in_range(self.tension, (-1.0, 1.0), "tension")
        if (self.control is not None) != (self.shape == "cubic"):
            raise CueError("control", "belongs to the shape cubic and only to it", "give both or neither")
        if self.control is not None:
            for index, part in enumerate(self.control):
                # x outside 0…1 would let the curve run back in time; y may overshoot as Live's does.
                in_range(part, (0.0, 1.0) if index % 2 == 0 else (-10.0, 10.0), f"control[{index}]")

    @classmethod
    def from_json(cls, obj: object) -> CurvePoint:
        """Raises `CueError` naming the field."""
        known = {"time_s": True, "value": True, "shape": False, "tension": False, "control": False}
        given = members(obj, known)
        value: float | None = None
        if given["value"] == "-inf":
            value = -np.inf
        elif given["value"] is not None:
            value = as_number(given["value"], "value")
        control = None
        if given.get("control") is not None:
            x1, y1, x2, y2 = as_numbers(given["control"], "control", 4)
            control = (x1, y1, x2, y2)
        return cls(
            time_s=as_number(given["time_s"], "time_s"),
            value=value,
            shape=as_text(given.get("shape", "linear"), "shape"),
            tension=as_number(given.get("tension", 0.0), "tension"),
            control=control,
        )

    def to_json(self) -> dict[str, object]:
        value: object = "-inf" if self.value is not None and np.isneginf(self.value) else self.value
        obj: dict[str, object] = {"time_s": self.time_s, "value": value, "shape": self.shape}
        if self.tension:
            obj["tension"] = self.tension
        if self.control is not None:
            obj["control"] = list(self.control)
        return obj


@dataclass(frozen=True)
class LoudnessCurve:
    """How loud the sound is to be, as drawn; `sample` and `level_dbfs` say what the drawing means."""

    points: tuple[CurvePoint, ...]
    #: Key of `DOMAINS`: the scale in which the lane's straight lines are straight.
    domain: str = "db"
    #: RMS level that 0 dB on the lane asks for.
    reference_dbfs: float = -20.0
    #: "tight": each hit is drawn; "loose": the line gives the dynamics, the sound keeps its own rhythm.
    follow: str = "tight"

    def __post_init__(self) -> None:
        one_of(self.domain, DOMAINS, "domain")
        one_of(self.follow, FOLLOW, "follow")
        in_range(self.reference_dbfs, REFERENCE_DBFS, "reference_dbfs", "dBFS")
        if not self.points:
            raise CueError("points", "is empty", "draw at least one point, or leave out the curve")
        if len(self.points) > MAX_POINTS:
            raise CueError("points", f"has {len(self.points)} entries", f"at most {MAX_POINTS} are allowed")
        in_db = DOMAINS[self.domain].in_db
        highest = MAX_VALUE_DB if in_db else 10.0 ** (MAX_VALUE_DB / 20.0)
        before = 0.0
        for index, point in enumerate(self.points):
            if point.time_s < before:
                order = f"{point.time_s:g} s comes after {before:g} s"
                raise CueError(f"points[{index}].time_s", f"is out of order ({order})", "sort the points by time")
            before = point.time_s
            if point.value is not None and not point.value <= highest:
                raise CueError(f"points[{index}].value", f"is {point.value:g}", f"at most {highest:g} is allowed")
            if point.value is not None and not in_db and -np.inf < point.value < 0.0:
                mend = f"in the domain {self.domain} values are linear gain, 1 for 0 dB"
                raise CueError(f"points[{index}].value", f"is negative ({point.value:g})", mend)

    @classmethod
    def from_json(cls, obj: object) -> LoudnessCurve:
        """Raises `CueError` naming the field."""
        given = members(obj, {"points": True, "domain": False, "reference_dbfs": False, "follow": False})
        return cls(
            points=as_items(given["points"], "points", CurvePoint.from_json, most=MAX_POINTS),
            domain=as_text(given.get("domain", "db"), "domain"),
            reference_dbfs=as_number(given.get("reference_dbfs", -20.0), "reference_dbfs"),
            follow=as_text(given.get("follow", "tight"), "follow"),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "domain": self.domain,
            "reference_dbfs": self.reference_dbfs,
            "follow": self.follow,
            "points": [point.to_json() for point in self.points],
        }

    def sample(self, times_s: Array) -> Array:
        """The curve at `times_s` (seconds from the cue's start, any shape, any order), in dB relative to the reference.

        -inf is silence (asked for, or at or below -60 dB), NaN undrawn. First and last values are held. Where two
        points share a time the curve steps, and the later point counts from that time on.
        """
        times = np.asarray(times_s, dtype=np.float64)
        raw = self._raw_db(times.ravel())
        with np.errstate(invalid="ignore"):
            raw[raw <= SILENCE_DB] = -np.inf
        return raw.reshape(times.shape)

    def level_dbfs(self, frames: int, start_s: float = 0.0) -> Array:
        """The level asked of each of `frames` 10 ms frames from `start_s` on, in dBFS; shape (frames,).

        A frame's level is that of the curve's mean power over the 20 ms window that begins 5 ms before it (samples
        480t-240 … 480t+720 at 48 kHz), with the reference added and floored at -80 dBFS. NaN where any part of the
        window is undrawn.
        """
        power = np.empty(frames + 1)
        edges = start_s + (np.arange(frames + 2) - 0.5) * _HALF_WINDOW / _LEVEL_RATE
        passed = np.searchsorted(self._table.time, edges)
        kinked = passed[1:] > passed[:-1]
        # Between points a curve is smooth and 40 spots tell its mean; where one lies, a step may: look at every sample.
        for halves, spots in ((np.flatnonzero(~kinked), 40), (np.flatnonzero(kinked), _HALF_WINDOW)):
            inner = np.arange(spots) * (_HALF_WINDOW // spots) + (_HALF_WINDOW // spots - 1) / 2.0
            for first in range(0, len(halves), _HALVES_AT_ONCE):  # in blocks, so that memory does not grow
                some = halves[first : first + _HALVES_AT_ONCE]
                samples = some[:, None] * _HALF_WINDOW - _HALF_WINDOW // 2 + inner
                db = self.sample(start_s + samples / _LEVEL_RATE)
                power[some] = np.mean(np.power(10.0, db / 10.0), axis=1)
        with np.errstate(divide="ignore"):
            level = 10.0 * np.log10((power[:-1] + power[1:]) / 2.0) + self.reference_dbfs
        return np.asarray(np.maximum(level, LEVEL_FLOOR_DBFS))

    def simplified(self, max_error_db: float) -> LoudnessCurve:
        """A curve of straight dB lines with fewer points, nowhere further than `max_error_db` from this one.

        For curves captured from a controller: thousands of points become the handful that a hand would have drawn.
        Steps, silences and undrawn spans stay where they are. The domain of the answer is "db".
        """
        kept: list[CurvePoint] = []
        for times, db in self._stretches():
            if np.isnan(db[0]):
                kept.append(CurvePoint(float(times[0]), None))
                continue
            for index in douglas_peucker(times, db, max_error_db):
                silent = db[index] <= SILENCE_DB
                kept.append(CurvePoint(float(times[index]), -np.inf if silent else float(db[index])))
        return LoudnessCurve(tuple(kept), "db", self.reference_dbfs, self.follow)

    # ------------------------------------------------------------------------------------------------ evaluation

    @cached_property
    def _table(self) -> _Table:
        return _Table.of(self)

    def _raw_db(self, times: Array, *, side: str = "right") -> Array:
        """As `sample`, one-dimensional and without the threshold of silence; `side` "left" looks before steps."""
        table = self._table
        # Before the first point segment -1 would be meant: clip to 0 and hold. The last point has no segment: hold.
        found = np.searchsorted(table.time, times, side="right" if side == "right" else "left") - 1
        index = np.maximum(found, 0)
        fraction = np.clip((times - table.time[index]) / table.length[index], 0.0, 1.0)
        eased = np.empty_like(fraction)
        shapes = table.shape[index]
        for code, shape in enumerate(SHAPES.values()):
            chosen = shapes == code
            if chosen.any():
                eased[chosen] = shape.ease(fraction[chosen], table.controls[index[chosen]])
        start, end = table.start[index], table.end[index]
        # Both forms are exact at one end; this choice keeps a flat or finished line free of rounding.
        place = np.where(eased < 0.5, start + (end - start) * eased, end - (end - start) * (1.0 - eased))
        return np.array(DOMAINS[self.domain].db(place))

    def _stretches(self) -> Iterator[tuple[Array, Array]]:
        """(times, dB) of each stretch without steps, bent segments followed on a grid; one NaN for an undrawn span."""
        points = self.points
        straight = self.domain == "db"
        times: list[Array] = []
        levels: list[Array] = []

        def flush() -> Iterator[tuple[Array, Array]]:
            if times:
                yield np.concatenate(times), np.concatenate(levels)
                times.clear()
                levels.clear()

        for index, point in enumerate(points):
            if point.value is None:
                yield from flush()
                yield np.array([point.time_s]), np.array([np.nan])
                continue
            last = index + 1 == len(points)
            end = point.time_s if last else points[index + 1].time_s
            steps = (
                1 if straight and point.shape == "linear" else max(int(np.ceil((end - point.time_s) / _BEND_GRID_S)), 1)
            )
            grid = np.linspace(point.time_s, end, steps + 1)
            db = np.concatenate([self._raw_db(grid[:1]), self._raw_db(grid[1:], side="left")])
            if point.time_s == end and not last:
                continue  # a point that a step hides at once
            db = np.maximum(db, SILENCE_DB)
            if levels and abs(levels[-1][-1] - db[0]) > 1e-9:
                yield from flush()
            times.append(grid)
            levels.append(db)
            if last:
                yield from flush()


@dataclass(frozen=True, eq=False)
class _Table:
    """The points of a curve as columns; row i describes the segment that leaves point i, in lane positions."""

    time: Array
    length: Array
    start: Array
    end: Array
    shape: np.ndarray
    controls: Array

    @classmethod
    def of(cls, curve: LoudnessCurve) -> _Table:
        points = curve.points
        time = np.array([point.time_s for point in points])
        value = np.array([np.nan if point.value is None else point.value for point in points])
        undrawn = np.isnan(value)
        start = np.where(undrawn, np.nan, DOMAINS[curve.domain].position(np.where(undrawn, 0.0, value)))
        end = np.append(start[1:], start[-1])
        end = np.where(np.isnan(end), start, end)  # towards an undrawn span a line has no aim: it is held
        length = np.append(np.diff(time), 1.0)
        length[length == 0.0] = 1.0  # never asked: a search for a time ends at the later of two points
        controls = np.zeros((len(points), 4))
        for index, point in enumerate(points):
            law = SHAPES[point.shape].controls
            if law is not None:
                controls[index] = law(point.tension, point.control, curve.domain)
        codes = {name: code for code, name in enumerate(SHAPES)}
        shape = np.array([codes[point.shape] for point in points])
        return cls(time, length, start, end, shape, controls)


def douglas_peucker(times: Array, values: Array, max_error: float) -> list[int]:
    """Indices of the points to keep, so that straight lines between them miss no other by more than `max_error`."""
    keep = np.zeros(len(times), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(times) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(times[inner], times[[first, last]], values[[first, last]])
        error = np.abs(values[inner] - line)
        worst = int(np.argmax(error))
        if error[worst] > max_error:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return [int(index) for index in np.flatnonzero(keep)]
