"""`drawaudio render`: a cue file in, takes out."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from bridge import whole_file
from bridge.errors import UserError
from bridge.progress import progress_bar
from bridge.render import check_files, check_folder, refused, render_cue, unheard
from bridge.take_writer import TakeFile
from engine.cue import Cue, CueError

NAME = "render"
HELP = "render a cue file to takes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cue", type=Path, metavar="CUE.json", help="the cue file")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("."), metavar="DIR", help="folder for the takes (default: here)"
    )
    parser.add_argument("--name", help="name of the files (default: the prompt)")
    parser.add_argument(
        "--plot", action="store_true", help="write a PNG beside each take: waveform, spectrogram, curve"
    )
    parser.add_argument("--stereo", action="store_true", help="two channels, whatever the cue says")
    parser.add_argument("--seed", type=int, help="seed of the first take instead of the cue's")
    parser.add_argument("--takes", type=int, help="number of takes instead of the cue's")
    add_engine_arguments(parser)


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that loads the generator."""
    parser.add_argument("--weights", type=Path, metavar="DIR", help="weights folder (default: the shipped one)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where to compute")


def run(args: argparse.Namespace) -> int:
    cue = read_cue(args.cue)
    changes: dict[str, object] = {
        name: getattr(args, name) for name in ("seed", "takes") if getattr(args, name) is not None
    }
    if args.stereo:
        changes["channels"] = 2
    try:
        cue = replace(cue, **changes)  # type: ignore[arg-type]
    except CueError as error:
        raise UserError(f"--{error}") from None
    render_and_tell(cue, args.output, name=args.name, plot=args.plot, weights=args.weights, device=args.device)
    return 0


def read_cue(path: Path) -> Cue:
    """The cue in a file whose own files are all there; raises `UserError` naming file and field."""
    try:
        cue = Cue.load(path)
        check_files(cue)
    except CueError as error:
        raise UserError(f"{path}: {error}") from None
    return cue


def render_and_tell(
    cue: Cue, folder: Path, *, name: str | None, plot: bool, weights: Path | None = None, device: str = "auto"
) -> list[TakeFile]:
    """Render `cue` into `folder`; paths go to stdout, everything said about them to stderr."""
    check_folder(folder)
    from engine.generator import Generator  # only now: it loads torch, and bad input is told at once

    generator = Generator.load(weights, device)
    note = unheard(generator, cue)
    if note:
        print(note, file=sys.stderr)
    with progress_bar(cue.prompt or "scene") as progress:
        files = render_cue(generator, cue, folder, name=name, progress=progress)
    for warning in dict.fromkeys(warning for file in files for warning in file.report.warnings):
        print(f"warning: {warning}", file=sys.stderr)
    for file in (part for take in files for part in (take, *take.stems)):
        print(file.path)
        if plot:
            print(write_plot(file))
    return files


def write_plot(file: TakeFile) -> Path:
    """The PNG beside a take; whole or absent, as the take itself."""
    from engine.plot import plot_take

    cue = Cue.from_json(json.loads(file.sidecar.read_text(encoding="utf-8"))["cue"])
    path = file.path.with_suffix(".png")
    try:
        target = whole_file.open_partial(path)
        try:
            plot_take(target, file.path, cue, file.report)
            whole_file.publish(target, path)
        except BaseException:
            whole_file.discard(target, path)
            raise
    except OSError as error:
        raise refused(path.parent, error) from error
    return path
