"""The loudness curve against dense references of every host's law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curve import CurvePoint, LoudnessCurve
from engine.curve_laws import DOMAINS, SHAPES, SILENCE_DB, to_db

INF = math.inf


def line(domain: str, first: float, last: float, **point: object) -> LoudnessCurve:
    """One segment of a second between two values."""
    return LoudnessCurve((CurvePoint(0.0, first, **point), CurvePoint(1.0, last)), domain)  # type: ignore[arg-type]


def at(curve: LoudnessCurve, *times: float) -> list[float]:
    return [float(db) for db in curve.sample(np.array(times))]


# ------------------------------------------------------------------------------------------------------------ domains

#: Midpoint in dB of a straight line from 0 to -20 dB; the first three stand on the design page.
MIDPOINTS = {"gain": -5.193, "ardour_fader": -8.137, "db": -10.0, "reaper_fader": -8.821, "midi_cc": -7.268}


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_the_midpoint_of_a_straight_line_depends_on_the_domain(domain: str) -> None:
    ends = (0.0, -20.0) if domain == "db" else (1.0, 0.1)
    first, middle, last = at(line(domain, *ends), 0.0, 0.5, 1.0)
    assert first == pytest.approx(0.0, abs=1e-9)
    assert middle == pytest.approx(MIDPOINTS[domain], abs=1e-3)
    assert last == pytest.approx(-20.0, abs=1e-9)


@pytest.mark.parametrize(
    ("slider", "db"),
    [
        (1000.0, 12.0),
        (852.77445440699, 20.0 * math.log10(2.0)),
        (782.75892367871, 3.0),
        (716.21785031261, 0.0),
        (652.8388356, -3.0),
        (592.84833614363, -6.0),
        (483.94960711346, -12.0),
        (313.29868329181, -24.0),
        (170.98374287074, -40.0),
        (79.482342854382, -60.0),
        (25.138596785163, -90.0),
    ],
)
def test_reaper_fader_meets_the_values_that_reaper_reports(slider: float, db: float) -> None:
    law = DOMAINS["reaper_fader"]
    assert float(law.db(np.array([slider]))[0]) == pytest.approx(db, abs=1e-4)
    assert float(law.position(np.array([10.0 ** (db / 20.0)]))[0]) == pytest.approx(slider, abs=1e-3)


def test_ardour_fader_is_ardours_own_formula() -> None:
    for gain in (2.0, 1.0, 0.5, 0.1, 1e-3):
        position = ((6.0 * math.log2(gain) + 192.0) / 198.0) ** 8
        assert float(DOMAINS["ardour_fader"].position(np.array([gain]))[0]) == pytest.approx(position, rel=1e-12)
        assert float(DOMAINS["ardour_fader"].db(np.array([position]))[0]) == pytest.approx(
            20 * math.log10(gain), abs=1e-9
        )


def test_midi_controller_value_is_gain_by_its_square() -> None:
    law = DOMAINS["midi_cc"]
    controllers = np.arange(1, 128)
    assert np.allclose(law.position((controllers / 127.0) ** 2), controllers)
    assert np.allclose(law.db(controllers), 40.0 * np.log10(controllers / 127.0))


@pytest.mark.parametrize("domain", sorted(set(DOMAINS) - {"db"}))
@given(gain=st.floats(1e-6, 1000.0))
def test_position_and_level_are_each_others_inverse(domain: str, gain: float) -> None:
    law = DOMAINS[domain]
    place = law.position(np.array([gain]))
    assert float(law.db(place)[0]) == pytest.approx(20.0 * math.log10(gain), abs=1e-6)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_no_gain_is_silence_in_every_domain(domain: str) -> None:
    assert at(LoudnessCurve((CurvePoint(0.0, -INF),), domain), 0.0) == [-INF]
    if domain != "db":
        assert at(LoudnessCurve((CurvePoint(0.0, 0.0),), domain), 0.0) == [-INF]


# ------------------------------------------------------------------------------------------------------------- shapes


def reference_ease(
    shape: str, fraction: float, tension: float, control: tuple[float, ...] | None, domain: str
) -> float:
    """The shapes written down once more, one moment at a time, the Béziers by a dense polyline."""
    if shape in ("bezier", "cubic"):
        if shape == "cubic":
            assert control is not None
            x1, y1, x2, y2 = control
        else:
            b = 1.0 - abs(tension)
            y_low, y_high = (7 / 8, 1 / 8) if domain == "reaper_fader" else (3 / 4, 1 / 4)
            x1, y1, x2, y2 = b / 4, 1 - y_low * b, 3 * b / 4, 1 - y_high * b
            if tension > 0:
                x1, y1, x2, y2 = 1 - x2, 1 - y2, 1 - x1, 1 - y1
        u = np.linspace(0.0, 1.0, 20_001)
        weights = (3 * (1 - u) ** 2 * u, 3 * (1 - u) * u**2, u**3)
        x = weights[0] * x1 + weights[1] * x2 + weights[2]
        y = weights[0] * y1 + weights[1] * y2 + weights[2]
        return float(np.interp(fraction, x, y))
    return {
        "linear": fraction,
        "hold": 0.0,
        "slow": 3 * fraction**2 - 2 * fraction**3,
        "fast_start": 1 - (1 - fraction) ** 3,
        "fast_end": fraction**3,
    }[shape]


@pytest.mark.parametrize("shape", sorted(SHAPES))
@settings(max_examples=40)
@given(
    domain=st.sampled_from(["db", "reaper_fader"]),
    fraction=st.floats(0.01, 0.99),
    tension=st.floats(-0.95, 0.95),
    control=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_shapes_match_a_dense_reference(
    shape: str, domain: str, fraction: float, tension: float, control: tuple[float, float, float, float]
) -> None:
    own = control if shape == "cubic" else None
    curve = line("db", 0.0, 1.0, shape=shape, tension=tension, control=own)
    if domain == "reaper_fader":
        law = DOMAINS[domain]
        low, high = (float(10 ** (law.db(np.array([place]))[0] / 20)) for place in (500.0, 600.0))
        curve = line(domain, low, high, shape=shape, tension=tension, control=own)
    got = at(curve, fraction)[0]
    eased = reference_ease(shape, fraction, tension, own, domain)
    asked = eased if domain == "db" else float(DOMAINS[domain].db(np.array([500.0 + 100.0 * eased]))[0])
    # Where a Bézier stands nearly upright a polyline of 20,000 corners is itself no better than this.
    assert got == pytest.approx(asked, abs=2e-2 if shape in ("bezier", "cubic") else 1e-9)


def test_bezier_without_tension_is_straight_in_db_and_an_s_on_reapers_fader() -> None:
    assert at(line("db", 0.0, -20.0, shape="bezier"), 0.25)[0] == pytest.approx(-5.0, abs=1e-6)
    law = DOMAINS["reaper_fader"]
    low, high = (float(10 ** (law.db(np.array([place]))[0] / 20)) for place in (300.0, 700.0))
    quarter = at(line("reaper_fader", low, high, shape="bezier"), 0.25)[0]
    straight = at(line("reaper_fader", low, high), 0.25)[0]
    assert quarter < straight - 0.5


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"cubic", "hold"}))
@given(tension=st.floats(-1.0, 1.0), first=st.floats(-50.0, 0.0), last=st.floats(-50.0, 0.0))
@settings(max_examples=30)
def test_every_shape_starts_and_ends_at_its_points_and_never_turns(
    shape: str, tension: float, first: float, last: float
) -> None:
    curve = line("db", first, last, shape=shape, tension=tension)
    db = curve.sample(np.linspace(0.0, 1.0, 101))
    assert db[0] == pytest.approx(first, abs=1e-6) or abs(tension) == 1.0
    assert db[-1] == last
    steps = np.diff(db) * (1.0 if last >= first else -1.0)
    assert (steps >= -1e-9).all()


# -------------------------------------------------------------------------------------------- times, silence, undrawn


def test_first_and_last_values_are_held() -> None:
    curve = LoudnessCurve((CurvePoint(1.0, -6.0), CurvePoint(2.0, -12.0)))
    assert at(curve, 0.0, 0.999, 1.0, 2.0, 99.0) == [-6.0, -6.0, -6.0, -12.0, -12.0]


def test_points_at_one_time_are_a_step_and_the_later_counts_from_there() -> None:
    curve = LoudnessCurve((CurvePoint(0.0, -30.0), CurvePoint(1.0, -30.0), CurvePoint(1.0, -3.0), CurvePoint(1.0, 0.0)))
    assert at(curve, 0.999999, 1.0, 1.1) == pytest.approx([-30.0, 0.0, 0.0])


def test_undrawn_until_the_next_point_and_held_towards_it() -> None:
    points = (CurvePoint(0.0, -6.0), CurvePoint(1.0, None), CurvePoint(2.0, -12.0), CurvePoint(3.0, None))
    db = at(LoudnessCurve(points), 0.5, 1.0, 1.99, 2.0, 2.5, 3.0, 9.0)
    assert db[0] == -6.0
    assert db[3:5] == [-12.0, -12.0]
    assert all(math.isnan(db[index]) for index in (1, 2, 5, 6))


def test_at_and_below_sixty_db_down_is_silence() -> None:
    db = at(line("db", -70.0, 0.0), 0.0, 0.1, 1.0 / 7.0, 0.2)
    assert db[:3] == [-INF, -INF, -INF]
    assert db[3] == pytest.approx(-56.0)
    # A line from "-inf" rises from the threshold of silence: infinity has no slope.
    assert at(line("db", -INF, 0.0), 0.0, 0.5) == [-INF, pytest.approx(-30.0)]


@given(st.lists(st.floats(-5.0, 15.0), max_size=20), st.integers(1, 4))
def test_sampling_keeps_shape_and_order_of_what_it_is_asked(times: list[float], rows: int) -> None:
    curve = LoudnessCurve((CurvePoint(0.0, -40.0, "slow"), CurvePoint(4.0, 0.0, "fast_end"), CurvePoint(9.0, -20.0)))
    asked = np.array([times] * rows).reshape(rows, len(times))
    got = curve.sample(asked)
    assert got.shape == asked.shape
    for index, time_s in enumerate(times):
        assert got[0, index] == at(curve, time_s)[0]


# -------------------------------------------------------------------------------------------------------- asked level


def dense_level(curve: LoudnessCurve, frames: int, start_s: float) -> np.ndarray:
    """The definition of the asked level, sample by sample."""
    level = np.empty(frames)
    for frame in range(frames):
        moments = start_s + (480 * frame - 240 + np.arange(960)) / 48_000
        with np.errstate(divide="ignore"):
            level[frame] = 10.0 * np.log10(np.mean(10.0 ** (curve.sample(moments) / 10.0))) + curve.reference_dbfs
    return np.maximum(level, -80.0)


@settings(max_examples=25, deadline=None)
@given(
    times=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
    domain=st.sampled_from(sorted(DOMAINS)),
    start_s=st.floats(-0.2, 0.2),
)
def test_asked_level_is_the_mean_power_of_the_window(
    times: list[float], seed: int, domain: str, start_s: float
) -> None:
    rng = np.random.default_rng(seed)
    points = []
    for time_s in sorted(times):
        value: float | None = float(rng.uniform(-60, 10) if domain == "db" else rng.uniform(0, 2))
        value = rng.choice(np.array([value, value, value, None, -INF], dtype=object))
        shape = str(rng.choice(sorted(set(SHAPES) - {"cubic"})))
        points.append(CurvePoint(time_s, value, shape, float(rng.uniform(-1, 1))))
    curve = LoudnessCurve(tuple(points), domain)
    # Deep in a notch forty spots per 10 ms part from every sample by some hundredths of a dB.
    ours, dense = (np.maximum(x, -70) for x in (curve.level_dbfs(40, start_s), dense_level(curve, 40, start_s)))
    np.testing.assert_allclose(ours, dense, atol=0.02)


def test_asked_level_adds_the_reference_and_has_a_floor() -> None:
    assert LoudnessCurve((CurvePoint(0.0, -6.0),), reference_dbfs=-30.0).level_dbfs(3) == pytest.approx([-36.0] * 3)
    assert LoudnessCurve((CurvePoint(0.0, -INF),)).level_dbfs(3) == pytest.approx([-80.0] * 3)


def test_asked_level_of_a_gate_is_exact_to_the_sample() -> None:
    # The gate opens at sample 480: frame 1's window is samples 240…1200, of which 720 are loud.
    curve = LoudnessCurve((CurvePoint(0.0, -INF, "hold"), CurvePoint(0.01, 0.0)))
    level = curve.level_dbfs(3)
    assert level[0] == pytest.approx(-20.0 + 10 * math.log10(240 / 960), abs=1e-9)
    assert level[1] == pytest.approx(-20.0 + 10 * math.log10(720 / 960), abs=1e-9)
    assert level[2] == pytest.approx(-20.0, abs=1e-9)


# -------------------------------------------------------------------------------------------------------- simplifying


def test_a_captured_ramp_becomes_its_two_ends() -> None:
    times = np.linspace(0.0, 4.0, 400)
    captured = LoudnessCurve(tuple(CurvePoint(float(t), float(-40.0 + 10.0 * t)) for t in times))
    assert [point.time_s for point in captured.simplified(0.1).points] == [0.0, 4.0]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31), error=st.floats(0.05, 2.0), domain=st.sampled_from(["db", "midi_cc", "ardour_fader"])
)
def test_simplified_stays_within_the_error(seed: int, error: float, domain: str) -> None:
    rng = np.random.default_rng(seed)
    db = np.clip(np.cumsum(rng.normal(0, 1.5, 200)) - 20.0, -50.0, 6.0)
    values = db if domain == "db" else 10.0 ** (db / 20.0)
    captured = LoudnessCurve(tuple(CurvePoint(0.02 * i, float(v)) for i, v in enumerate(values)), domain)
    simple = captured.simplified(error)
    moments = np.linspace(0.0, 4.0, 1501)
    assert np.abs(simple.sample(moments) - captured.sample(moments)).max() <= error + 0.02
    assert len(simple.points) < len(captured.points) or error < 0.5


def test_simplified_keeps_steps_silences_and_undrawn_spans() -> None:
    points = (
        CurvePoint(0.0, -INF, "hold"),
        CurvePoint(1.0, -6.0, "hold"),
        CurvePoint(2.0, None),
        CurvePoint(3.0, -12.0),
        CurvePoint(4.0, -3.0, "slow"),
        CurvePoint(5.0, -40.0),
    )
    curve = LoudnessCurve(points)
    simple = curve.simplified(0.1)
    moments = np.array([0.5, 0.999, 1.0, 1.5, 1.999, 2.0, 2.5, 2.999, 3.0, 3.5, 4.0, 4.5, 5.0, 9.0])
    np.testing.assert_allclose(simple.sample(moments), curve.sample(moments), atol=0.11)


def test_level_and_silence_agree_on_the_threshold() -> None:
    assert to_db(np.array([10.0 ** (SILENCE_DB / 20.0)]))[0] == pytest.approx(SILENCE_DB)
