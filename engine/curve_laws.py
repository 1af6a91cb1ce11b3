"""The laws a host draws its lines by: `DOMAINS` (in which scale a line is straight) and `SHAPES` (how it bends).

The same straight line from 0 to -20 dB has its midpoint at -5.2 dB in a gain-linear lane, -8.1 dB on Ardour's fader
and -10 dB in a dB-linear one; a curve therefore carries its domain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: At and below this level a curve asks for digital silence.
SILENCE_DB = -60.0


def to_db(gain: Array) -> Array:
    """Linear gain -> dB; 0 -> -inf."""
    with np.errstate(divide="ignore"):
        return np.asarray(20.0 * np.log10(gain))


def to_gain(db: Array) -> Array:
    """dB -> linear gain; -inf -> 0."""
    return np.asarray(np.power(10.0, np.asarray(db) / 20.0))


@dataclass(frozen=True)
class Domain:
    """A scale in which the host draws straight lines. Both functions are monotone and vectorised."""

    #: A point's value (dB in the domain "db", linear gain elsewhere; -inf is silence everywhere) -> lane position.
    position: Callable[[Array], Array]
    #: Lane position -> dB; -inf for silence.
    db: Callable[[Array], Array]
    #: Whether the values of points are dB rather than linear gain.
    in_db: bool = False


def _gain_domain(position: Callable[[Array], Array], gain: Callable[[Array], Array]) -> Domain:
    """A domain whose law maps linear gain to a position, 0 to 0."""
    return Domain(
        position=lambda value: position(np.maximum(value, 0.0)),  # -inf, too, is gain 0
        db=lambda place: to_db(gain(np.maximum(place, 0.0))),
    )


def _ardour_position(gain: Array) -> Array:
    """Ardour's gain_to_slider_position: 192 dB below its 2^32 scale the fader is at its end."""
    with np.errstate(divide="ignore"):
        root = (6.0 * np.log2(gain) + 192.0) / 198.0
    return np.asarray(np.maximum(root, 0.0) ** 8)


def _ardour_gain(position: Array) -> Array:
    gain = np.exp2((position**0.125 * 198.0 - 192.0) / 6.0)
    return np.where(position > 0.0, gain, 0.0)


_REAPER_TOP_GAIN = 10.0 ** (12.0 / 20.0)


def _reaper_position(gain: Array) -> Array:
    """REAPER's volume slider (0…1000): gain is 10^0.6·(x³ + x⁶)/2 with x the slider over 1000.

    The law was found by fitting the values that REAPER's scripting interface reports (716.21785 for 0 dB,
    852.774 for a gain of 2, 483.950 for -12 dB, 79.482 for -60 dB, …), all of which it meets to six digits.
    """
    cube = (np.sqrt(1.0 + 8.0 * gain / _REAPER_TOP_GAIN) - 1.0) / 2.0
    return np.asarray(1000.0 * np.cbrt(cube))


def _reaper_gain(position: Array) -> Array:
    cube = (position / 1000.0) ** 3
    return np.asarray(_REAPER_TOP_GAIN * (cube + cube**2) / 2.0)


def _db_position(value: Array) -> Array:
    """In a dB-linear lane "-inf" is the lane's lower end; a line cannot start infinitely far down."""
    return np.where(np.isneginf(value), SILENCE_DB, value)


DOMAINS: dict[str, Domain] = {
    "db": Domain(position=_db_position, db=lambda place: place, in_db=True),
    "gain": _gain_domain(lambda gain: gain, lambda place: place),
    "ardour_fader": _gain_domain(_ardour_position, _ardour_gain),
    "reaper_fader": _gain_domain(_reaper_position, _reaper_gain),
    "midi_cc": _gain_domain(lambda gain: 127.0 * np.sqrt(gain), lambda place: (place / 127.0) ** 2),
}


@dataclass(frozen=True)
class Shape:
    """How a segment gets from its first point (0) to its second (1)."""

    #: (fraction of the segment's time, a row of Bézier controls x1 y1 x2 y2 per fraction) -> fraction of its way.
    ease: Callable[[Array, Array], Array]
    #: (tension, the point's own controls or None, domain) -> Bézier controls; None where the shape has no such thing.
    controls: Callable[[float, tuple[float, float, float, float] | None, str], tuple[float, ...]] | None = None


def _unit_bezier(along: Array, controls: Array) -> Array:
    """y of the cubic Bézier (0,0) (x1,y1) (x2,y2) (1,1) where its x is `along`; x1 and x2 lie in 0…1.

    Bisection rather than a closed form: it cannot fail where the curve's x stands still, and 40 halvings reach 1e-12.
    """
    x1, y1, x2, y2 = controls.T

    def blend(u: Array, first: Array, second: Array) -> Array:
        return np.asarray(3.0 * (1.0 - u) ** 2 * u * first + 3.0 * (1.0 - u) * u**2 * second + u**3)

    low, high = np.zeros_like(along), np.ones_like(along)
    for _ in range(40):
        middle = (low + high) / 2.0
        left = blend(middle, x1, x2) < along
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return blend((low + high) / 2.0, y1, y2)


def _reaper_controls(tension: float, _: object, domain: str) -> tuple[float, ...]:
    """REAPER's Bézier for a tension of -1…1; on a fader-scaled lane (VOLTYPE 1) the controls' y differ."""
    slack = 1.0 - abs(tension)
    high, low = (7.0 / 8.0, 1.0 / 8.0) if domain == "reaper_fader" else (3.0 / 4.0, 1.0 / 4.0)
    controls = (slack / 4.0, 1.0 - high * slack, 3.0 * slack / 4.0, 1.0 - low * slack)
    if tension <= 0.0:
        return controls
    x1, y1, x2, y2 = controls
    return (1.0 - x2, 1.0 - y2, 1.0 - x1, 1.0 - y1)


def _own_controls(_: float, own: tuple[float, float, float, float] | None, __: str) -> tuple[float, ...]:
    assert own is not None, "a cubic point has controls: LoudnessCurve checks it"
    return own


#: The shape belongs to the point that a segment leaves. slow, fast_start, fast_end, bezier are REAPER's, cubic Live's.
SHAPES: dict[str, Shape] = {
    "linear": Shape(lambda f, _: f),
    "hold": Shape(lambda f, _: np.zeros_like(f)),
    "slow": Shape(lambda f, _: f * f * (3.0 - 2.0 * f)),
    "fast_start": Shape(lambda f, _: 1.0 - (1.0 - f) ** 3),
    "fast_end": Shape(lambda f, _: f**3),
    "bezier": Shape(_unit_bezier, _reaper_controls),
    "cubic": Shape(_unit_bezier, _own_controls),
}
