"""A small engine for tests of the service: real files through the real writer, without a model and without torch.

The prompt says what happens: "tone", "slow 2" (2 s in small steps that can be cancelled), "stuck 2" (2 s that cannot),
"killed" (SIGKILL to itself), "exits", "fails".
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from bridge import whole_file
from bridge.broadcast_wave import BroadcastWaveWriter
from bridge.regenerate import read_take
from bridge.store import Made
from bridge.take_names import TakeName, claim, file_name
from bridge.worker import ProgressCallback, Renderer, Task, warm_up
from engine.cue import Cue
from engine.errors import Cancelled, MissingModel
from engine.take import CurveReport, Progress, TakeReport


def tone(task: Task, cue: Cue, seed: int) -> np.ndarray:
    """A sine whose pitch is the seed's; of a part, the old take with that part at half its level."""
    if task.source is not None and task.part is not None:
        audio = read_take(task.source).audio.copy()
        audio[slice(*(round(edge * cue.span.rate) for edge in task.part))] *= 0.5
        return audio
    phase = np.arange(cue.span.samples) / cue.span.rate
    audio = 0.1 * np.sin(2 * np.pi * (200 + seed % 100) * phase)
    return np.repeat(audio[:, None], cue.channels, 1).astype(np.float32)


def small_renderer() -> Renderer:
    warm_up()

    def render(task: Task, progress: ProgressCallback, cancelled: Callable[[], bool]) -> list[Made]:
        cue = Cue.from_json(task.cue)
        assert cue.seed is not None
        seeds = [cue.seed + k for k in range(cue.takes)]
        label = file_name(task.name or cue.prompt)
        with claim(task.folder, label, seeds) as names, ExitStack() as stack:
            writers = []
            for name in names:
                writer = stack.enter_context(open_wave(name, cue))
                writer.write(tone(task, cue, name.seed)[:100])
                writers.append(writer)
            act(cue.prompt, progress, cancelled)
            for name, writer in zip(names, writers, strict=True):
                writer.write(tone(task, cue, name.seed)[100:])
            return [finish(name, writer, cue) for name, writer in zip(names, writers, strict=True)]

    return render


def open_wave(name: TakeName, cue: Cue) -> BroadcastWaveWriter:
    span = cue.span
    return BroadcastWaveWriter(
        name.path(".wav"), rate=span.rate, channels=cue.channels, time_reference=span.start_samples
    )


def finish(name: TakeName, writer: BroadcastWaveWriter, cue: Cue) -> Made:
    """The order of `bridge.render`: the sidecar whole, the wav named, the sidecar named."""
    report = TakeReport(name.seed, CurveReport(None, None, None, None, 0.0, ()), (), {"name": "tone", "sha256": "0"})
    span, path, sidecar = cue.span, name.path(".wav"), name.path(".json")
    start = {"samples": span.start_samples, "rate": span.rate}
    obj = {"start": start, "samples": span.samples, "channels": cue.channels, **report.to_json(), "cue": cue.to_json()}
    file = whole_file.open_partial(sidecar)
    file.write(json.dumps(obj).encode())
    writer.close()
    whole_file.publish(file, sidecar)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Made(path, sidecar, name.seed, span.start_samples, span.rate, span.samples, cue.channels, digest)


def act(prompt: str, progress: ProgressCallback, cancelled: Callable[[], bool]) -> None:
    word, _, number = prompt.partition(" ")
    if word == "slow":
        steps = round(float(number) * 100)
        for step in range(steps):
            if cancelled():
                raise Cancelled("cancelled")
            progress(Progress(step / steps, "sampling", 1.0))
            time.sleep(0.01)
    elif word == "stuck":
        time.sleep(float(number))
    elif word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "exits":
        os._exit(7)
    elif word == "fails":
        raise ValueError("the cue has a flaw")


def without_model() -> Renderer:
    raise MissingModel("no weights in engine/weights; run `drawaudio models`")
