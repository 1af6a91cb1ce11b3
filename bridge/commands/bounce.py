"""`drawaudio bounce`: every cue of a project file to takes and a mix per track, without a DAW running."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.bounce_plan import Plan, plan
from bridge.commands.render import add_engine_arguments
from bridge.hosts import read_project
from bridge.hosts.model import one_line
from bridge.hosts.time_axis import clock
from bridge.hosts.write_back import check_writable, write_copy
from bridge.progress import progress_bar
from bridge.render import check_folder, unheard

if TYPE_CHECKING:
    from bridge.bounce import Bounce

NAME = "bounce"
HELP = "render the regions of a DAW's project file to takes and mixes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="project file: .rpp, .ardour, .dawproject, …")
    parser.add_argument(
        "--track", metavar="NAME", help="only this track's regions; its lane draws those without a track"
    )
    parser.add_argument("--region", metavar="NAME", help="only the region of this name, selected or not")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help='folder for takes and mixes (default: "PROJECT takes")'
    )
    parser.add_argument(
        "--write-back", action="store_true", help="also write a copy of the project with the takes on new tracks"
    )
    add_engine_arguments(parser)


def run(args: argparse.Namespace) -> int:
    project = read_project(args.project)
    wanted = plan(project, track=args.track, region=args.region)
    folder = args.output or args.project.with_name(f"{args.project.stem} takes")
    check_folder(folder)
    if args.write_back:
        check_writable(project)
    _tell_plan(wanted)
    from rich.markup import escape

    from bridge.bounce import bounce  # only now: bad input is told before torch is loaded
    from engine.generator import Generator

    generator = Generator.load(args.weights, args.device)
    notes = {note for planned in wanted.cues if (note := unheard(generator, planned.cue))}
    for note in sorted(notes):
        print(note, file=sys.stderr)
    with progress_bar(f"{len(wanted.cues)} cue(s)") as show:
        # Region names are shown; one like "[ADR]" is no markup.
        done = bounce(generator, wanted, folder, progress=lambda now: show(replace(now, stage=escape(now.stage))))
    for warning in dict.fromkeys(w for cue in done.cues for take in cue.takes for w in take.warnings):
        print(f"warning: {warning}", file=sys.stderr)
    print(_table(done))
    for mix in done.mixes:
        clipped = f" (clipped by {mix.clipped_db:.1f} dB: takes overlap)" if mix.clipped_db > 0.0 else ""
        print(f"{mix.path}{clipped}")
    if args.write_back:
        print(write_copy(project, done))
    return 0


def _tell_plan(wanted: Plan) -> None:
    """What is not a cue, and what the designer should know of those that are; to stderr."""
    for warning in wanted.project.warnings:
        print(one_line(f"warning: {warning}"), file=sys.stderr)
    for marker, reason in wanted.left_out:
        print(f"not a cue: {marker.kind} {marker.name!r} at {clock(marker.time_s)} ({reason})", file=sys.stderr)
    for planned in wanted.cues:
        for note in planned.notes:
            print(f"note: {planned.where}: {note}", file=sys.stderr)


def _table(done: Bounce) -> str:
    """One row per take: track, region, place, length, distance from the curve, file."""
    rows = [("track", "region", "start", "length", "off by", "", "take")]
    for cue in done.cues:
        for take in cue.takes:
            region = cue.planned.region
            error = "" if take.error_db is None else f"{take.error_db:.2f} dB"
            length = f"{take.samples / take.rate:.3f} s"
            state = "kept" if cue.found else "new"
            rows.append((cue.planned.track, region.name, clock(region.time_s), length, error, state, take.path.name))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
