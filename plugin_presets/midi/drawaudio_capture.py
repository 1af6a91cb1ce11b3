"""Generate by MIDI: record the lane that a DAW plays as a controller against its timecode, and ask for takes of it.

    python drawaudio_capture.py "footsteps on gravel #takes=2"

To be run beside `drawaudio serve`, in the same Python. The span is what was played, from its start to its stop.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys

from bridge.commands.send import connect, wait
from bridge.errors import UserError
from engine.errors import Cancelled, MissingModel


def capture(marker: str, rate: int) -> int:
    """Record until Enter is pressed, then wait for the takes; their paths go to stdout. Raises Refused."""
    curve = f"midi-{secrets.token_hex(8)}"
    with connect() as client:
        client.request("capture/begin", "ack", request=curve, curve=curve, domain="midi_cc", source="midi")
        print("Play the passage, stop, press Enter; Ctrl-C gives up.", file=sys.stderr)
        sys.stdin.readline()
        ended = client.request("capture/end", "ack", request=curve, curve=curve)
        played = json.loads(ended.values["result"])
        print(f"played: {played['duration_s']:.2f} s from {played['start_s']:.2f} s on", file=sys.stderr)
        start = {"samples": round(played["start_s"] * rate), "rate": rate}
        cue = {"version": 1, "marker": marker, "start": start, "duration_s": played["duration_s"]}
        queued = client.submit({**cue, "loudness": {"curve": curve}})
        return wait(client, queued, {"cue": client.last_cue, "name": "", "queue": "now"})


def main() -> int:
    parser = argparse.ArgumentParser(description="Record a controller lane while a DAW plays, and make takes of it.")
    parser.add_argument("prompt", help="what is to be heard, in the marker grammar")
    parser.add_argument("--rate", type=int, default=48000, help="the project's sample rate (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        return capture(arguments.prompt, arguments.rate)
    except (KeyboardInterrupt, Cancelled):
        return 130
    except MissingModel as error:
        print(error, file=sys.stderr)
        return 3
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
