"""The curves that takes are asked to follow: measured from held-out recordings, and drawn by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.curve import CurvePoint, LoudnessCurve
from engine.evaluation.following import level_dbfs
from engine.evaluation.recordings import Recording

DURATION_S = 4.0
FRAME_S = 0.01
SILENCE_DB = -60.0


@dataclass(frozen=True)
class TestCurve:
    """A curve over :data:`DURATION_S` and where it is from."""

    name: str
    curve: LoudnessCurve
    source: str | None
    """Class of the recording it was measured from; None for one drawn by hand or without a class."""

    __test__ = False  # it is no test case, whatever its name says to pytest


def _value(db: float) -> float:
    return -np.inf if db <= SILENCE_DB else float(db)


def measured_curve(audio: np.ndarray) -> LoudnessCurve:
    """The level of a recording as a curve, its loudest tenth of a second at the reference.

    audio: (L,) at 48 kHz. Points stand at the frames' centres; what comes after the recording is silence.
    """
    level = level_dbfs(audio)[: round(DURATION_S / FRAME_S)]
    loudest = np.sort(level)[-min(10, len(level)) :].mean()
    points = [CurvePoint((i + 0.5) * FRAME_S, _value(db - loudest)) for i, db in enumerate(level)]
    end = (len(level) + 0.5) * FRAME_S
    if end < DURATION_S:
        points.append(CurvePoint(end, -np.inf))
    return LoudnessCurve(tuple(points))


def measured_curves(recordings: Sequence[Recording], count: int) -> list[TestCurve]:
    """Curves of ``count`` recordings of at least 1 s, of different groups first, the classes taking turns."""
    long = [r for r in recordings if len(r.audio) >= 48_000]
    groups: set[str] = set()
    turns: dict[str | None, int] = {}
    ranked: list[tuple[bool, int, int, Recording]] = []
    for place, recording in enumerate(long):
        again = recording.group in groups
        groups.add(recording.group)
        turns[recording.name] = turns.get(recording.name, -1) + 1
        ranked.append((again, turns[recording.name], place, recording))
    chosen = [recording for *_, recording in sorted(ranked, key=lambda entry: entry[:3])][:count]
    return [TestCurve(r.file, measured_curve(r.audio), r.name) for r in chosen]


def _hit(at_s: float, peak_db: float, fall_db_per_s: float, until_s: float) -> list[tuple[float, float, str]]:
    """Silence, an attack within 5 ms, and a straight decay in dB down to -60."""
    end = min(at_s + 0.005 + (peak_db - SILENCE_DB) / fall_db_per_s, until_s)
    left = peak_db - (end - at_s - 0.005) * fall_db_per_s
    attack = [(at_s, -np.inf, "hold"), (at_s + 0.001, -40.0, "linear"), (at_s + 0.005, peak_db, "linear")]
    return [*attack, (end, left, "linear")]


def _hits(times_s: Sequence[float], fall: float, peaks_db: Sequence[float]) -> list[tuple[float, float, str]]:
    points = [(0.0, -np.inf, "hold")] if times_s[0] > 0 else []
    for index, at_s in enumerate(times_s):
        until = times_s[index + 1] - 0.002 if index + 1 < len(times_s) else DURATION_S
        points += _hit(at_s, peaks_db[index % len(peaks_db)], fall, until)
    return [*points, (min(points[-1][0] + 0.002, DURATION_S), -np.inf, "hold")]


def _gate(edges_s: Sequence[float], db: float) -> list[tuple[float, float, str]]:
    """On at the first edge, off at the second, and so on."""
    points = [(0.0, -np.inf, "hold")]
    for index, edge in enumerate(edges_s):
        points.append((edge, db if index % 2 == 0 else -np.inf, "hold"))
    return points


def _lines(*points: tuple[float, float], shape: str = "linear") -> list[tuple[float, float, str]]:
    return [(time, db, shape) for time, db in points]


def _even(count: int, first: float, last: float) -> list[float]:
    return [float(t) for t in np.linspace(first, last, count)]


HAND_DRAWN: dict[str, Callable[[], list[tuple[float, float, str]]]] = {
    "flat": lambda: _lines((0, 0)),
    "flat, soft": lambda: _lines((0, -18)),
    "ramp up": lambda: _lines((0, -45), (4, 0)),
    "ramp up, steep at the end": lambda: _lines((0, -40), (3, -30), (4, 3)),
    "ramp down": lambda: _lines((0, 0), (4, -45)),
    "ramp down, quick": lambda: _lines((0, 0), (1.5, -50), (4, -59)),
    "two ramps": lambda: _lines((0, -40), (1.9, 0), (2, -40), (4, 0)),
    "slow S up": lambda: _lines((0, -42), (4, 0), shape="slow"),
    "fast start down": lambda: _lines((0, 0), (4, -50), shape="fast_start"),
    "fast end up": lambda: _lines((0, -50), (4, 0), shape="fast_end"),
    "swell": lambda: _lines((0, -40), (2, 0), (4, -40), shape="slow"),
    "early swell": lambda: _lines((0, -45), (1, 0), (4, -45), shape="slow"),
    "late swell": lambda: _lines((0, -45), (3.2, 0), (4, -45), shape="slow"),
    "three swells": lambda: _lines(*[(i * 2 / 3, -36 if i % 2 == 0 else 0) for i in range(7)], shape="slow"),
    "shallow swell": lambda: _lines((0, -18), (2, 0), (4, -18), shape="slow"),
    "growing swells": lambda: _lines((0, -40), (0.7, -20), (1.3, -40), (2, -10), (2.7, -40), (3.4, 0), (4, -40)),
    "one hit": lambda: _hits([0.5], 60, [0]),
    "one short hit": lambda: _hits([1.0], 200, [0]),
    "one hit, long ring": lambda: _hits([0.3], 18, [0]),
    "late hit": lambda: _hits([2.8], 90, [2]),
    "two hits": lambda: _hits([0.6, 2.4], 80, [0, -8]),
    "knock-knock-knock": lambda: _hits([0.5, 0.85, 1.2], 120, [0]),
    "footfall rhythm": lambda: _hits(_even(7, 0.2, 3.5), 110, [0, -5]),
    "running rhythm": lambda: _hits(_even(13, 0.1, 3.7), 150, [0, -3, -6]),
    "six falling hits": lambda: _hits(_even(6, 0.2, 3.4), 120, [0, -5, -10, -15, -20, -25]),
    "roll": lambda: _hits(_even(24, 0.4, 3.2), 180, [-4, -6, 0]),
    "one gate": lambda: _gate([0.8, 3.0], -3),
    "two gates": lambda: _gate([0.4, 1.4, 2.2, 3.6], 0),
    "short gates": lambda: _gate([0.3, 0.6, 1.2, 1.5, 2.1, 2.4, 3.0, 3.3], -6),
    "creak then slam": lambda: [
        (0.0, -60.0, "linear"), (0.4, -24.0, "linear"), (1.4, -18.0, "linear"), (1.9, -30.0, "hold"),
        (2.0, 3.0, "linear"), (2.6, -30.0, "linear"), (3.4, -60.0, "linear"),
    ],
    "passing by": lambda: _lines((0, -50), (1.2, -24), (1.9, 0), (2.1, 0), (2.8, -24), (4, -50)),
    "steps of a stair": lambda: [(i * 0.5, -42.0 + 6 * i, "hold") for i in range(8)],
}  # fmt: skip
"""Name -> points (time in s, dB, shape): ramps, swells, single and repeated hits, gates."""


def hand_drawn_curves(count: int | None = None, follow: str = "tight") -> list[TestCurve]:
    """The drawn shapes, or ``count`` of them spread over the kinds."""
    names = list(HAND_DRAWN)
    if count is not None:
        names = [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]
    curves = []
    for name in names:
        points = tuple(CurvePoint(time, _value(db), shape) for time, db, shape in HAND_DRAWN[name]())
        curves.append(TestCurve(name, LoudnessCurve(points, follow=follow), None))
    return curves


LOOSE_LINES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.0, 0.0),),
    ((0.0, -30.0), (4.0, 0.0)),
    ((0.0, 0.0), (4.0, -24.0)),
    ((0.0, -24.0), (2.0, 0.0), (4.0, -24.0)),
    ((0.0, -6.0), (1.5, -18.0), (3.0, -3.0), (4.0, -12.0)),
)


def loose_curves() -> list[TestCurve]:
    """Slow lines as they are drawn where the sound is to keep its own rhythm."""
    return [
        TestCurve(f"loose line {i + 1}", LoudnessCurve(tuple(CurvePoint(t, v) for t, v in line), follow="loose"), None)
        for i, line in enumerate(LOOSE_LINES)
    ]
