"""`drawaudio bench`: this engine beside its peers, on this machine."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from bridge.errors import UserError

NAME = "bench"
HELP = "time this engine beside peers' published networks (needs a checkout and 8 GB of memory)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16", help="of every contender")
    parser.add_argument("--weights", type=Path, help="folder of weights (default: the shipped ones)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")


def run(args: argparse.Namespace) -> int:
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "peers.py"
    if not script.exists():
        raise UserError(f"{script}: the benchmark is not part of the installed package; run it from a checkout")
    command = [sys.executable, str(script), "--precision", args.precision]
    for option in ("weights", "json"):
        if getattr(args, option) is not None:
            command += [f"--{option}", str(getattr(args, option).resolve())]
    return subprocess.run(command, check=False).returncode
