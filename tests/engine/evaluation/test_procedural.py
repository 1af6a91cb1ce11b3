"""The procedural Foley library in the ears of the judge of real recordings."""

import numpy as np
import pytest

from engine.evaluation.procedural import procedural_recognition, procedural_row
from engine.training.foley import FOLEY

REACHED = 0.61
MARGIN = 0.05
"""A judge trained anew hears a few sounds otherwise; a maker that lost its likeness costs more."""


@pytest.mark.slow
def test_the_judge_of_real_sounds_names_most_of_the_library() -> None:
    shares = procedural_recognition()
    assert set(shares) == set(FOLEY)
    figure = procedural_row(shares)
    assert figure.values["raw"] >= REACHED - MARGIN


def test_the_mean_is_over_classes_not_makers() -> None:
    shares = dict.fromkeys(FOLEY, 0.0) | {"rain": 1.0}
    classes = 15
    assert np.isclose(procedural_row(shares).values["raw"], 1 / classes)
