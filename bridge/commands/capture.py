"""`drawaudio capture`: the lane a DAW plays as a controller, recorded against its timecode, and takes of it."""

from __future__ import annotations

import argparse
import json
import secrets
import sys

from bridge.commands.send import connect, wait

NAME = "capture"
HELP = "record a controller lane while a DAW plays its timecode, and make takes of it in the running service"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", metavar="PROMPT", help="what is to be heard, in the marker grammar")
    parser.add_argument("--rate", type=int, default=48000, help="the project's sample rate (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    curve = f"midi-{secrets.token_hex(8)}"
    with connect() as client:
        client.request("capture/begin", "ack", request=curve, curve=curve, domain="midi_cc", source="midi")
        print("Play the passage, stop, press Enter; Ctrl-C gives up.", file=sys.stderr)
        sys.stdin.readline()
        ended = client.request("capture/end", "ack", request=curve, curve=curve)
        played = json.loads(ended.values["result"])
        print(f"played: {played['duration_s']:.2f} s from {played['start_s']:.2f} s on", file=sys.stderr)
        start = {"samples": round(played["start_s"] * args.rate), "rate": args.rate}
        cue = {"version": 1, "marker": args.prompt, "start": start, "duration_s": played["duration_s"]}
        queued = client.submit({**cue, "loudness": {"curve": curve}})
        return wait(client, queued, {"cue": client.last_cue, "name": "", "queue": "now"})
