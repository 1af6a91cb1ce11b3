"""The service: the one object behind every door (OSC, MIDI, HTTP, spool folder, command line).

Every change is committed to the store before it is answered, and told to the watchers after that, in order. One thread,
the dispatcher, feeds the worker process and listens to it.
"""

from __future__ import annotations

import hashlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bridge.cue_request import safe_path
from bridge.joblog import JobLog
from bridge.recovery import MAX_ATTEMPTS, job_cue, recover
from bridge.refused import Refused
from bridge.session import Session
from bridge.store import BOUNCE_PRIORITY, NOW_PRIORITY, Job, Made, Store, TakeRecord
from bridge.worker import FromWorker, RendererFactory, Task, Worker, engine_renderer
from engine.cue import Cue
from engine.curve import LoudnessCurve
from engine.take import Progress

PROGRESS_S = 0.1
"""Least time between two progress events of a job."""
CANCEL_GRACE_S = 5.0
"""A worker that has not let go of a cancelled job after this is killed."""
MAX_QUEUED = 10_000


@dataclass(frozen=True)
class Event:
    """What watchers are told. `kind`: queued, progress, take, done (however it ended), picked or kept."""

    kind: str
    job: Job
    take: TakeRecord | None = None
    progress: Progress | None = None


class Player(Protocol):
    """What the service needs of `bridge.audition.Player`."""

    def play(self, path: Path) -> None: ...


class Midi(Protocol):
    """What the service needs of `bridge.midi.door.MidiDoor`."""

    def learn(self, action: str, learned: Callable[[Any], None]) -> None: ...

    def start_capture(self) -> None: ...

    def finish_capture(self, start_s: float | None = None, duration_s: float | None = None) -> Any: ...


@dataclass
class _Running:
    """The job given to the worker. `taken`: it has begun on it. `dropped_at`: when it was cancelled all the same."""

    job: Job
    taken: bool = False
    dropped_at: float | None = None


