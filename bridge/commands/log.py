"""`drawaudio log`: what the service wrote down."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime

from bridge.commands.look import add_session_argument, find_session
from bridge.joblog import read_log

NAME = "log"
HELP = "show the log of a session"


HIDDEN = ("time", "job", "event", "details")
"""Not shown behind the event; `details` (a traceback) only with --json."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_session_argument(parser)
    parser.add_argument("--job", metavar="ID", help="only the lines of one job")
    parser.add_argument("--follow", action="store_true", help="go on with what is written from now on; Ctrl-C ends it")
    parser.add_argument("--json", action="store_true", help="the lines as they are")


def run(args: argparse.Namespace) -> int:
    path = find_session(args.session).log
    shown = 0
    while True:
        lines = list(read_log(path, args.job))
        for entry in lines[min(shown, len(lines)) :]:
            print(json.dumps(entry, ensure_ascii=False) if args.json else readable(entry), flush=True)
        shown = len(lines)
        if not args.follow:
            return 0
        try:
            time.sleep(0.5)
        except KeyboardInterrupt:
            return 0


def readable(entry: dict[str, object]) -> str:
    """One line for people."""
    at = datetime.fromtimestamp(float(str(entry["time"]))).strftime("%H:%M:%S.%f")[:-3]
    rest = " ".join(f"{key}={value}" for key, value in entry.items() if key not in HIDDEN and value)
    return f"{at}  {entry['job']:>6}  {entry['event']}  {rest}".rstrip()
