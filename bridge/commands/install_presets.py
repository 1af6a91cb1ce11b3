"""`drawaudio install-presets HOST`: put what a DAW loads where it looks for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.presets import PRESETS, install

NAME = "install-presets"
HELP = "put actions, guide plug-in, templates and maps where a DAW looks for them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", choices=tuple(PRESETS), help="the DAW")
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="the DAW's settings folder, where it is not the usual one"
    )


def run(args: argparse.Namespace) -> int:
    for installed in install(args.host, args.into):
        print(f"{PRESETS[args.host].title}: {installed.folder}")
        for line in installed.done:
            print(f"  {line}")
        for number, step in enumerate(installed.next_steps, 1):
            print(f"  then {number}. {step}")
    return 0
