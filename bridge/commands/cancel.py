"""`drawaudio cancel`: cancel a job of the running service."""

from __future__ import annotations

import argparse
import json

from bridge.commands.send import connect

NAME = "cancel"
HELP = "cancel a job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "job", nargs="?", default="", help="job id, such as j12 (default: the running one, else the newest)"
    )


def run(args: argparse.Namespace) -> int:
    with connect() as client:
        result = json.loads(client.request("job/cancel", "ack", job=args.job).values["result"])
    print(f"{result['job']} {result['state']}")
    return 0
