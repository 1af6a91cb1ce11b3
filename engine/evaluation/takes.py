"""The takes that are judged: every class asked for in its own words, on curves of other sounds and drawn ones."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.cue import Cue, Span
from engine.evaluation.curves import DURATION_S, TestCurve
from engine.spectral import SAMPLE_RATE
from engine.training.classes import CLASSES

FIRST_SEED = 1000


class RawAndFinal(Protocol):
    """What a generator must offer to be evaluated."""

    def render_raw_and_final(self, cue: Cue, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Two (takes, samples) arrays at 48 kHz: before and after the gain rider."""


@dataclass(frozen=True)
class Order:
    """One take to be made."""

    name: str
    """The class asked for."""
    prompt: str
    curve: TestCurve
    seed: int

    @property
    def cue(self) -> Cue:
        """The cue of this take, without a tail, so that every sample lies under the curve."""
        return Cue(self.prompt, Span(0, SAMPLE_RATE, DURATION_S), loudness=self.curve.curve, tail_s=0.0)


@dataclass(frozen=True)
class Answer:
    """One take as it was made: (L,) float32 at 48 kHz before and after the gain rider."""

    order: Order
    raw: np.ndarray
    final: np.ndarray


def orders(curves: Sequence[TestCurve], per_class: int) -> list[Order]:
    """``per_class`` takes of every class; curves go round so that all are used, none for its own class."""
    queue: deque[TestCurve] = deque()
    found = []
    for index in range(per_class):
        for place, (name, sound) in enumerate(CLASSES.items()):
            if not any(curve.source != name for curve in queue):
                queue.extend(curves)
            curve = next(curve for curve in queue if curve.source != name)
            queue.remove(curve)
            # A class's phrases lie in order of its kinds: a stride spreads the few that are asked for.
            prompt = sound.phrases[index * len(sound.phrases) // per_class]
            found.append(Order(name, prompt, curve, FIRST_SEED + index * len(CLASSES) + place))
    return found


def render(generator: RawAndFinal, wanted: Sequence[Order], tell: Callable[[int, int], None]) -> list[Answer]:
    """Make the takes one by one. tell: called with (done, all)."""
    answers = []
    for index, order in enumerate(wanted):
        raw, final = generator.render_raw_and_final(order.cue, [order.seed])
        answers.append(Answer(order, raw[0].astype(np.float32), final[0].astype(np.float32)))
        tell(index + 1, len(wanted))
    return answers


def shaped_noise(order: Order) -> np.ndarray:
    """White noise under the order's curve, sample by sample: (L,) float32. Follows well and is nothing."""
    count = round(DURATION_S * SAMPLE_RATE)
    times = (np.arange(count) + 0.5) / SAMPLE_RATE
    curve = order.curve.curve
    with np.errstate(over="ignore"):
        gain = 10 ** ((np.nan_to_num(curve.sample(times), nan=-np.inf) + curve.reference_dbfs) / 20)
    return np.asarray(gain * np.random.default_rng(order.seed).standard_normal(count), np.float32)
