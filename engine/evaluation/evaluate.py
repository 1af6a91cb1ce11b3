"""The whole evaluation but for speed: codec, following, prompts, distance, seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.evaluation import codec as codec_figures
from engine.evaluation import following
from engine.evaluation.classifier import Classifier, Verdict
from engine.evaluation.curves import hand_drawn_curves, loose_curves, measured_curves
from engine.evaluation.fad import frechet_distance
from engine.evaluation.recordings import Recording, held_out, matched_training
from engine.evaluation.report import Figure
from engine.evaluation.takes import Answer, Order, RawAndFinal, orders, render, shaped_noise
from engine.models.codec import Codec
from engine.training.classes import CLASSES

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    takes_per_class: int
    measured_curves: int
    drawn_curves: int
    loose_takes: int
    codec_recordings: int
    """Per class."""
    procedural_per_maker: int


FULL = Plan(8, 64, 32, 20, 12, 4)
QUICK = Plan(2, 24, 16, 5, 2, 1)


@dataclass(frozen=True)
class Measured:
    """All figures, and the details behind them."""

    figures: list[Figure]
    details: dict[str, object]


def by_class(names: Sequence[str], heard: Sequence[str]) -> dict[str, float]:
    """Share named rightly per class that occurs. names: what they are, heard: what the judge says."""
    pairs = list(zip(names, heard, strict=True))
    return {
        name: float(np.mean([guess == name for true, guess in pairs if true == name]))
        for name in CLASSES
        if name in names
    }


def accuracy(shares: Mapping[str, float]) -> float:
    """Mean over classes, so that a class with many recordings counts no more than one with few."""
    return float(np.mean(list(shares.values())))


def evaluate(generator: RawAndFinal, alone: RawAndFinal, weights: Path, data: Path, plan: Plan, tell: Tell) -> Measured:
    """Measure a generator. weights: its folder, for the codec in full precision; data: folder of the recordings.

    alone: the same networks without references, to show what those do.
    """
    real = held_out(data)
    judge = Classifier.load()

    tell("codec: round trips")
    trips = _round_trips(weights, real, plan.codec_recordings)
    figures = _codec_rows(trips)

    curves = measured_curves(real, plan.measured_curves) + hand_drawn_curves(plan.drawn_curves)
    wanted = orders(curves, plan.takes_per_class)
    answers = render(generator, wanted, lambda done, total: tell(f"takes: {done} of {total}"))
    noise = [shaped_noise(order) for order in wanted]
    figures += _tight_rows(answers, noise)

    tell("loose takes")
    figures += _loose_rows(generator, plan.loose_takes)

    tell("the judge listens")
    rows, details = _content_rows(judge, answers, noise, real, trips, data, plan.takes_per_class)
    figures += rows

    tell("takes without references")
    figures.append(_alone_row(judge, alone, orders(curves, -(-plan.takes_per_class // 2))))

    tell("seeds")
    figures.append(_seed_row(generator, wanted[0]))
    return Measured(figures, details)


# -- codec ------------------------------------------------------------------------------------------


def _round_trips(weights: Path, real: Sequence[Recording], per_class: int) -> list[codec_figures.RoundTrip]:
    """Round trips of held-out recordings, at most so many of a class."""
    codec = Codec.from_pretrained(weights / "codec", torch_dtype=torch.float32).eval()
    seen: dict[str | None, int] = {}
    trips = []
    for index, recording in enumerate(real):
        seen[recording.name] = seen.get(recording.name, 0) + 1
        if seen[recording.name] <= per_class:
            trips.append(codec_figures.round_trip(codec, recording, seed=index))
    return trips


def _codec_rows(trips: Sequence[codec_figures.RoundTrip]) -> list[Figure]:
    distance = codec_figures.distances(trips)
    hits = codec_figures.attacks(trips)
    tones = codec_figures.tones(trips)
    long = [trip for trip in trips if len(trip.unit) >= 24_000]
    modulation, bias = codec_figures.modulation_difference_db([(t.recording.audio, t.heard) for t in long])
    return [
        Figure("codec: energy distance over six windows", {"codec": distance.energy}, limits={"codec": ("<=", 0.22)}),
        Figure("codec: d(original, draw) / d(draw, draw)", {"codec": distance.ratio}, limits={"codec": ("<=", 1.15)}),
        Figure(
            f"codec: rise time of {hits.hits} hits, median difference",
            {"codec": hits.difference_ms},
            "ms",
            {"codec": ("<=", 3.0)},
        ),
        Figure("codec: rise time, median", {"real": hits.original_ms, "codec": hits.round_trip_ms}, "ms"),
        Figure("codec: modulation spectra per band, mean absolute difference", {"codec": modulation}, "dB"),
        Figure("codec: modulation depth against the original's", {"real": 0.0, "codec": bias}, "dB"),
        Figure("codec: tonality of tonal sounds", {"real": tones.original_db, "codec": tones.round_trip_db}, "dB"),
    ]


# -- curve ------------------------------------------------------------------------------------------


def _tight_rows(answers: Sequence[Answer], noise: Sequence[np.ndarray]) -> list[Figure]:
    found = {
        "raw": [following.tight(answer.raw, answer.order.curve.curve) for answer in answers],
        "final": [following.tight(answer.final, answer.order.curve.curve) for answer in answers],
        "noise": [following.tight(x, answer.order.curve.curve) for x, answer in zip(noise, answers, strict=True)],
    }
    r = {column: following.median_r(takes) for column, takes in found.items()}
    errors = {column: following.mean_error_db([take.errors_db for take in takes]) for column, takes in found.items()}
    varied = sum(take.r is not None for take in found["raw"])
    return [
        Figure(
            f"tight: Pearson r of dB levels, median of {varied} takes on varied curves",
            {column: value for column, value in r.items() if value is not None},
            limits={"raw": (">=", 0.95), "final": (">=", 0.98)},
        ),
        Figure(
            f"tight: mean absolute error, {len(answers)} takes",
            errors,
            "dB",
            {"raw": ("<=", 2.5), "final": ("<=", 0.8)},
        ),
    ]


def _loose_rows(generator: RawAndFinal, takes: int) -> list[Figure]:
    curves = loose_curves()
    lines = orders(curves, -(-takes // len(CLASSES)))
    # Evenly over the classes where there are fewer takes than classes.
    chosen = [lines[i] for i in np.linspace(0, len(lines) - 1, takes).round().astype(int)]
    answers = render(generator, chosen, lambda *_: None)
    raw = [following.loose(answer.raw, answer.order.curve.curve) for answer in answers]
    final = [following.loose(answer.final, answer.order.curve.curve) for answer in answers]
    kept = [b.inner_std_db / max(a.inner_std_db, 1e-6) for a, b in zip(raw, final, strict=True)]
    return [
        Figure(
            f"loose: running maximum against the line, mean absolute error, {takes} takes",
            {
                "raw": following.mean_error_db([take.errors_db for take in raw]),
                "final": following.mean_error_db([take.errors_db for take in final]),
            },
            "dB",
            {"final": ("<=", 1.5)},
        ),
        Figure(
            "loose: inner level's std over the raw take's, median",
            {"raw": 1.0, "final": float(np.median(kept))},
            limits={"final": (">=", 0.8)},
        ),
    ]


# -- content ----------------------------------------------------------------------------------------


def _content_rows(
    judge: Classifier,
    answers: Sequence[Answer],
    noise: Sequence[np.ndarray],
    real: Sequence[Recording],
    trips: Sequence[codec_figures.RoundTrip],
    data: Path,
    per_class: int,
) -> tuple[list[Figure], dict[str, object]]:
    known = [recording for recording in real if recording.name]
    named_trips = [trip for trip in trips if trip.recording.name]
    asked = [answer.order.name for answer in answers]
    verdicts: dict[str, tuple[list[str], Verdict]] = {
        "raw": (asked, judge.judge([answer.raw for answer in answers])),
        "final": (asked, judge.judge([answer.final for answer in answers])),
        "real": ([str(r.name) for r in known], judge.judge([r.audio for r in known])),
        "codec": ([str(t.recording.name) for t in named_trips], judge.judge([t.heard for t in named_trips])),
        "noise": (asked, judge.judge(noise)),
    }
    shares = {column: by_class(names, verdict.names) for column, (names, verdict) in verdicts.items()}
    right = {column: accuracy(share) for column, share in shares.items()}
    reference = verdicts["real"][1].embedding
    distance = {
        column: frechet_distance(v.embedding, reference) for column, (_, v) in verdicts.items() if column != "real"
    }
    others = judge.judge([recording.audio for recording in matched_training(data, per_class)])
    distance["real"] = frechet_distance(others.embedding, reference)
    figures = [
        Figure(f"prompt: accuracy of the judge, mean of {len(shares['real'])} classes", right),
        Figure(
            "prompt: accuracy over that on real recordings",
            {column: value / max(right["real"], 1e-3) for column, value in right.items()},
            limits={"final": (">=", 0.8), "noise": ("<=", 0.3)},
        ),
        Figure("FAD in the judge's embedding, to real held-out recordings", distance),
        Figure(
            "FAD over that of class-matched real training recordings",
            {column: value / distance["real"] for column, value in distance.items()},
            limits={"final": ("<=", 3.0)},
        ),
    ]
    details: dict[str, object] = {
        "accuracy per class": shares,
        "takes": [
            {
                "class": answer.order.name,
                "prompt": answer.order.prompt,
                "curve": answer.order.curve.name,
                "heard as": heard,
            }
            for answer, heard in zip(answers, verdicts["final"][1].names, strict=True)
        ],
    }
    return figures, details


def _alone_row(judge: Classifier, alone: RawAndFinal, wanted: Sequence[Order]) -> Figure:
    """What the networks know without the recordings that takes start from."""
    answers = render(alone, wanted, lambda *_: None)
    raw, final = (
        accuracy(by_class([order.name for order in wanted], judge.judge(sounds).names))
        for sounds in ([answer.raw for answer in answers], [answer.final for answer in answers])
    )
    return Figure(f"prompt: the same without references, {len(wanted)} takes", {"raw": raw, "final": final})


# -- seeds ------------------------------------------------------------------------------------------


def _seed_row(generator: RawAndFinal, order: Order) -> Figure:
    same = [generator.render_raw_and_final(order.cue, [order.seed])[1] for _ in range(2)]
    other = generator.render_raw_and_final(order.cue, [order.seed + 1])[1]
    alike = bool(np.array_equal(same[0], same[1]))
    # Two takes on one curve share its envelope but not their waveforms.
    differ = abs(float(np.corrcoef(same[0][0], other[0])[0, 1])) < 0.5
    return Figure(
        "same seed is bit-identical, another seed differs", {"final": alike and differ}, limits={"final": ("==", True)}
    )
