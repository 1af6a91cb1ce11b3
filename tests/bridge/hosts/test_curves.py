"""Lanes as curves: each host's own law, evaluated at the edges of a span."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.hosts.curves import cut, evaluate, lane_curve
from bridge.hosts.model import Lane, LanePoint

DOMAINS = ("gain", "ardour_fader", "reaper_fader", "db")
SHAPES = ("linear", "hold", "slow", "fast_start", "fast_end", "bezier", "cubic")


def lane(*points: LanePoint, domain: str = "gain", controls: str = "volume") -> Lane:
    return Lane(controls, points, domain=domain)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_span_keeps_the_course_of_the_line_it_cuts(domain: str, shape: str) -> None:
    control = (0.3, 0.9, 0.5, 0.95) if shape == "cubic" else None
    drawn = lane(LanePoint(1.0, 1.0, shape, -0.4, control), LanePoint(5.0, 0.1), domain=domain)
    whole, part = lane_curve(drawn, 0.0, 10.0), lane_curve(drawn, 2.0, 1.5)
    times = np.linspace(0.0, 1.499, 200)
    assert part.sample(times) == pytest.approx(whole.sample(times + 2.0), abs=0.01)
    assert part.points[0].time_s == 0.0 and part.points[-1].time_s == 1.5


def test_before_between_and_after_the_points() -> None:
    drawn = lane(LanePoint(1.0, 0.5), LanePoint(2.0, 1.0), LanePoint(2.0, 0.25))
    for start, wanted in ((0.0, 0.5), (1.5, 0.75), (2.0, 0.25), (7.0, 0.25)):
        curve = lane_curve(drawn, start, 0.5)
        assert 10 ** (curve.sample(np.array([0.0])) / 20) == pytest.approx([wanted])
    assert evaluate(drawn, 2.0, side="left") == pytest.approx(1.0)


def test_a_controller_is_its_square_as_gain() -> None:
    drawn = lane(LanePoint(0.0, 64 / 127, "hold"), LanePoint(1.0, 1.0, "hold"), domain="midi_cc", controls="cc7")
    assert lane_curve(drawn, 0.0, 2.0).sample(np.array([0.5, 1.5])) == pytest.approx([40 * np.log10(64 / 127), 0.0])


def test_live_draws_straight_lines_in_db_and_silence_is_its_lower_end() -> None:
    drawn = lane(LanePoint(0.0, 1.0), LanePoint(2.0, 0.1), LanePoint(4.0, 0.0), domain="db")
    assert lane_curve(drawn, 0.0, 4.0).sample(np.array([1.0, 3.0])) == pytest.approx([-10.0, -40.0])


def test_the_midpoints_of_the_design_page() -> None:
    middles = {"gain": -5.19, "ardour_fader": -8.14, "db": -10.0}
    for domain, wanted in middles.items():
        drawn = lane(LanePoint(0.0, 1.0), LanePoint(1.0, 0.1), domain=domain)
        assert lane_curve(drawn, 0.0, 1.0).sample(np.array([0.5])) == pytest.approx([wanted], abs=0.01)


@given(
    st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 2.0), st.sampled_from(SHAPES[:5])), min_size=1, max_size=8),
    st.floats(0.0, 20.0),
    st.floats(0.1, 10.0),
    st.sampled_from(DOMAINS),
)
def test_any_cut_is_in_order_and_fills_its_span(
    points: list[tuple[float, float, str]], start: float, length: float, domain: str
) -> None:
    drawn = lane(*(LanePoint(*point) for point in sorted(points, key=lambda point: point[0])), domain=domain)
    part = cut(drawn, start, start + length)
    times = [point.time_s for point in part]
    assert times == sorted(times) and times[0] == start and times[-1] == start + length
    assert all(np.isfinite(point.value) for point in part)
    lane_curve(drawn, start, length)
