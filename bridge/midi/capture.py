"""Play-through capture: a fader ridden while the host plays becomes the loudness curve of what was played."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import mido
import numpy as np

from bridge.midi.cc14 import Controller, ControllerReader
from bridge.midi.mtc import MTC_RATES
from bridge.midi.transport import Run, TransportFollower
from bridge.timecode import FrameRate
from engine.curve import MAX_POINTS, CurvePoint, LoudnessCurve

#: Controllers that capture listens to when none is named: volume and expression, any channel, and any NRPN.
DEFAULT_CONTROLLERS = (7, 11)
#: Captured curves stay this near to what was played; the first, quick thinning may use up this much of it.
MAX_ERROR_DB = 0.25
QUICK_ERROR_DB = 0.05
#: A fader in motion sends more often than this; after a longer rest a move is a step, not a ramp.
REST_S = 0.06
#: … unless it is this small and comes this soon: the next notch of a slow fade.
NOTCH = 2.5 / 127
NOTCH_S = 1.0
#: The fine half of a 14-bit value follows its coarse half within this time.
PAIR_S = 0.02


class CaptureError(ValueError):
    """Nothing could be captured; ``str()`` is one line that says what was missing."""


@dataclass(frozen=True)
class CapturedCurve:
    """The curve of a span: ``curve`` counts from ``start_s`` (seconds from midnight)."""

    start_s: float
    duration_s: float
    curve: LoudnessCurve
    #: What was ridden, ``None`` for a stream of plain values.
    controller: Controller | None


@dataclass(frozen=True)
class _Move:
    time_s: float
    fraction: float
    position_s: float | None = None


@dataclass(frozen=True)
class _Knot:
    """A value on the timeline: held until the next knot, or a straight line towards it."""

    position_s: float
    fraction: float
    hold: bool


@dataclass(frozen=True)
class _Pass:
    """One time through: what was played, and the moves made in it (at least one)."""

    start_s: float
    end_s: float
    knots: list[_Knot]


class CurveCapture:
    """Feed it everything that arrives while the host plays, then ``finish()``.

    ``controller`` names the fader; without one, the first of CC 7, CC 11 or an NRPN to move is it. ``rates`` are the
    frame rates behind MTC's codes. ``stood`` is where faders stood before: a host sends only what changes. Full scale
    is 0 dB and gain falls with the square, as MIDI volume does. A span that is played again is overwritten from the
    first move on, as in a host's latch mode.
    """

    def __init__(
        self,
        controller: Controller | None = None,
        rates: Sequence[FrameRate] = MTC_RATES,
        stood: Mapping[Controller, float] = MappingProxyType({}),
    ) -> None:
        self.controller = controller
        self._stood = stood
        self._transport = TransportFollower(rates, keep=None)
        self._reader = ControllerReader()
        self._moves: list[_Move] = []

    def feed(self, message: mido.Message, time_s: float) -> None:
        """Take in a MIDI message that arrived at ``time_s`` (seconds, any monotonic clock)."""
        self._transport.feed(message, time_s)
        value = self._reader.feed(message)
        if value is None:
            return
        if self.controller is None and (
            value.controller.kind != "cc" or value.controller.number in DEFAULT_CONTROLLERS
        ):
            self.controller = value.controller
        if value.controller != self.controller:
            return
        if not self._moves and value.controller in self._stood:
            self._moves.append(_Move(-math.inf, self._stood[value.controller]))
        if value.refines and self._moves and time_s - self._moves[-1].time_s <= PAIR_S:
            self._moves[-1] = _Move(self._moves[-1].time_s, value.fraction)
        else:
            self._moves.append(_Move(time_s, value.fraction))

    def value(self, fraction: float, time_s: float, position_s: float | None = None) -> None:
        """Take in a plain value 0…1 (an OSC stream), at the transport's place or at ``position_s`` from midnight."""
        if not 0.0 <= fraction <= 1.0:
            raise CaptureError(f"capture value {fraction:g}: must lie between 0 and 1")
        self._moves.append(_Move(time_s, fraction, position_s))

    def finish(self, start_s: float | None = None, duration_s: float | None = None) -> CapturedCurve:
        """The curve of what was played, or of the span from ``start_s`` (seconds from midnight) for ``duration_s``.

        Raises ``CaptureError`` if no fader moved, the transport never ran, or the span was not played.
        """
        if not self._moves:
            raise CaptureError("capture: no fader moved; ride CC 7, CC 11 or the controller you chose while playing")
        passes = self._passes()
        if not passes:
            raise CaptureError("capture: a fader moved, but the transport never ran; send MTC, MMC or song position")
        played_s, end_s = min(one.start_s for one in passes), max(one.end_s for one in passes)
        start = played_s if start_s is None else start_s
        end = end_s if duration_s is None else start + duration_s
        if not max(start, played_s) < min(end, end_s):
            played = f"(played: {played_s:.2f} s to {end_s:.2f} s)"
            raise CaptureError(f"capture: nothing was played from {start:.2f} s to {end:.2f} s {played}")
        knots = _overlaid(passes)
        inside = [knot for knot in knots if start < knot.position_s < end]
        return CapturedCurve(
            start, end - start, _curve([_knot_at(knots, start), *inside, _knot_at(knots, end)]), self.controller
        )

    def _passes(self) -> list[_Pass]:
        passes: list[_Pass] = []
        held: float | None = None
        for run, moves in self._grouped():
            fractions = [move.fraction for move in moves]
            if run is not None:
                positions = run.positions(np.array([move.time_s for move in moves])).tolist()
                start_s = min(run.position(run.anchors[0][0]), positions[0])
                # MMC never says that it still runs: then the last move is the end known for certain.
                last_s = run.heard_s if run.end_s is None else run.end_s
                end_s = max(run.position(last_s), positions[-1]) if math.isfinite(last_s) else positions[-1]
                if not passes and held is not None and start_s < positions[0]:
                    # Where the fader stood when playing began.
                    positions, fractions = [start_s, *positions], [held, *fractions]
                passes.append(_Pass(start_s, end_s, _knots(positions, fractions)))
            elif moves[0].position_s is not None:
                positions = [float(move.position_s or 0.0) for move in moves]
                passes.append(_Pass(positions[0], positions[-1], _knots(positions, fractions)))
            held = moves[-1].fraction
        return passes

    def _grouped(self) -> list[tuple[Run | None, list[_Move]]]:
        """Moves by the run they were made in; ``None`` for those with positions of their own or made while standing."""
        groups: list[tuple[Run | None, list[_Move]]] = []
        for move in self._moves:
            run = self._transport.run_at(move.time_s) if move.position_s is None else None
            if groups and groups[-1][0] is run and _continues(groups[-1][1][-1], move):
                groups[-1][1].append(move)
            else:
                groups.append((run, [move]))
        return groups


