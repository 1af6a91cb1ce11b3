"""Which of several peaks count, where two of them lie too close together."""

import numpy as np


def apart(found: np.ndarray, heights: np.ndarray, step_s: float, apart_s: float) -> np.ndarray:
    """The indices of ``found`` that lie at least ``apart_s`` from every higher one kept, in order.

    found: (peaks,) indices into heights (steps,), of which each lasts ``step_s``.
    """
    kept: list[int] = []
    for index in found[np.argsort(-heights[found], kind="stable")]:
        if all(abs(index - other) * step_s >= apart_s for other in kept):
            kept.append(int(index))
    return np.sort(np.array(kept, int))
