"""What a killed service left behind: finished takes are found, half-written files go, the jobs go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bridge.joblog import JobLog
from bridge.session import Session
from bridge.store import Job, Made, Store
from engine.cue import Cue

MAX_ATTEMPTS = 3
"""A job during which the service ended this often is not tried again."""


def job_cue(store: Store, job: Job) -> Cue:
    """The cue as a job renders it: with its seed and number of takes."""
    return replace(Cue.from_json(json.loads(store.cue_json(job.cue))), seed=job.seed, takes=job.takes)


def recover(session: Session, store: Store, log: JobLog) -> None:
    """Bring folder and store together again. To be called while no worker runs."""
    _complete_sidecars(session)
    gone = session.clear_leftovers()
    interrupted = store.jobs(1000, ("running",))
    for job in interrupted:
        with store.transaction():
            _take_up(session, store, log, job)
    if gone or interrupted:
        log.write("recovered", half_written=gone, interrupted=[job.id for job in interrupted])


def _complete_sidecars(session: Session) -> None:
    """A sidecar is whole on disk before its wav gets its name; the kill came before it got its own."""
    for partial in session.takes.glob("*.json.partial"):
        sidecar = partial.with_suffix("")
        if sidecar.with_suffix(".wav").exists() and not sidecar.exists():
            partial.rename(sidecar)


def _take_up(session: Session, store: Store, log: JobLog, job: Job) -> None:
    """Record the takes of an interrupted job that are whole, and queue it again for the others."""
    cue = job_cue(store, job).to_json()
    wanted = list(range(job.seed, job.seed + job.takes))
    for made in _unrecorded(session, store, cue, wanted):
        take = store.add_take(job, made)
        store.put_state("current", take.id)
        log.write("take", job.id, take=take.id, path=str(take.path), seed=take.seed, recovered=True)
        wanted.remove(made.seed)
    if not wanted:
        store.end_job(job.number, "done")
        log.write("done", job.id, recovered=True)
    elif job.attempts >= MAX_ATTEMPTS:
        text = f"the service ended {job.attempts} times while this was rendered; it is not tried again"
        store.end_job(job.number, "failed", "worker_died", text)
        log.write("failed", job.id, text=text)
    else:
        # Takes are made side by side, so that those missing are the last ones, or all.
        store.requeue_job(job.number, wanted[0], wanted[-1] - wanted[0] + 1)


def _unrecorded(session: Session, store: Store, cue: dict[str, object], seeds: list[int]) -> Iterator[Made]:
    """Whole takes of this very cue that are on disk but not in the store."""
    for sidecar in sorted(session.takes.glob("*.json")):
        wav = sidecar.with_suffix(".wav")
        try:
            obj = json.loads(sidecar.read_text(encoding="utf-8"))
            if obj["cue"] != cue or obj["seed"] not in seeds or store.has_path(wav):
                continue
            yield _made(wav, sidecar, obj)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a take of ours, or without its wav


def _made(wav: Path, sidecar: Path, obj: dict) -> Made:
    with wav.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    start = obj["start"]
    return Made(wav, sidecar, obj["seed"], start["samples"], start["rate"], obj["samples"], obj["channels"], digest)
