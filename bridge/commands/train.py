"""`drawaudio train`: make the weights anew."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bridge.errors import UserError

NAME = "train"
HELP = "train the models (codec, denoiser, Mask-Attention Module; a stage, or all in turn)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", help="which training; a wrong word lists them")
    parser.add_argument("--config", default="small", help="a configuration by name, or a JSON file (default: small)")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of recordings with index.csv, or a packed file (default: DRAWAUDIO_DATA/audio)",
    )
    parser.add_argument(
        "--work", type=Path, default=Path("runs"), help="checkpoints and logs; a run goes on from there (default: runs)"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="time budget of this call (default: 10)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where to compute")


def data_folder() -> Path:
    """The folder that DRAWAUDIO_DATA names; by default `shared` beside the checkout."""
    named = os.environ.get("DRAWAUDIO_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared"


def run(args: argparse.Namespace) -> int:
    data: Path = args.data or data_folder() / "audio"
    if not data.exists():
        raise UserError(f"{data}: no such data; name a folder of recordings with --data or DRAWAUDIO_DATA")
    if not args.minutes > 0:
        raise UserError(f"--minutes is {args.minutes:g}; give more than 0")
    from engine.models.store import pick_device
    from engine.training.cli import TRAININGS, Options

    if args.what not in TRAININGS:
        raise UserError(f"train: there is no training {args.what!r}; choose one of {', '.join(TRAININGS)}")
    options = Options(
        data=data, work=args.work, minutes=args.minutes, device=pick_device(args.device), config=args.config
    )
    try:
        TRAININGS[args.what](options)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: is missing; run the trainings before {args.what!r} first") from error
    return 0
