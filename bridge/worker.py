"""The render process: loads the model once, stays warm, can be killed without hurting anyone.

It is a process of its own so that a crash of the model, an out-of-memory kill or `kill -9` costs one job. Parent and
child talk over one pipe. If the parent goes, the child goes with it, at once: whatever it was writing still has its
`.partial` name and is cleared away by the next service.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from traceback import format_exc
from typing import cast

from bridge.errors import UserError, describe
from bridge.store import Made
from engine.errors import Cancelled, MissingModel
from engine.take import Progress


@dataclass(frozen=True)
class Task:
    """What the worker is asked to do. `cue` is the cue's JSON with its seed; `source` and `part` for a regeneration."""

    job: int
    cue: dict[str, object]
    folder: Path
    name: str
    source: Path | None = None
    part: tuple[float, float] | None = None


ProgressCallback = Callable[[Progress], None]
Renderer = Callable[[Task, ProgressCallback, Callable[[], bool]], list[Made]]
RendererFactory = Callable[[], Renderer]
"""Called once in the worker process; loads the model. Must be importable by name (it travels by pickle)."""


@dataclass(frozen=True)
class FromWorker:
    """What the worker has to say.

    `kind`: ready, broken (the model cannot be loaded), started, progress, made, cancelled, failed or died.
    """

    kind: str
    generation: int
    job: int = 0
    code: str = ""
    text: str = ""
    details: str = ""
    progress: Progress | None = None
    made: tuple[Made, ...] = ()
    render_s: float = 0.0


class Worker:
    """One render process. `tell` is called from a thread of ours with everything it says, last of all `died`."""

    def __init__(self, factory: RendererFactory, generation: int, tell: Callable[[FromWorker], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self.generation = generation
        self._pipe, child = context.Pipe()
        self._tell = tell
        self._process = context.Process(
            target=_serve, args=(child, factory, generation), name="drawaudio-worker", daemon=True
        )
        self._process.start()
        child.close()
        self._reader = threading.Thread(target=self._read, name=f"worker-reader-{generation}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def render(self, task: Task) -> None:
        self._send(("render", task))

    def cancel(self, job: int) -> None:
        """Ask for a job to be abandoned at the engine's next step."""
        self._send(("cancel", job))

    def kill(self) -> None:
        """End the process now; `died` follows."""
        self._process.kill()

    def join(self, timeout: float) -> None:
        self._process.join(timeout)
        self._reader.join(timeout)

    def _send(self, message: tuple[str, object]) -> None:
        with suppress(OSError):  # it has died; the reader says so
            self._pipe.send(message)

    def _read(self) -> None:
        while True:
            try:
                self._tell(self._pipe.recv())
            except (EOFError, OSError):
                break
        self._process.join()
        self._pipe.close()
        self._tell(FromWorker("died", self.generation, text=_reason(self._process.exitcode)))


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = "; often the system was out of memory" if name == "SIGKILL" else ""
        return f"the render process was ended by {name}{hint}"
    return f"the render process ended by itself with code {code}"


def warm_up() -> None:
    """Import what the writer of takes imports only when needed: a second that the first hotkey must not wait for."""
    for name in ("pyloudnorm.iirfilter", "scipy.signal", "soxr"):
        importlib.import_module(name)


def engine_renderer(weights: Path | None = None, device: str = "auto") -> Renderer:
    """The real thing: the generator with the shipped weights or those of a folder. Raises MissingModel."""
    from bridge.regenerate import PartGenerator
    from bridge.render import render_cue
    from engine.cue import Cue
    from engine.generator import Generator

    generator = Generator.load(weights, device)
    warm_up()

    def render(task: Task, progress: ProgressCallback, cancelled: Callable[[], bool]) -> list[Made]:
        cue = Cue.from_json(task.cue)
        source = generator
        if task.source is not None and task.part is not None:
            source = cast("Generator", PartGenerator(generator, task.source, task.part))
        files = render_cue(source, cue, task.folder, name=task.name or None, progress=progress, cancelled=cancelled)
        return [
            Made(
                f.path,
                f.sidecar,
                f.seed,
                f.start_samples,
                f.rate,
                f.samples,
                f.channels,
                f.sha256,
                tuple(f.report.warnings),
            )
            for f in files
        ]

    return render


# -- in the child ----------------------------------------------------------------------------------------


def _serve(pipe: Connection, factory: RendererFactory, generation: int) -> None:
    """The child's main function: load, then render what comes until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal reaches the whole group; the parent decides
    tasks: queue.Queue[Task] = queue.Queue()
    dropped: set[int] = set()
    threading.Thread(target=_listen, args=(pipe, tasks, dropped), daemon=True).start()
    try:
        renderer = factory()
    except MissingModel as error:
        pipe.send(FromWorker("broken", generation, code="missing_model", text=str(error)))
        return
    except Exception as error:
        pipe.send(FromWorker("broken", generation, code="render_failed", text=_line(error), details=format_exc()))
        return
    pipe.send(FromWorker("ready", generation))
    while True:
        task = tasks.get()
        pipe.send(FromWorker("started", generation, task.job))
        pipe.send(_carry_out(renderer, task, pipe, dropped, generation))
        dropped.discard(task.job)


def _listen(pipe: Connection, tasks: queue.Queue[Task], dropped: set[int]) -> None:
    while True:
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone: nobody wants this take any more
        if kind == "cancel":
            dropped.add(content)
        else:
            tasks.put(content)


def _carry_out(renderer: Renderer, task: Task, pipe: Connection, dropped: set[int], generation: int) -> FromWorker:
    def progress(step: Progress) -> None:
        pipe.send(FromWorker("progress", generation, task.job, progress=step))

    began = time.monotonic()
    try:
        made = renderer(task, progress, lambda: task.job in dropped)
    except Cancelled:
        return FromWorker("cancelled", generation, task.job)
    except MissingModel as error:
        return FromWorker("failed", generation, task.job, "missing_model", str(error))
    except Exception as error:
        return FromWorker("failed", generation, task.job, "render_failed", _line(error), format_exc())
    return FromWorker("made", generation, task.job, made=tuple(made), render_s=time.monotonic() - began)


def _line(error: Exception) -> str:
    text = " ".join((describe(error) if isinstance(error, OSError) else str(error)).split())[:500]
    return text if text and isinstance(error, (UserError, ValueError, OSError)) else f"{type(error).__name__}: {text}"
