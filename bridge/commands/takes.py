"""`drawaudio takes`: the takes of a session."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from bridge.commands.look import add_session_argument, open_store

NAME = "takes"
HELP = "list the takes of a session"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session_argument(parser)
    parser.add_argument("--job", default="", metavar="ID", help="only those of one job")
    parser.add_argument("--limit", type=int, default=20, help="only the newest so many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    store = open_store(args.session)
    job = int(args.job[1:]) if args.job[1:].isdigit() else None
    current = store.state("current")
    for take in reversed(store.takes(args.limit, job)):
        if args.json:
            print(json.dumps({"id": take.id, **asdict(take)}, default=str))
        else:
            marks = ("*" if take.id == current else " ") + ("k" if take.kept else " ")
            print(f"{take.id:>6} {marks} {take.job_id:>6}  {take.samples / take.rate:7.2f} s  {take.path}")
    store.close()
    return 0
