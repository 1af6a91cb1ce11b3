"""From a lane to the engine's loudness curve: the part inside a span, evaluated at its edges by the host's own law."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import numpy as np

from bridge.hosts.model import Lane, LanePoint
from engine.curve import CurvePoint, LoudnessCurve
from engine.curve_laws import DOMAINS, SHAPES

#: A bent segment that a span cuts is drawn anew as this many straight pieces in the lane's own scale (each within
#: 0.01 dB of the bend for the steepest shape over 60 dB).
BENT_PIECES = 64
#: The same of a bend that a hand has made, which may be steeper than any shape.
FREE_PIECES = 256
#: Controls whose lines are straight in their own values; the guide plug-in's are dB already.
PLAIN_CONTROLS = ("pan", "param")


def lane_curve(
    lane: Lane, start_s: float, duration_s: float, *, reference_dbfs: float = -20.0, follow: str = "tight"
) -> LoudnessCurve:
    """The curve that `lane` draws from `start_s` on, times counted from there.

    The lane is evaluated at both edges, so a line that crosses one keeps its course. A lane without points raises
    `ValueError`, values that no curve can hold (a gain above +60 dB) `engine.cue.CueError`.
    """
    if not lane.points:
        raise ValueError("a lane without points has no curve")
    points = cut(lane, start_s, start_s + duration_s)
    drawn = tuple(_curve_point(lane, point, point.time_s - start_s) for point in points)
    return LoudnessCurve(drawn, lane.domain, reference_dbfs, follow)


def _time(point: LanePoint) -> float:
    return point.time_s


def cut(lane: Lane, start_s: float, end_s: float) -> list[LanePoint]:
    """The points that draw the lane between two times: those inside, and one at each edge."""
    points = lane.points
    first = bisect_right(points, start_s, key=_time)
    last = bisect_left(points, end_s, key=_time)
    drawn: list[LanePoint] = []
    if first == 0:
        drawn.append(_at(points[0], start_s))
    else:
        drawn += _piece(lane, first - 1, start_s, points[first].time_s if first < last else end_s)
    if first < last:
        drawn += points[first : last - 1]
        if last < len(points) and points[last].time_s > end_s:
            drawn += _piece(lane, last - 1, points[last - 1].time_s, end_s)
        else:
            drawn.append(points[last - 1])
    if drawn[-1].time_s < end_s:
        drawn.append(_at(drawn[-1], end_s, evaluate(lane, end_s, side="left")))
    return drawn


def evaluate(lane: Lane, time_s: float, *, side: str = "right") -> float:
    """The lane's value at a time, by the host's law; `side` "left" looks before a step at that very time."""
    points = lane.points
    find = bisect_right if side == "right" else bisect_left
    index = find(points, time_s, key=_time) - 1
    if index < 0:
        return points[0].value
    return float(along(lane, index, np.array([time_s]))[0])


def _piece(lane: Lane, index: int, start_s: float, end_s: float) -> list[LanePoint]:
    """Points that draw the part of segment `index` between two times; the end itself is the next point's to draw."""
    points = lane.points
    point = points[index]
    following = points[index + 1] if index + 1 < len(points) else None
    if following is None or point.shape == "hold" or start_s >= end_s:
        return [_at(point, start_s, point.value, "hold" if following is not None else "linear")]
    if start_s == point.time_s and end_s >= following.time_s:
        return [point]
    pieces = {"linear": 1, "cubic": FREE_PIECES}.get(point.shape, BENT_PIECES)
    times = np.linspace(start_s, end_s, pieces + 1)
    values = along(lane, index, times)
    kept = len(times) if end_s < following.time_s else pieces
    return [_at(point, float(t), float(v)) for t, v in zip(times[:kept], values[:kept], strict=True)]


def _at(point: LanePoint, time_s: float, value: float | None = None, shape: str = "linear") -> LanePoint:
    return LanePoint(time_s, point.value if value is None else value, shape)


def along(lane: Lane, index: int, times: np.ndarray) -> np.ndarray:
    """Values on the segment that leaves point `index`; held after the last point."""
    point = lane.points[index]
    if index + 1 == len(lane.points):
        return np.full(len(times), point.value)
    following = lane.points[index + 1]
    length = following.time_s - point.time_s
    if length <= 0.0:
        return np.full(len(times), following.value)
    law = SHAPES[point.shape].controls
    row = law(point.tension, point.control, lane.domain) if law is not None else (0.0, 0.0, 0.0, 0.0)
    fraction = np.clip((times - point.time_s) / length, 0.0, 1.0)
    eased = SHAPES[point.shape].ease(fraction, np.tile(np.array(row), (len(times), 1)))
    if lane.controls in PLAIN_CONTROLS:
        return np.asarray(point.value + (following.value - point.value) * eased)
    domain = DOMAINS[lane.domain]
    ends = np.array([_domain_value(lane, p.value) for p in (point, following)])
    start, end = domain.position(ends)
    return np.array([_host_value(lane, float(db)) for db in domain.db(start + (end - start) * eased)])


def _domain_value(lane: Lane, value: float) -> float:
    """A lane's value as its domain has it: dB in "db", (v/127)² gain for controllers, else linear gain."""
    if lane.controls in ("cc7", "cc11"):
        return value * value
    if DOMAINS[lane.domain].in_db and lane.controls not in PLAIN_CONTROLS:
        return 20.0 * math.log10(value) if value > 0.0 else -math.inf
    return value


def _host_value(lane: Lane, db: float) -> float:
    gain = 10.0 ** (db / 20.0)
    return math.sqrt(gain) if lane.controls in ("cc7", "cc11") else gain


def _curve_point(lane: Lane, point: LanePoint, time_s: float) -> CurvePoint:
    value = _domain_value(lane, point.value)
    if not DOMAINS[lane.domain].in_db:
        value = max(value, 0.0)
    return CurvePoint(max(time_s, 0.0), value, point.shape, point.tension, point.control)
