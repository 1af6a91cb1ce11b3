"""Mixed use for a long time: no leak, no stuck job. DRAWAUDIO_SOAK_MINUTES=30 is the full length."""

from __future__ import annotations

import os

import pytest

from benchmarks.bridge import LIMITS, running, soak
from tests.bridge.small_renderer import small_renderer


@pytest.mark.slow
def test_soak() -> None:
    with running(small_renderer) as rig:
        figures = soak(rig, float(os.environ.get("DRAWAUDIO_SOAK_MINUTES", "0.5")))
    assert figures["soak_stuck_jobs"] == 0
    growth = figures["soak_rss_growth_mb"]
    assert isinstance(growth, float) and growth < LIMITS["soak_rss_growth_mb"]
