"""What a bounce costs beside rendering: reading the project, planning, naming, writing takes and sidecars, mixing.

    python -m benchmarks.bounce [--cues 20] [--seconds 1]

Bounces a REAPER project of so many cues with the shipped model and takes the model's own time off. Prints one JSON
object; exits 1 if a cue costs more than 50 ms beside its rendering.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.bounce import bounce
from bridge.bounce_plan import plan
from bridge.hosts import read_project
from engine.generator import Generator

LIMIT_MS = 50.0
PROMPTS = ("footsteps on gravel", "door slams", "rain on a tin roof", "dog barking")


def project(cues: int, seconds: float) -> str:
    """A REAPER project with a drawn lane and `cues` regions on it, one behind the other."""
    regions = "".join(
        f'  MARKER {n + 1} {2 * n * seconds} "Guide: {PROMPTS[n % len(PROMPTS)]}" 1\n'
        f'  MARKER {n + 1} {(2 * n + 1) * seconds} "" 1\n'
        for n in range(cues)
    )
    points = "".join(f"      PT {n * seconds} {(1.0, 0.25)[n % 2]} 0\n" for n in range(2 * cues + 1))
    lane = f"    <VOLENV2\n      ACT 1 -1\n      VOLTYPE 1\n{points}    >\n"
    return f'<REAPER_PROJECT 0.1 "7.0" 1\n  SAMPLERATE 48000 0 0\n{regions}  <TRACK\n    NAME Guide\n{lane}  >\n>\n'


class TimedRendering:
    """A rendering that adds up the time it takes."""

    def __init__(self, generator: TimedGenerator, rendering: Any) -> None:
        self.generator = generator
        self.rendering = rendering

    def __iter__(self) -> Iterator[Any]:
        blocks = iter(self.rendering)
        while True:
            began = time.perf_counter()
            block = next(blocks, None)
            self.generator.rendered_s += time.perf_counter() - began
            if block is None:
                return
            yield block

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rendering, name)


class TimedGenerator:
    """A generator that knows how long it has rendered."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.rendered_s = 0.0

    def stream(self, *arguments: Any, **named: Any) -> TimedRendering:
        began = time.perf_counter()
        rendering = self.generator.stream(*arguments, **named)
        self.rendered_s += time.perf_counter() - began
        return TimedRendering(self, rendering)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)


def measure(cues: int, seconds: float) -> dict[str, object]:
    """Bounce one cue to warm up and all of them for the figures."""
    generator: Any = TimedGenerator(Generator.load())
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.rpp"
        song.write_text(project(1, seconds), encoding="utf-8")
        bounce(generator, plan(read_project(song)), Path(folder) / "warm")
        song.write_text(project(cues, seconds), encoding="utf-8")
        generator.rendered_s = 0.0
        began = time.perf_counter()
        done = bounce(generator, plan(read_project(song)), Path(folder) / "takes")
        total_s = time.perf_counter() - began
    assert len(done.cues) == cues
    return {
        "cues": cues,
        "bounce_s": round(total_s, 2),
        "rendering_s": round(generator.rendered_s, 2),
        "beside_rendering_ms_per_cue": round((total_s - generator.rendered_s) * 1e3 / cues, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cues", type=int, default=20, help="cues in the project (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a cue (default: %(default)s)")
    args = parser.parse_args()
    figures = measure(args.cues, args.seconds)
    print(json.dumps(figures, indent=1))
    return 1 if float(str(figures["beside_rendering_ms_per_cue"])) > LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
