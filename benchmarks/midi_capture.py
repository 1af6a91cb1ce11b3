"""How exactly a ridden fader is captured: MTC and controller steps over JACK MIDI, from a process of their own.

    python -m benchmarks.midi_capture [--steps 200] [--block 256]

Needs jackd (Debian: jackd2) and python-rtmidi; starts and stops a server of its own. Prints one JSON object; exits 1
if the 95th percentile of the steps' timing error is above one JACK block + 2 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from itertools import pairwise

import mido
import numpy as np

from bridge.midi.door import PORT_NAME, MidiDoor
from bridge.midi.mtc import quarter_frames
from bridge.timecode import FRAME_RATES, Timecode

RATE = 48000
START = Timecode.parse("01:00:00:00", FRAME_RATES["25"])
QUARTER_S = 1 / 100
ALLOWED_OVER_BLOCK_S = 0.002
BACKEND = "mido.backends.rtmidi/UNIX_JACK"


def play(steps: int) -> None:
    """The host: plays timecode, steps the fader, and prints the position and the value of each step.

    Whatever is sent late because the machine is busy is sent in the order of the positions it stands for.
    """
    rng = np.random.default_rng(11)
    backend = mido.Backend(BACKEND)
    port = next(name for name in backend.get_output_names() if PORT_NAME in name)
    due = 1.0 + np.cumsum(rng.uniform(0.12, 0.25, steps))
    values = rng.permutation(np.arange(30, 128, 3)).tolist()  # steps of 3 and more, never the same twice in a row
    sent: list[tuple[float, int]] = []
    with backend.open_output(port) as output:
        time.sleep(0.5)
        began = time.monotonic()
        pieces = (message for index in range(1 << 30) for message in quarter_frames(START + 2 * index))
        for count, piece in enumerate(pieces):
            while len(sent) < steps and due[len(sent)] < count * QUARTER_S:
                wait_until(began + due[len(sent)])
                value = values[len(sent) % len(values)]
                sent.append((due[len(sent)], value))
                output.send(mido.Message("control_change", control=7, value=value))
            if count * QUARTER_S > due[-1] + 0.5:
                break
            wait_until(began + count * QUARTER_S)
            output.send(piece)
    print(json.dumps(sent))


def wait_until(moment: float) -> None:
    """Sleep until ``moment`` on the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))


def measure(steps: int, block: int) -> dict[str, object]:
    """Capture ``steps`` steps on a server with ``block`` samples per block; figures in milliseconds."""
    name = f"drawaudio-{uuid.uuid4().hex[:8]}"
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1", MIDO_BACKEND=BACKEND)
    command = ["jackd", "-r", "--no-mlock", "-n", name, "-d", "dummy", "-r", str(RATE), "-p", str(block)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        subprocess.run(["jack_wait", "-s", name, "-w", "-t", "15"], check=True, stdout=subprocess.DEVNULL)
        with MidiDoor(lambda _: None) as door:
            door.start_capture()
            host = subprocess.run(
                [sys.executable, "-m", "benchmarks.midi_capture", "--play", "--steps", str(steps)],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            result = door.finish_capture()
    finally:
        server.terminate()
        server.wait()
    # A step is where two points share a moment; the value it goes to says which of the steps it is.
    points = result.curve.points
    begins_s = result.start_s - float(START.seconds)
    found = [
        (a.time_s + begins_s, 127 * 10 ** ((b.value or 0) / 40)) for a, b in pairwise(points) if a.time_s == b.time_s
    ]
    errors = []
    for at, value in json.loads(host.stdout)[1:]:  # the first only says where the fader stands
        near = [abs(when - at) for when, to in found if abs(to - value) < 1 and abs(when - at) < 1.0]
        errors += [min(near)] if near else []
    error_ms = 1000 * np.array(errors)
    limit_ms = 1000 * (block / RATE + ALLOWED_OVER_BLOCK_S)
    p50, p95 = (float(np.percentile(error_ms, part)) for part in (50, 95))
    return {
        "benchmark": "midi_capture",
        "steps": steps,
        "lost": steps - 1 - len(errors),
        "block_ms": round(1000 * block / RATE, 3),
        "error_ms_median": round(p50, 3),
        "error_ms_p95": round(p95, 3),
        "error_ms_max": round(float(error_ms.max()), 3),
        "limit_ms": round(limit_ms, 3),
        "met": p95 <= limit_ms,
        "load": os.getloadavg()[0],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Timing of captured controller steps over JACK MIDI")
    parser.add_argument("--steps", type=int, default=200, help="steps of the fader (about 0.19 s each)")
    parser.add_argument("--block", type=int, default=256, help="samples per JACK block at 48 kHz")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        play(arguments.steps)
        return 0
    figures = measure(arguments.steps, arguments.block)
    print(json.dumps(figures))
    return 0 if figures["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
