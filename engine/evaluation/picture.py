"""The table about the picture: masks that choose, timing from the picture alone, curves drawn from it, and its cost."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from engine.cue import Cue, MaskPrompt, Span, VideoRef
from engine.errors import MissingModel
from engine.evaluation import following
from engine.evaluation.classifier import Classifier
from engine.evaluation.curves import DURATION_S, hand_drawn_curves, measured_curves
from engine.evaluation.evaluate import accuracy, by_class
from engine.evaluation.onsets import chance, onsets, score
from engine.evaluation.recordings import held_out
from engine.evaluation.report import Figure
from engine.evaluation.takes import orders
from engine.evaluation.video import (
    CLEAR_HITS,
    RATE,
    SCENE_WITHIN_S,
    UNTUNED,
    Asked,
    ClipFigures,
    asked_objects,
    first_box,
    real_clips,
    share_near,
    tracking,
)
from engine.footage import footage
from engine.generator import Generator
from engine.models.contacts import ContactReader
from engine.models.visual import see
from engine.training.scenes import make_scene
from engine.video_writer import write_video

Tell = Callable[[str], None]

COLUMNS = {
    "take": "take",
    "removed": "mask removed",
    "alone": "no curve at all",
    "truth": "true sound",
    "plain": "frame difference",
    "chance": "chance",
}
"""Column -> its heading."""

FIRST_SEED = 2000
TRACKED_SCENES = tuple(range(500, 508))
"""Held-out scenes for the tracker; none of those that masks are asked of."""
COST_S = 8.0


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    scenes: int
    """Of two objects; each of the two is asked for in turn."""
    takes_per_class: int
    """With and without a video, on drawn curves."""
    tracked: int


FULL = Plan(16, 2, len(TRACKED_SCENES))
QUICK = Plan(3, 1, 2)


def evaluate_picture(generator: Generator, data: Path, plan: Plan, tell: Tell) -> list[Figure]:
    """Measure what the picture does to a generator's takes. data: the recordings; the clips lie beside in `video`.

    Raises MissingModel with one line where the clips are not there.
    """
    clips = data.parent / "video"
    for name in (*CLEAR_HITS, *UNTUNED):
        if not (clips / f"{name}.mp4").exists():
            raise MissingModel(f"{clips / name}.mp4: is not there; name the data folder with DRAWAUDIO_DATA")
    with TemporaryDirectory() as name:
        folder = Path(name)
        tell("scenes: masks that choose")
        asked = list(asked_objects(folder, plan.scenes))
        figures = _scene_rows(generator, asked, tell)
        tell("real clips")
        figures += _clip_rows(clips, generator.models.contacts)
        tell("tracking")
        figures.append(_tracking_row(plan.tracked))
        tell("takes with and without a video")
        figures += _beside_rows(generator, data, asked[0], plan.takes_per_class)
        tell("cost")
        figures += _cost_rows(folder)
    return figures


# -- scenes -----------------------------------------------------------------------------------------


def _heard(generator: Generator, asked: Asked, masks: tuple[MaskPrompt, ...], seed: int, *, drawn: bool) -> np.ndarray:
    """A take of a scene in the words of the asked object: (samples,) at 48 kHz.

    drawn: with the curve that `render` draws from the picture where the cue has none, else by the module alone.
    """
    caption = asked.scene.objects[asked.number].caption
    span = Span(0, RATE, asked.scene.duration_s)
    cue = Cue(caption, span, video=VideoRef(str(asked.path)), masks=masks, tail_s=0.0)
    if drawn:
        cue, _ = generator.with_curve(cue)
    return np.asarray(generator.render_raw_and_final(cue, [seed])[1][0])


def _scene_rows(generator: Generator, asked: Sequence[Asked], tell: Tell) -> list[Figure]:
    takes: dict[str, list[np.ndarray]] = {"take": [], "moved": [], "removed": [], "alone": [], "truth": []}
    for index, thing in enumerate(asked):
        tell(f"scenes: object {index + 1} of {len(asked)}")
        masks = {"take": (thing.mask,), "moved": (thing.other.mask,), "removed": ()}
        for column, wanted in masks.items():
            takes[column].append(_heard(generator, thing, wanted, FIRST_SEED + index, drawn=True))
        takes["alone"].append(_heard(generator, thing, masks["take"], FIRST_SEED + index, drawn=False))
        takes["truth"].append(thing.truth)

    def shares(column: str, *, other: bool) -> float:
        # With the mask moved the two have changed places: an event of both counts as that of the masked one.
        masked = [thing.other if column == "moved" else thing for thing in asked]
        found = [
            share_near(audio, thing.others_s if other else thing.events_s)
            for audio, thing in zip(takes[column], masked, strict=True)
        ]
        heard = [share for share in found if share is not None]
        return float(np.mean(heard)) if heard else 0.0

    def f1(column: str) -> float:
        pairs = zip(takes[column], asked, strict=True)
        return float(np.mean([score(onsets(audio, RATE), thing.events_s, SCENE_WITHIN_S).f1 for audio, thing in pairs]))

    thrown = [
        chance(onsets(audio, RATE), thing.events_s, thing.scene.duration_s, SCENE_WITHIN_S, draws=50)
        for audio, thing in zip(takes["take"], asked, strict=True)
    ]
    beside = ("take", "removed", "alone", "truth")
    on_it = f"{len(asked)} takes of held-out scenes of two, mask on one: onsets within ±60 ms of"
    moved = "same words, mask moved to the other: onsets within ±60 ms of"
    return [
        Figure(f"{on_it} its events", {c: shares(c, other=False) for c in beside}, limits={"take": (">=", 0.85)}),
        Figure(f"{on_it} the other's", {c: shares(c, other=True) for c in beside}, limits={"take": ("<=", 0.10)}),
        Figure(f"{moved} the other's events", {"take": shares("moved", other=False)}, limits={"take": (">=", 0.85)}),
        Figure(f"{moved} those of the first", {"take": shares("moved", other=True)}, limits={"take": ("<=", 0.10)}),
        Figure(
            "the same takes, no curve but the picture's: F1 of onsets at ±60 ms",
            {c: f1(c) for c in beside} | {"chance": float(np.mean(thrown))},
            limits={"take": (">=", 0.85)},
        ),
    ]


# -- curves from the picture, tracking --------------------------------------------------------------


def _clip_rows(folder: Path, reader: ContactReader) -> list[Figure]:
    def means(clips: Sequence[ClipFigures]) -> dict[str, float]:
        columns = {"take": "f1", "plain": "frame_difference", "chance": "chance"}
        return {column: float(np.mean([getattr(clip, field) for clip in clips])) for column, field in columns.items()}

    tuned, others = real_clips(folder, reader, CLEAR_HITS), real_clips(folder, reader, UNTUNED)
    what = "hits of the curve drawn from real clips against the soundtrack's onsets, F1 at ±100 ms"
    return [
        Figure(f"{what}: the {len(tuned)} clips it was tuned on", means(tuned), limits={"take": (">=", 0.6)}),
        *(Figure(f"… {clip.name}", means([clip])) for clip in tuned),
        *(Figure(f"… {clip.name}, not tuned on", means([clip])) for clip in others),
    ]


def _tracking_row(scenes: int) -> Figure:
    found = tracking(TRACKED_SCENES[:scenes])
    what = f"tracking: mean IoU over 5 s of a box drawn on the first frame, {len(found)} held-out objects"
    return Figure(what, {"take": float(np.mean(found))}, limits={"take": (">=", 0.7)})


# -- a video beside a drawn curve -------------------------------------------------------------------


def _beside_rows(generator: Generator, data: Path, asked: Asked, per_class: int) -> list[Figure]:
    """The first table's figures on a part of its orders, with a video of something else present and without."""
    wanted = orders(measured_curves(held_out(data), 24) + hand_drawn_curves(16), per_class)
    judge, names = Classifier.load(), [order.name for order in wanted]
    found: dict[str, dict[str, float]] = {}
    for column, video in {"take": VideoRef(str(asked.path)), "removed": None}.items():
        takes = [generator.render_raw_and_final(replace(order.cue, video=video), [order.seed]) for order in wanted]
        curves = [order.curve.curve for order in wanted]
        raw, final = (
            [following.tight(take[which][0].astype(np.float32), c) for take, c in zip(takes, curves, strict=True)]
            for which in (0, 1)
        )
        heard = judge.judge([take[1][0].astype(np.float32) for take in takes]).names
        found[column] = {
            "raw error": following.mean_error_db([take.errors_db for take in raw]),
            "final error": following.mean_error_db([take.errors_db for take in final]),
            "final r": following.median_r(final) or 0.0,
            "accuracy": accuracy(by_class(names, heard)),
        }
    seen, blind = found["take"], found["removed"]
    limits = {
        "raw error": ("<=", 1.05 * blind["raw error"]),
        "final error": ("<=", 1.05 * blind["final error"]),
        "final r": (">=", 0.95 * blind["final r"]),
        "accuracy": (">=", 0.95 * blind["accuracy"]),
    }
    units = {"raw error": "dB", "final error": "dB", "final r": "", "accuracy": ""}
    return [
        Figure(
            f"{len(wanted)} takes of {DURATION_S:g} s on drawn curves, a video beside them (removed: none): {name}",
            {"take": seen[name], "removed": blind[name]},
            units[name],
            {"take": limits[name]},
        )
        for name in units
    ]


# -- cost -------------------------------------------------------------------------------------------


def _cost_rows(folder: Path) -> list[Figure]:
    """Seconds for 8 s of 1080p30 with one tracked box: decoding, tracking, flow and features."""
    scene = replace(make_scene(900, duration_s=COST_S, held_out=True), rate=Fraction(30))
    pictures = ((time_s, cv2.resize(image, (1920, 1080))) for time_s, image in scene.pictures())
    path = write_video(folder / "cost.mp4", pictures)
    spent = []
    for _ in range(2):
        began = time.perf_counter()
        see(footage(path, 0.0, COST_S, (first_box(scene, 0),)))
        spent.append(time.perf_counter() - began)
    return [
        Figure("cost of 8 s of 1080p30 with a tracked box", {"take": spent[0]}, "s", {"take": ("<=", 3.0)}),
        Figure("… again, as for a part made anew", {"take": spent[1]}, "s", {"take": ("<=", 0.1)}),
    ]