class Service:
    """Submit, watch, cancel, list, pick, keep, regenerate and audition. Safe to call from any thread."""

    def __init__(
        self,
        session_folder: Path,
        renderer: RendererFactory = engine_renderer,
        allowed_folders: Sequence[Path] = (),
    ) -> None:
        """Open the session and take up what an earlier service left. Raises Refused."""
        self.session = Session(session_folder)
        self.session.create()
        self.session.lock()
        self.roots = (self.session.folder, *(folder.resolve() for folder in allowed_folders))
        self.store = Store(self.session.database, self.session.folder)
        self.log = JobLog(self.session.log)
        self.player: Player | None = None
        self.midi: Midi | None = None
        self._renderer = renderer
        self._lock = threading.RLock()
        self._watchers: list[Callable[[Event], None]] = []
        self._pending: list[Event] = []
        self._depth = 0
        self._events: queue.Queue[FromWorker | None] = queue.Queue()
        self._worker: Worker | None = None
        self._generation = 0
        self._worker_state = "down"
        self._running: _Running | None = None
        self._last_progress = (0, -1.0)
        self._stopping = False
        self.store.forget_old()
        recover(self.session, self.store, self.log)
        self.actions: Mapping[str, Callable[[], object]] = {
            "regenerate": self.regenerate,
            "next_take": self.next_take,
            "previous_take": self.previous_take,
            "keep": self.keep,
            "audition": self.audition,
            "cancel": self.cancel,
        }
        """What one key, pad or pedal can do: each acts on the current take or job."""
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Load the model and begin to render what is queued."""
        self.log.write("service started", session=str(self.session.folder))
        self._start_worker()
        self._dispatcher.start()

    def stop(self) -> None:
        """End the worker. The job it had in hand is taken up again at the next start."""
        with self._lock:
            self._stopping = True
            worker, self._worker = self._worker, None
        self._events.put(None)
        if self._dispatcher.is_alive():
            self._dispatcher.join(5)
        if worker is not None:
            worker.kill()
            worker.join(5)
        self.session.clear_partials()
        self.log.write("service stopped")
        self.log.close()
        self.store.close()
        self.session.unlock()

    def watch(self, callback: Callable[[Event], None]) -> None:
        """Have `callback` called with every event, in order, from whatever thread caused it. It must not block."""
        with self._lock:
            self._watchers.append(callback)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """A transaction; its events are told when it is committed."""
        with self._lock:
            self._depth += 1
            try:
                with self.store.transaction():
                    yield
            except BaseException:
                if self._depth == 1:
                    self._pending.clear()
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                events, self._pending = self._pending, []
                for event in events:
                    self._tell(event)

    def _tell(self, event: Event) -> None:
        if self._depth:
            self._pending.append(event)
            return
        for watcher in self._watchers:
            try:
                watcher(event)
            except Exception as error:  # one door's fault must not stop the others
                self.log.write("watcher failed", event.job.id, error=repr(error))

    # -- asking for takes ------------------------------------------------------------------------------

    def once(self, request: str, digest: str, act: Callable[[], dict[str, object]]) -> dict[str, object]:
        """Carry out `act` unless `request` was carried out before; its answer. Raises Refused for another `digest`."""
        with self._lock:
            known = self.store.answer(request)
            if known is None:
                with self._change():
                    answer = act()
                    self.store.add_answer(request, digest, json.dumps(answer))
                return answer
        if known[0] != digest:
            raise Refused("conflict", f"request id {request!r} was used before for something else; choose a new one")
        answer = json.loads(known[1])
        assert isinstance(answer, dict)
        return answer

    def submit(self, cue: Cue, *, request_id: str = "", name: str = "", priority: int = NOW_PRIORITY) -> Job:
        """Queue a cue. Its seed is fixed here, so that the job gives the same take whenever it is rendered."""
        seed = secrets.randbelow(1 << 31) if cue.seed is None else cue.seed
        with self._change():
            number = self.store.add_cue(
                json.dumps(cue.to_json()), name, cue.prompt or " + ".join(s.prompt for s in cue.sources)
            )
            return self._queue(number, request_id, seed, cue.takes, priority)

    def submit_bounce(self, cue: Cue, *, request_id: str = "", name: str = "") -> Job:
        """As `submit`, behind everything a designer asks for."""
        return self.submit(cue, request_id=request_id, name=name, priority=BOUNCE_PRIORITY)

    def regenerate(self, take_id: str = "", part: tuple[float, float] | None = None, *, request_id: str = "") -> Job:
        """The take's cue again with the next seed, or only `part` of the take, in seconds from the span's start."""
        with self._change():
            take = self.take(take_id)
            if part is not None:
                duration = Cue.from_json(json.loads(self.store.cue_json(take.cue))).span.duration_s
                if not 0 <= part[0] < part[1] <= duration:
                    raise Refused(
                        "wrong_arguments", f"the part {part[0]:g} to {part[1]:g} s does not lie in 0 to {duration:g} s"
                    )
            seed = self.store.last_seed(take.cue) + 1
            source = take.number if part else None
            return self._queue(take.cue, request_id, seed, 1, NOW_PRIORITY, source, part)

    def _queue(
        self,
        cue: int,
        request: str,
        seed: int,
        takes: int,
        priority: int,
        source: int | None = None,
        part: tuple[float, float] | None = None,
    ) -> Job:
        if self.store.counts().get("queued", 0) >= MAX_QUEUED:
            raise Refused("busy", f"{MAX_QUEUED} jobs are queued; wait or cancel some")
        request = request or f"local-{secrets.token_hex(6)}"
        job = self.store.add_job(cue, request, seed, takes, priority, source, part)
        self._tell(Event("queued", job))
        self._tell(Event("progress", job, progress=Progress(0.0, "queued")))
        self.log.write("queued", job.id, request=request, prompt=job.prompt, seed=seed, takes=takes)
        self._events.put(FromWorker("wake", 0))
        return job

    def store_curve(self, name: str, curve: LoudnessCurve, digest: str = "") -> None:
        """Keep a curve under a name for cues to come; `digest` is what tells it from another of that name."""
        with self._change():
            self.store.put_curve(name, json.dumps(curve.to_json()), len(curve.points), digest)

    def curve_json(self, name: str) -> object:
        """A kept curve. Raises Refused."""
        text = self.store.curve(name)
        if text is None:
            raise Refused("unknown_curve", f"no curve {name[:64]!r} has arrived whole; send it (again) before the cue")
        return json.loads(text)

    # -- looking ---------------------------------------------------------------------------------------

    def jobs(self, limit: int = 100) -> list[Job]:
        return self.store.jobs(limit)

    def takes(self, job_id: str = "", limit: int = 200) -> list[TakeRecord]:
        return self.store.takes(limit, self.job(job_id).number if job_id else None)

    def job(self, job_id: str) -> Job:
        """Raises Refused where there is no such job."""
        job = self.store.job(_number(job_id, "j"))
        if job is None:
            raise Refused("unknown_job", f"there is no job {job_id[:40]!r}; `drawaudio jobs` lists them")
        return job

    def take(self, take_id: str = "") -> TakeRecord:
        """A take by its id; the current one for an empty id. Raises Refused."""
        wanted = take_id or self.store.state("current") or ""
        take = self.store.take(_number(wanted, "t"))
        if take is None:
            text = f"there is no take {take_id[:40]!r}" if take_id else "there is no take yet"
            raise Refused("unknown_take", f"{text}; `drawaudio takes` lists them")
        return take

    def status(self) -> dict[str, object]:
        with self._lock:
            return {
                "session": str(self.session.folder),
                "worker": self._worker_state,
                "worker_pid": self._worker.pid if self._worker else 0,
                "running": self._running.job.id if self._running else "",
                "jobs": self.store.counts(),
                "current": self.store.state("current") or "",
            }

    # -- takes -----------------------------------------------------------------------------------------

    def pick(self, take_id: str) -> TakeRecord:
        """Make a take the current one."""
        with self._change():
            take = self.take(take_id)
            self.store.put_state("current", take.id)
            self._tell(Event("picked", self.job(take.job_id), take))
            self.log.write("picked", take.job_id, take=take.id)
            return take

    def next_take(self, take_id: str = "") -> TakeRecord:
        return self._step(take_id, 1)

    def previous_take(self, take_id: str = "") -> TakeRecord:
        return self._step(take_id, -1)

    def _step(self, take_id: str, step: int) -> TakeRecord:
        """The neighbour among the takes of the same cue, going round at the ends."""
        take = self.take(take_id)
        family = [t.number for t in self.store.takes_of_cue(take.cue)]
        return self.pick(f"t{family[(family.index(take.number) + step) % len(family)]}")

    def keep(self, take_id: str = "") -> TakeRecord:
        """Mark a take as kept."""
        with self._change():
            number = self.take(take_id).number
            self.store.keep(number)
            take = self.take(f"t{number}")
            self._tell(Event("kept", self.job(take.job_id), take))
            self.log.write("kept", take.job_id, take=take.id)
            return take

    def audition(self, take_id: str = "") -> TakeRecord:
        """Play a take. Raises Refused where there is nothing to play it on."""
        take = self.take(take_id)
        if self.player is None:
            raise Refused("no_audio", "this service plays nothing; `drawaudio doctor` says why")
        safe_path(str(take.path), self.roots)
        try:
            self.player.play(take.path)
        except (OSError, RuntimeError, ValueError) as error:
            raise Refused("no_audio", f"{take.id} cannot be played: {error}") from error
        return take

    # -- cancelling ------------------------------------------------------------------------------------

    def cancel(self, job_id: str = "") -> Job:
        """Cancel a job; without an id the one that runs, or else the one asked for last. It leaves no files."""
        with self._lock, self._change():
            job = self.job(job_id) if job_id else self._newest_unfinished()
            if job.state not in ("queued", "running"):
                return job  # it has ended by itself: nothing to do is not an error
            running = self._running
            if running is not None and running.job.number == job.number:
                running.dropped_at = time.monotonic()
                if self._worker is not None:
                    self._worker.cancel(job.number)
            return self._end(job, "cancelled")

    def _newest_unfinished(self) -> Job:
        if self._running is not None and self._running.dropped_at is None:
            return self.job(self._running.job.id)
        queued = self.store.jobs(1, ("queued",))
        if not queued:
            raise Refused("unknown_job", "no job is running or queued")
        return queued[0]

    def _end(self, job: Job, state: str, code: str = "", text: str = "", render_s: float | None = None) -> Job:
        with self._change():
            self.store.end_job(job.number, state, code, text, render_s)
            job = self.job(job.id)
            self._tell(Event("done", job))
            self.log.write(state, job.id, code=code, text=text, render_s=render_s)
            return job

    # -- the dispatcher --------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while True:
            try:
                event = self._events.get(timeout=0.25)
            except queue.Empty:
                event = FromWorker("wake", 0)
            with self._lock:
                if event is None or self._stopping:
                    return
                try:
                    self._hear(event)
                    self._check_grace()
                    self._feed()
                except Exception as error:  # a full disk, say: the job fails, the service stays
                    self._fail_running("internal", f"{type(error).__name__}: {error}")

    def _hear(self, event: FromWorker) -> None:
        if event.kind == "wake" or event.generation != self._generation:
            return
        if event.kind == "ready":
            self._worker_state = "ready"
            self.log.write("worker ready", pid=self._worker.pid if self._worker else 0)
        elif event.kind == "broken":
            self._worker, self._worker_state = None, "down"
            self._generation += 1  # it ends by itself now; what more it says does not matter
            self.log.write("worker cannot load the model", text=event.text, details=event.details)
            self._fail_running(event.code, event.text)
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
        self._running = None
        if running.dropped_at is not None:
            _remove(event.made)
        elif event.kind == "made":
            self._finish(job, event)
        elif event.kind == "cancelled":
            self._end(job, "cancelled")
        else:
            self.log.write("render failed", job.id, text=event.text, details=event.details)
            self._end(job, "failed", event.code, event.text)

    def _tell_progress(self, job: Job, progress: Progress) -> None:
        last_job, last_time = self._last_progress
        now = time.monotonic()
        if job.number == last_job and now - last_time < PROGRESS_S:
            return
        self._last_progress = (job.number, now)
        self._tell(Event("progress", job, progress=progress))

    def _finish(self, job: Job, event: FromWorker) -> None:
        with self._change():
            for made in event.made:
                take = self.store.add_take(job, made)
                self.store.put_state("current", take.id)
                self._tell(Event("take", job, take))
                self.log.write(
                    "take", job.id, take=take.id, path=str(take.path), seed=take.seed, warnings=made.warnings
                )
            self._end(job, "done", render_s=event.render_s)

    def _fail_running(self, code: str, text: str) -> None:
        running, self._running = self._running, None
        if running is not None and running.dropped_at is None:
            self._end(running.job, "failed", code, text)

    def _lost_worker(self, reason: str) -> None:
        self._worker, self._worker_state = None, "down"
        running = self._running
        self.session.clear_partials()
        self.log.write("worker died", running.job.id if running else "-", reason=reason)
        if running is not None and not running.taken and running.job.attempts < MAX_ATTEMPTS:
            self._running = None  # it died before it saw the job: not the job's fault
            if running.dropped_at is None:
                self.store.requeue_job(running.job.number, running.job.seed, running.job.takes)
        else:
            self._fail_running("worker_died", reason)

    def _check_grace(self) -> None:
        running = self._running
        if running is None or running.dropped_at is None or self._worker is None:
            return
        if time.monotonic() - running.dropped_at > CANCEL_GRACE_S:
            self.log.write("worker killed", running.job.id, reason="it did not let go of a cancelled job")
            self._worker.kill()
            running.dropped_at = float("inf")

    def _feed(self) -> None:
        """Give the worker its next job, if it has none; start one, if there is none."""
        if self._running is not None or (job := self.store.next_job()) is None:
            return
        if self._worker is None:
            self._start_worker()
        assert self._worker is not None
        with self._change():
            self.store.start_job(job.number)
        job = self.job(job.id)
        self._running = _Running(job)
        self.log.write("started", job.id, attempt=job.attempts)
        self._worker.render(self._task(job))

    def _task(self, job: Job) -> Task:
        cue = job_cue(self.store, job)
        source = self.store.take(job.source_take) if job.source_take else None
        return Task(job.number, cue.to_json(), self.session.takes, job.name, source.path if source else None, job.part)

    def _start_worker(self) -> None:
        self._generation += 1
        self._worker_state = "loading"
        self._worker = Worker(self._renderer, self._generation, self._events.put)


def digest_of(*content: object) -> str:
    """What tells two requests with the same id apart."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _remove(made: Sequence[Made]) -> None:
    """Take away what a cancelled job had finished already."""
    for take in made:
        take.path.unlink(missing_ok=True)
        take.sidecar.unlink(missing_ok=True)


def _number(text: str, letter: str) -> int:
    """12 of "j12"; 0, which no row has, for anything else."""
    digits = text[1:]
    return int(digits) if text[:1] == letter and digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