def _continues(before: _Move, move: _Move) -> bool:
    if before.position_s is None or move.position_s is None:
        return before.position_s is move.position_s
    return before.position_s <= move.position_s


def _knots(positions: Sequence[float], fractions: Sequence[float]) -> list[_Knot]:
    """A knot per move. A ramp joins moves of one gesture and the notches of a slow fade; the rest are steps."""
    knots: list[_Knot] = []
    for index, (position, fraction) in enumerate(zip(positions, fractions, strict=True)):
        # Arrival jitter may put a move a little before the one it followed.
        position = max(position, knots[-1].position_s) if knots else position
        hold = True
        if index + 1 < len(positions):
            rest_s = positions[index + 1] - position
            hold = rest_s > (NOTCH_S if abs(fractions[index + 1] - fraction) <= NOTCH else REST_S)
        knots.append(_Knot(position, fraction, hold))
    return knots


def _overlaid(passes: Sequence[_Pass]) -> list[_Knot]:
    """Each pass over the ones before it, from its first move to its end; behind it the older curve goes on."""
    knots: list[_Knot] = []
    for one in passes:
        before = knots[: bisect_left(knots, one.knots[0].position_s, key=_position)]
        after = knots[bisect_right(knots, one.end_s, key=_position) :]
        if after:
            after = [_knot_at(knots, one.end_s), *after]
        if before and not before[-1].hold:
            before.append(replace(_knot_at(knots, one.knots[0].position_s), hold=True))
        knots = before + one.knots + after
    return knots


def _position(knot: _Knot) -> float:
    return knot.position_s


def _knot_at(knots: Sequence[_Knot], position_s: float) -> _Knot:
    """The curve at ``position_s``; first and last values are held."""
    index = bisect_right(knots, position_s, key=_position) - 1
    if index < 0:
        return _Knot(position_s, knots[0].fraction, hold=True)
    left = knots[index]
    if left.hold or index + 1 == len(knots):
        return replace(left, position_s=position_s)
    right = knots[index + 1]
    along = (position_s - left.position_s) / (right.position_s - left.position_s)
    return _Knot(position_s, left.fraction + along * (right.fraction - left.fraction), hold=False)


def _curve(knots: Sequence[_Knot]) -> LoudnessCurve:
    """Knots as a curve from the first of them on, thinned until a hand could edit it."""
    start_s = knots[0].position_s
    points = [
        CurvePoint(knot.position_s - start_s, knot.fraction**2, "hold" if knot.hold else "linear")
        for knot in _without_the_obvious(knots)
    ]
    thinned: list[CurvePoint] = []
    # Even then a long ride may hold more values than one curve may.
    for first in range(0, len(points) - 1, MAX_POINTS // 2):
        part = LoudnessCurve(tuple(points[first : first + MAX_POINTS // 2 + 1]), "midi_cc")
        # Each part begins with the point that ended the one before.
        thinned += part.simplified(MAX_ERROR_DB - QUICK_ERROR_DB).points[1 if thinned else 0 :]
    return LoudnessCurve(tuple(thinned))


def _without_the_obvious(knots: Sequence[_Knot]) -> list[_Knot]:
    """Leaves out knots that a straight line passes within ``QUICK_ERROR_DB``: one look at each ("swinging door").

    A fader sends a hundred values a second and most of them say nothing; the curve's own thinning weighs every point
    against every line and is asked only about the rest.
    """
    slack = 10 ** (QUICK_ERROR_DB / 40) - 1
    kept = [knots[0]]
    low, high = -math.inf, math.inf
    for knot, after in pairwise(knots[1:]):
        origin = kept[-1]
        span = knot.position_s - origin.position_s
        if span > 0 and not knot.hold and not origin.hold:
            # The slopes that pass this knot within the slack, and all since the last kept one.
            rise = knot.fraction - origin.fraction
            low = max(low, (rise - slack * knot.fraction) / span)
            high = min(high, (rise + slack * knot.fraction) / span)
            if low <= (after.fraction - origin.fraction) / max(after.position_s - origin.position_s, 1e-9) <= high:
                continue
        kept.append(knot)
        low, high = -math.inf, math.inf
    return [*kept, *knots[1:][-1:]]
