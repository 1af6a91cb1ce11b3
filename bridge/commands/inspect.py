"""`drawaudio inspect`: all that was read from a project file, for people or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bridge.hosts import read_project
from bridge.hosts.time_axis import drawing

NAME = "inspect"
HELP = "show the lanes, markers and regions of a DAW's project file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="project file: REAPER, Ardour, DAWproject, Live, MIDI, Pro Tools text, …",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the drawing")


def run(args: argparse.Namespace) -> int:
    project = read_project(args.file)
    if args.json:
        # ASCII, so that a pipe into a program does not depend on the terminal's encoding.
        json.dump(project.to_json(), sys.stdout, indent=1, allow_nan=False)
        print()
    else:
        print(drawing(project))
    return 0
