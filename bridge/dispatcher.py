"""The dispatcher: one thread that feeds the worker process and listens to it."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.events import Event
from bridge.recovery import MAX_ATTEMPTS, job_cue
from bridge.refused import Refused
from bridge.store import Job, Made
from bridge.worker import FromWorker, RendererFactory, Task, Worker
from engine.take import Progress

if TYPE_CHECKING:
    from bridge.service import Service

PROGRESS_S = 0.1
"""Least time between two progress events of a job."""
CANCEL_GRACE_S = 5.0
"""A worker that has not let go of a cancelled job after this is killed."""
LOOK_S = 0.25


@dataclass
class _Running:
    """The job given to the worker. `taken`: it has begun on it. `dropped_at`: when it was cancelled all the same."""

    job: Job
    taken: bool = False
    dropped_at: float | None = None


class Dispatcher:
    """Works under the service's lock, which callers of its methods hold too."""

    def __init__(self, service: Service, renderer: RendererFactory) -> None:
        self._service, self._renderer = service, renderer
        self._events: queue.Queue[FromWorker | None] = queue.Queue()
        self._unheard: deque[FromWorker] = deque()
        self._worker: Worker | None = None
        self._generation = 0
        self._state = "down"
        self._running: _Running | None = None
        self._last_progress = (0, -1.0)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        self._start_worker()
        self._thread.start()

    def stop(self) -> None:
        """End the worker. To be called without the lock."""
        self._stopping = True
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join(5)
        if self._worker is not None:
            self._worker.kill()
            self._worker.join(5)
        if self.running_job() and self._running is not None:
            with suppress(Refused), self._service.store.transaction():  # on a full disk, the next start finds it
                self._service.store.give_back_job(self._running.job.number)

    def wake(self) -> None:
        """There is a job."""
        self._events.put(FromWorker("wake", 0))

    def status(self) -> dict[str, object]:
        """State and process id of the worker, and the job it has in hand."""
        return {
            "worker": self._state,
            "worker_pid": self._worker.pid if self._worker else 0,
            "running": self.running_job(),
        }

    def running_job(self) -> str:
        """Id of the job in hand, empty where there is none or it was cancelled."""
        running = self._running
        return running.job.id if running is not None and running.dropped_at is None else ""

    def drop(self, job: Job) -> None:
        """Have the worker abandon a job if it is in hand."""
        running = self._running
        if running is not None and running.job.number == job.number:
            running.dropped_at = time.monotonic()
            if self._worker is not None:
                self._worker.cancel(job.number)

    def _run(self) -> None:
        while True:
            try:
                event = self._events.get(timeout=LOOK_S)
            except queue.Empty:
                event = FromWorker("wake", 0)
            with self._service.lock:
                if event is None or self._stopping:
                    return
                self._step(event)

    def _step(self, event: FromWorker) -> None:
        if event.kind != "wake":
            self._unheard.append(event)
        try:
            while self._unheard:
                self._hear(self._unheard[0])
                self._unheard.popleft()
            self._check_grace()
            self._feed()
        except Refused as refused:  # the disk is full: what the worker said is heard again when there is room
            self._service.log.write_seldom("dispatcher waits", text=refused.text)
        except Exception as error:  # the job fails, the service stays
            text = f"{type(error).__name__}: {error}"
            self._service.log.write_seldom("dispatcher failed", text=text)
            self._unheard.clear()
            with suppress(Refused):
                self._fail_running("internal", text)

    # -- what the worker says --------------------------------------------------------------------------

    def _hear(self, event: FromWorker) -> None:
        if event.kind == "wake" or event.generation != self._generation:
            return
        if event.kind == "ready":
            self._state = "ready"
            self._service.log.write("worker ready", pid=self._worker.pid if self._worker else 0)
        elif event.kind == "broken":
            self._worker, self._state = None, "down"
            self._fail_running(event.code, event.text)
            self._generation += 1  # it ends by itself now; what more it says does not matter
            self._service.log.write("worker cannot load the model", text=event.text, details=event.details)
        elif event.kind == "died":
            self._lost_worker(event.text)
        elif self._running is not None and event.job == self._running.job.number:
            self._hear_of_job(self._running, event)

    def _hear_of_job(self, running: _Running, event: FromWorker) -> None:
        job = running.job
        if event.kind == "progress":
            if running.dropped_at is None and event.progress is not None:
                self._tell_progress(job, event.progress)
            return
        if event.kind == "started":
            running.taken = True
            return
        if running.dropped_at is not None:
            _remove(event.made)
        elif event.kind == "made":
            self._finish(job, event)
        elif event.kind == "cancelled":
            self._service.end(job, "cancelled")
        else:
            self._service.end(job, "failed", event.code, event.text)
            self._service.log.write("render failed", job.id, text=event.text, details=event.details)
        self._running = None

    def _tell_progress(self, job: Job, progress: Progress) -> None:
        last_job, last_time = self._last_progress
        now = time.monotonic()
        if job.number == last_job and now - last_time < PROGRESS_S:
            return
        self._last_progress = (job.number, now)
        self._service.tell(Event("progress", job, progress=progress))

    def _finish(self, job: Job, event: FromWorker) -> None:
        service = self._service
        # The take itself is safe on the disk; should a power cut take these rows, recovery finds it.
        with service.change(synced=False):
            for made in event.made:
                take = service.store.add_take(job, made)
                service.store.put_state("current", take.id)
                service.tell(Event("take", job, take))
                service.log.write(
                    "take", job.id, take=take.id, path=str(take.path), seed=take.seed, notes=made.warnings
                )
            service.end(job, "done", render_s=event.render_s)

    def _fail_running(self, code: str, text: str) -> None:
        if self._running is not None and self._running.dropped_at is None:
            self._service.end(self._running.job, "failed", code, text)
        self._running = None

    def _lost_worker(self, reason: str) -> None:
        self._worker, self._state = None, "down"
        running = self._running
        self._service.session.clear_leftovers()
        self._service.log.write("worker died", running.job.id if running else "-", reason=reason)
        if running is not None and not running.taken and running.job.attempts < MAX_ATTEMPTS:
            if running.dropped_at is None:  # it died before it saw the job: not the job's fault
                with self._service.store.transaction():
                    self._service.store.requeue_job(running.job.number, running.job.seed, running.job.takes)
            self._running = None
        else:
            self._fail_running("worker_died", reason)

    def _check_grace(self) -> None:
        running = self._running
        if running is None or running.dropped_at is None or self._worker is None:
            return
        if time.monotonic() - running.dropped_at > CANCEL_GRACE_S:
            self._service.log.write("worker killed", running.job.id, reason="it did not let go of a cancelled job")
            self._worker.kill()
            running.dropped_at = float("inf")

    # -- what it is given ------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Give the worker its next job, if it has none; start one, if there is none."""
        service = self._service
        if self._running is not None or (job := service.store.next_job()) is None:
            return
        if self._worker is None:
            self._start_worker()
        assert self._worker is not None
        with service.change():
            service.store.start_job(job.number)
        job = service.job(job.id)
        self._running = _Running(job)
        service.log.write("started", job.id, attempt=job.attempts)
        self._worker.render(self._task(job))

    def _task(self, job: Job) -> Task:
        service = self._service
        source = service.store.take(job.source_take) if job.source_take else None
        cue = job_cue(service.store, job).to_json()
        return Task(job.number, cue, service.session.takes, job.name, source.path if source else None, job.part)

    def _start_worker(self) -> None:
        self._generation += 1
        self._state = "loading"
        self._worker = Worker(self._renderer, self._generation, self._events.put)


def _remove(made: Sequence[Made]) -> None:
    """Take away what a cancelled job had finished already."""
    for take in made:
        take.path.unlink(missing_ok=True)
        take.sidecar.unlink(missing_ok=True)
