"""A loudness curve from a stream of single values, for hosts that send automation as OSC while they play."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from bridge.refused import Refused
from engine.cue import MAX_POINTS, CueError
from engine.curve import CurvePoint, LoudnessCurve
from engine.curve_laws import DOMAINS

THIN_DB = 0.25
"""The thinned curve is nowhere further from what was sent than this."""
REST_S = 0.15
"""A lane in motion is sent more often than this; after a longer rest a change is a step, not a ramp."""


class StreamCapture:
    """Collects values from `capture/begin` to `capture/end`."""

    def __init__(
        self, domain: str, reference_dbfs: float, follow: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._domain, self._reference, self._follow = domain, reference_dbfs, follow
        self._clock = clock
        self._began = clock()
        self._values: list[tuple[float, float]] = []

    def add(self, time_s: float | None, value: float) -> None:
        """One value: dB in the domain `db`, linear gain in any other; without a time, when it came. Raises Refused."""
        if math.isnan(value):
            raise Refused("wrong_arguments", "capture/value: not a number")
        if len(self._values) >= MAX_POINTS // 2:
            raise Refused("too_large", f"capture: more than {MAX_POINTS // 2} values; end it")
        self._values.append((self._clock() - self._began if time_s is None else time_s, value))

    def finish(self) -> LoudnessCurve:
        """The curve, thinned to editable points. Raises Refused."""
        if not self._values:
            raise Refused("unknown_curve", "capture: no value came between capture/begin and capture/end")
        points: list[CurvePoint] = []
        # Sorted by time only: of two values of one time the later one counts, and datagrams may overtake each other.
        for time_s, value in sorted(self._values, key=lambda pair: pair[0]):
            if points and time_s - points[-1].time_s > REST_S:
                points.append(CurvePoint(time_s, points[-1].value))
            points.append(CurvePoint(time_s, value))
        domain = self._domain if DOMAINS[self._domain].in_db else "gain"
        try:
            return LoudnessCurve(tuple(points), domain, self._reference, self._follow).simplified(THIN_DB)
        except CueError as error:
            raise Refused("bad_cue", f"capture: {error}") from error
