"""The service: the one object behind every door (OSC, MIDI, HTTP, spool folder, command line).

Every change is committed to the store before it is answered, and told to the watchers after that, in order.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bridge.cue_request import safe_path
from bridge.dispatcher import Dispatcher
from bridge.events import Event
from bridge.joblog import JobLog
from bridge.recovery import recover
from bridge.refused import Refused
from bridge.session import Session
from bridge.store import BOUNCE_PRIORITY, NOW_PRIORITY, Job, Store, TakeRecord
from bridge.worker import RendererFactory, engine_renderer
from engine.cue import Cue
from engine.curve import LoudnessCurve
from engine.take import Progress

MAX_QUEUED = 10_000


class Player(Protocol):
    """What the service needs of `bridge.audition.Player`."""

    def play(self, path: Path) -> None: ...


class Midi(Protocol):
    """What the service needs of `bridge.midi.door.MidiDoor`."""

    def learn(self, action: str, learned: Callable[[Any], None]) -> None: ...

    def start_capture(self) -> None: ...

    def finish_capture(self, start_s: float | None = None, duration_s: float | None = None) -> Any: ...


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
        self.lock = threading.RLock()
        self._watchers: list[Callable[[Event], None]] = []
        self._pending: list[Event] = []
        self._depth = 0
        self._dispatcher = Dispatcher(self, renderer)
        self.store.forget_old()
        self.session_id = self._named_session()
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

    def _named_session(self) -> str:
        """The session's own id, given once: take ids begin anew in every session folder, and a folder may be moved."""
        known = self.store.state("session_id")
        if known is None:
            known = secrets.token_hex(8)
            with self.store.transaction():
                self.store.put_state("session_id", known)
        return known

    def start(self) -> None:
        """Load the model and begin to render what is queued."""
        self.log.write("service started", session=str(self.session.folder))
        self._dispatcher.start()

    def stop(self) -> None:
        """End the worker. The job it had in hand is queued again, for the next start."""
        self._dispatcher.stop()
        self.session.clear_leftovers()
        self.log.write("service stopped")
        self.log.close()
        self.store.close()
        self.session.unlock()

    def watch(self, callback: Callable[[Event], None]) -> None:
        """Have `callback` called with every event, in order, from whatever thread caused it. It must not block."""
        with self.lock:
            self._watchers.append(callback)

    @contextmanager
    def change(self, synced: bool = True) -> Iterator[None]:
        """A transaction of the store; its events are told when it is committed."""
        with self.lock:
            self._depth += 1
            try:
                with self.store.transaction(synced):
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
                    self.tell(event)

    def tell(self, event: Event) -> None:
        """Pass an event on, inside a change as soon as that is committed. The caller holds the lock."""
        if self._depth:
            self._pending.append(event)
            return
        for watcher in self._watchers:
            try:
                watcher(event)
            except Exception as error:  # one door's fault must not stop the others
                self.log.write("watcher failed", event.job.id, error=repr(error))

    # -- asking for takes ------------------------------------------------------------------------------

    def once(
        self, request: str, digest: str, act: Callable[[], dict[str, object]], synced: bool = True
    ) -> dict[str, object]:
        """Carry out `act` unless `request` was carried out before; its answer. Raises Refused for another `digest`."""
        with self.lock:
            known = self.store.answer(request)
            if known is None:
                with self.change(synced):
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
        with self.change():
            number = self.store.add_cue(
                json.dumps(cue.to_json()), name, cue.prompt or " + ".join(s.prompt for s in cue.sources)
            )
            return self._queue(number, request_id, seed, cue.takes, priority)

    def submit_bounce(self, cue: Cue, *, request_id: str = "", name: str = "") -> Job:
        """As `submit`, behind everything a designer asks for."""
        return self.submit(cue, request_id=request_id, name=name, priority=BOUNCE_PRIORITY)

    def regenerate(self, take_id: str = "", part: tuple[float, float] | None = None, *, request_id: str = "") -> Job:
        """The take's cue again with the next seed, or only `part` of the take, in seconds from the span's start."""
        with self.change():
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
        if not self.session.database.exists():
            raise Refused("bad_path", f"{self.session.folder}: the session folder has gone; restart `drawaudio serve`")
        if self.store.counts().get("queued", 0) >= MAX_QUEUED:
            raise Refused("busy", f"{MAX_QUEUED} jobs are queued; wait or cancel some")
        request = request or f"local-{secrets.token_hex(6)}"
        job = self.store.add_job(cue, request, seed, takes, priority, source, part)
        self.tell(Event("queued", job))
        self.tell(Event("progress", job, progress=Progress(0.0, "queued")))
        self.log.write("queued", job.id, request=request, prompt=job.prompt, seed=seed, takes=takes)
        self._dispatcher.wake()
        return job

    def store_curve(self, name: str, curve: LoudnessCurve, digest: str = "") -> None:
        """Keep a curve under a name for cues to come; `digest` is what tells it from another of that name."""
        with self.change():
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
        """A job by its id, or by that of the request that asked for it. Raises Refused where there is no such job."""
        job = self.store.job(_number(job_id, "j")) or self.store.job_of_request(job_id)
        if job is None:
            raise Refused("unknown_job", f"there is no job {job_id[:40]!r}; `drawaudio jobs` lists them")
        return job

    def take(self, take_id: str = "") -> TakeRecord:
        """A take by its id, or the newest of a job by the job's; the current one for an empty id. Raises Refused."""
        if take_id.startswith("j") and (newest := self.takes(take_id, limit=1)):
            return newest[0]
        wanted = take_id or self.store.state("current") or ""
        take = self.store.take(_number(wanted, "t"))
        if take is None:
            text = f"there is no take {take_id[:40]!r}" if take_id else "there is no take yet"
            raise Refused("unknown_take", f"{text}; `drawaudio takes` lists them")
        return take

    def status(self) -> dict[str, object]:
        with self.lock:
            return {
                "session": str(self.session.folder),
                **self._dispatcher.status(),
                "jobs": self.store.counts(),
                "current": self.store.state("current") or "",
            }

    def public_status(self) -> dict[str, object]:
        """The part of the status that is told without a token."""
        status = self.status()
        return {key: status[key] for key in ("worker", "running", "jobs", "current")}

    # -- takes -----------------------------------------------------------------------------------------

    def pick(self, take_id: str) -> TakeRecord:
        """Make a take the current one."""
        with self.change():
            take = self.take(take_id)
            self.store.put_state("current", take.id)
            self.tell(Event("picked", self.job(take.job_id), take))
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
        with self.change():
            number = self.take(take_id).number
            self.store.keep(number)
            take = self.take(f"t{number}")
            self.tell(Event("kept", self.job(take.job_id), take))
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
        # Not synced: a cancelled job that a power cut brings back does no harm, and this must be quick on any disk.
        with self.change(synced=False):
            job = self.job(job_id) if job_id else self._newest_unfinished()
            if job.state not in ("queued", "running"):
                return job  # it has ended by itself: nothing to do is not an error
            self._dispatcher.drop(job)
            return self.end(job, "cancelled")

    def _newest_unfinished(self) -> Job:
        if running := self._dispatcher.running_job():
            return self.job(running)
        queued = self.store.jobs(1, ("queued",))
        if not queued:
            raise Refused("unknown_job", "no job is running or queued")
        return queued[0]

    def end(self, job: Job, state: str, code: str = "", text: str = "", render_s: float | None = None) -> Job:
        """Note how a job ended."""
        with self.change():
            self.store.end_job(job.number, state, code, text, render_s)
            job = self.job(job.id)
            self.tell(Event("done", job))
            self.log.write(state, job.id, code=code, text=text, render_s=render_s)
            return job


def digest_of(*content: object) -> str:
    """What tells two requests with the same id apart."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _number(text: str, letter: str) -> int:
    """12 of "j12"; 0, which no row has, for anything else."""
    digits = text[1:]
    return int(digits) if text[:1] == letter and digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
