"""`drawaudio jobs`: the jobs of a session."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from bridge.commands.look import add_session_argument, open_store

NAME = "jobs"
HELP = "list the jobs of a session"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session_argument(parser)
    parser.add_argument("--limit", type=int, default=20, help="only the newest so many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    store = open_store(args.session)
    for job in reversed(store.jobs(args.limit)):
        if args.json:
            print(json.dumps({"id": job.id, **asdict(job)}))
        else:
            note = f"  {job.text}" if job.text else ""
            print(f"{job.id:>6}  {job.state:<9}  {job.takes:>2} x seed {job.seed:<10}  {job.prompt[:60]}{note}")
    store.close()
    return 0
