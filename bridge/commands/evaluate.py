"""`drawaudio evaluate`: every figure of the model card, measured."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.evaluation.report import Figure
    from engine.generator import Generator

NAME = "evaluate"
HELP = "measure the model on held-out recordings: codec, curve, prompts, speed"

FULL_LONG_S, QUICK_LONG_S = 600.0, 40.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="fewer takes and a shorter long take: under 2 minutes")
    parser.add_argument(
        "--video", action="store_true", help="the figures about the picture instead: masks, timing, tracking, cost"
    )
    parser.add_argument("--no-speed", action="store_true", help="leave out the rows on speed and memory")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("evaluation"),
        help="folder for evaluation.md (with --video: picture.md) and .json (default: %(default)s)",
    )
    parser.add_argument("--weights", type=Path, help="folder of weights (default: the shipped ones)")


def run(args: argparse.Namespace) -> int:
    from engine.evaluation import evaluate, report
    from engine.evaluation.procedural import procedural_recognition, procedural_row
    from engine.evaluation.recordings import data_folder
    from engine.generator import Generator
    from engine.models.store import WEIGHTS

    began = time.monotonic()
    data = data_folder()
    weights = args.weights or WEIGHTS
    plan = evaluate.QUICK if args.quick else evaluate.FULL

    def tell(text: str) -> None:
        print(f"\r{time.monotonic() - began:5.0f} s  {text:<50}", end="", file=sys.stderr, flush=True)

    generator = Generator.load(weights)
    if args.video:
        return _picture(generator, data, args, tell)
    speed: list[Figure] = []
    if not args.no_speed:
        tell("speed")
        speed = _speed(weights, QUICK_LONG_S if args.quick else FULL_LONG_S)
    measured = evaluate.evaluate(generator, generator.without_references(), weights, data, plan, tell)
    tell("procedural library")
    makers = procedural_recognition(plan.procedural_per_maker)
    figures = [*measured.figures, *speed, procedural_row(makers)]
    notes = _notes(args.quick, generator.models.sha256)
    path = report.write(args.out, figures, notes, {**measured.details, "procedural makers": makers})
    tell("done")
    print(file=sys.stderr)
    print(report.markdown(figures, notes))
    print(f"written to {path} and {path.with_suffix('.json')}")
    return 0


def _picture(generator: Generator, data: Path, args: argparse.Namespace, tell: Callable[[str], None]) -> int:
    """The table about the picture."""
    from engine.evaluation import picture, report

    figures = picture.evaluate_picture(generator, data, picture.QUICK if args.quick else picture.FULL, tell)
    seeing = "with" if generator.uses_video else "without"
    notes = [
        *_notes(args.quick, generator.models.sha256)[::2],
        f"weights {seeing} a Mask-Attention Module; scenes are held out by their objects' shapes and their backgrounds",
        "scenes count where the onset detector hears the events in both objects' true sounds (F1 of 0.9 or more)",
    ]
    path = report.write(args.out, figures, notes, {}, name="picture", columns=picture.COLUMNS)
    tell("done")
    print(file=sys.stderr)
    print(report.markdown(figures, notes, picture.COLUMNS))
    print(f"written to {path} and {path.with_suffix('.json')}")
    return 0


def _notes(quick: bool, sha256: str) -> list[str]:
    import torch

    return [
        f"weights {sha256[:16]}, {torch.get_num_threads()} CPU threads, torch {torch.__version__.split('+')[0]}",
        "held-out recordings only; the judge is trained on real training recordings and hears 2 s at a time",
        *(["a quick look: fewer takes than the full evaluation"] if quick else []),
    ]


def _speed(weights: Path, long_s: float) -> list[Figure]:
    """The rows on speed, each process measured alone."""
    from engine.evaluation.speed import TAKE_S, Speed, run_and_time, speed_cue, speed_rows

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cue = folder / "cue.json"
        cue.write_text(json.dumps(speed_cue(TAKE_S).to_json()), encoding="utf-8")
        render = [sys.executable, "-m", "bridge.cli", "render", str(cue), "-o", str(folder / "first")]
        start_s, memory_mb = run_and_time([*render, "--weights", str(weights)])
        # A fresh interpreter: a forked one would carry this process's memory along.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(_probe, weights, folder / "takes", long_s).result()
    return speed_rows(Speed(**found), start_s, memory_mb)


def _probe(weights: Path, folder: Path, long_s: float) -> dict[str, Any]:
    """Runs in the process of its own."""
    from bridge.render import render_cue
    from engine.evaluation.speed import probe

    return probe(weights, render_cue, folder, long_s)
