"""`drawaudio send`: a cue to the service that runs, over OSC."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from bridge.errors import UserError
from bridge.osc.client import PATIENCE_S, Answer, Client
from bridge.progress import progress_bar
from bridge.refused import Refused
from bridge.session import Announcement
from engine.cue import Cue, CueError
from engine.errors import Cancelled, MissingModel
from engine.take import Progress

NAME = "send"
HELP = "send a cue to the running service"

SILENCE_S = 2.0
"""After this long without a word the request is sent again, which asks how it stands."""
LOST_S = SILENCE_S + PATIENCE_S
"""After this long without a word there is nobody to ask."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cue", type=Path, metavar="CUE.json", help="the cue file")
    parser.add_argument("--name", default="", help="stem of the takes' names (default: from the prompt)")
    parser.add_argument("--bounce", action="store_true", help="behind everything that is asked for directly")
    parser.add_argument("--wait", action="store_true", help="show progress, print the takes' paths; Ctrl-C cancels")


def run(args: argparse.Namespace) -> int:
    try:
        cue = Cue.load(args.cue)
    except CueError as error:
        raise UserError(f"{args.cue}: {error}") from error
    absolute = cue.relative_to(Path.cwd()).to_json()
    request = secrets.token_hex(8)
    queue = "bounce" if args.bounce else "now"
    with connect() as client:
        queued = client.submit(absolute, request=request, name=args.name, queue=queue)
        if not args.wait:
            print(queued.values["job"])
            return 0
        return wait(client, queued, {"cue": client.last_cue, "name": args.name, "queue": queue})


def connect() -> Client:
    """A client of the service that runs. Raises Refused where none does."""
    found = Announcement.find()
    return Client("127.0.0.1" if found.host == "0.0.0.0" else found.host, found.port, found.token)


def wait(client: Client, queued: Answer, again: dict[str, Any]) -> int:
    """Follow a job to its end; its takes go to stdout. Raises Refused when the service dies."""
    request, job = str(queued.values["request"]), str(queued.values["job"])
    takes: dict[str, str] = {}
    heard = time.monotonic()
    with progress_bar(job) as progress:
        try:
            while True:
                for answer in client.answers(0.5):
                    if answer.values.get("job") != job:
                        continue
                    heard = time.monotonic()
                    if answer.verb == "job/progress":
                        progress(Progress(answer.values["done"], answer.values["stage"]))
                    elif answer.verb == "take/ready":
                        takes[answer.values["take"]] = answer.values["path"]
                    elif answer.verb == "job/done":
                        return _ended(answer, takes)
                silence = time.monotonic() - heard
                if silence > LOST_S:
                    raise Refused(
                        "unavailable",
                        f"the service has gone; {job} goes on when it is started again (`drawaudio jobs`)",
                    )
                if silence > SILENCE_S:
                    client.send("cue/submit", request=request, **again)
        except KeyboardInterrupt:
            client.request("job/cancel", "ack", job=job)
            raise Cancelled from None


def _ended(answer: Answer, takes: dict[str, str]) -> int:
    state, text = answer.values["state"], answer.values["text"]
    if state == "cancelled":
        raise Cancelled
    if state == "failed":
        if answer.values["code"] == "missing_model":
            raise MissingModel(text)
        raise Refused("render_failed", f"{answer.values['job']}: {text}")
    for path in takes.values():
        print(path)
    sys.stdout.flush()
    return 0
