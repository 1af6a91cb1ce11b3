"""The service with a real worker process, a real database and real files; only the sound is a plain tone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bridge.broadcast_wave import read_broadcast_wave
from bridge.events import Event
from bridge.refused import Refused
from bridge.service import Service
from bridge.store import BOUNCE_PRIORITY, Job
from engine.cue import Cue, Span
from tests.bridge.small_renderer import small_renderer, without_model

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL to send to oneself")


def cue(prompt: str = "tone", **changes: object) -> Cue:
    values: dict[str, object] = {"span": Span(480_000, 48_000, 0.5), "tail_s": 0.0, "seed": 7, **changes}
    return Cue(prompt, **values)  # type: ignore[arg-type]


def wait(condition: Callable[[], object], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.005)


def ended(service: Service, job: Job, seconds: float = 120.0) -> Job:
    wait(lambda: service.job(job.id).state in ("done", "failed", "cancelled"), seconds)
    return service.job(job.id)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "session", small_renderer)
    service.start()
    yield service
    service.stop()


def test_a_cue_becomes_a_take(service: Service) -> None:
    job = ended(service, service.submit(cue(takes=2)))
    assert job.state == "done" and job.render_s is not None
    second, first = service.takes(job.id)
    assert (first.seed, second.seed) == (7, 8)
    wave = read_broadcast_wave(first.path)
    assert wave.time_reference == first.start_samples == 480_000
    assert len(wave.audio) == first.samples == 24_000
    assert service.take() == second, "the newest take is the current one"


def test_events_come_in_order_and_progress_is_limited(service: Service) -> None:
    events: list[tuple[float, Event]] = []
    service.watch(lambda event: events.append((time.monotonic(), event)))
    job = ended(service, service.submit(cue("slow 0.6")))
    kinds = [event.kind for _, event in events]
    assert kinds[:2] == ["queued", "progress"] and kinds[-2:] == ["take", "done"]
    times = [at for at, event in events if event.kind == "progress"][1:]
    assert len(times) >= 3
    assert min(np.diff(times)) > 0.09
    assert events[-1][1].job.id == job.id


def test_regenerate_next_previous_keep(service: Service) -> None:
    ended(service, service.submit(cue()))
    first = service.take()
    job = ended(service, service.regenerate())
    second = service.take()
    assert (job.seed, second.seed) == (8, 8)
    assert second.start_samples == first.start_samples and second.sha256 != first.sha256
    assert service.next_take().id == first.id, "round the end"
    assert service.previous_take().id == second.id
    assert service.regenerate(first.id).seed == 9, "a seed is never used twice for a cue"
    assert service.take(first.job_id) == first, "a job stands for its newest take"
    assert service.keep(first.id).kept and not service.take(second.id).kept


def test_regenerating_a_part_leaves_the_rest(service: Service) -> None:
    ended(service, service.submit(cue()))
    old = read_broadcast_wave(service.take().path).audio
    job = ended(service, service.regenerate(part=(0.1, 0.2)))
    assert job.state == "done", job.text
    new = read_broadcast_wave(service.take().path).audio
    assert np.array_equal(old[:4800], new[:4800]) and np.array_equal(old[9600:], new[9600:])
    assert not np.array_equal(old[4800:9600], new[4800:9600])
    with pytest.raises(Refused, match="does not lie"):
        service.regenerate(part=(0.2, 5.0))


def test_what_is_not_there_is_refused(service: Service) -> None:
    for call, code in (
        (lambda: service.take(), "unknown_take"),
        (lambda: service.take("t99"), "unknown_take"),
        (lambda: service.job("x'; DROP TABLE jobs"), "unknown_job"),
        (lambda: service.cancel(), "unknown_job"),
        (lambda: service.audition(), "unknown_take"),
        (lambda: service.curve_json("none"), "unknown_curve"),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.code == code


def test_actions_are_what_keys_are_mapped_to(service: Service) -> None:
    assert set(service.actions) == {"regenerate", "next_take", "previous_take", "keep", "audition", "cancel"}
    ended(service, service.submit(cue()))
    service.actions["keep"]()
    assert service.take().kept


def test_now_overtakes_the_bounce_queue(service: Service) -> None:
    order: list[int] = []
    service.watch(lambda event: order.append(event.job.number) if event.kind == "done" else None)
    running = service.submit_bounce(cue("slow 0.3"))
    wait(lambda: service.job(running.id).state == "running")
    bounced = [service.submit_bounce(cue()) for _ in range(3)]
    asked = [service.submit(cue()) for _ in range(2)]
    ended(service, bounced[-1])
    assert order == [running.number, *(j.number for j in asked), *(j.number for j in bounced)]
    assert service.job(running.id).priority == BOUNCE_PRIORITY


def test_a_running_job_is_cancelled_at_once_and_leaves_nothing(service: Service) -> None:
    job = service.submit(cue("slow 20"))
    wait(lambda: list(service.session.takes.glob("*.partial")))
    began = time.monotonic()
    assert service.cancel().state == "cancelled"
    assert time.monotonic() - began < 0.2
    after = ended(service, service.submit(cue("tone", seed=50)))
    assert after.state == "done"
    names = sorted(path.name for path in service.session.takes.iterdir())
    assert len(names) == 2 and all("seed50" in name for name in names)
    assert service.cancel(job.id).state == "cancelled", "cancelling twice is no error"


def test_a_worker_that_does_not_let_go_is_killed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.dispatcher.CANCEL_GRACE_S", 0.2)
    job = service.submit(cue("stuck 60"))
    wait(lambda: list(service.session.takes.glob("*.partial")))
    service.cancel(job.id)
    assert ended(service, service.submit(cue())).state == "done"
    assert service.job(job.id).state == "cancelled"
    assert not leftovers(service)


def leftovers(service: Service) -> list[str]:
    """What is neither a take nor its sidecar."""
    return [path.name for path in service.session.takes.iterdir() if path.suffix not in (".wav", ".json")]


@UNIX
@pytest.mark.parametrize(
    ("prompt", "code", "text"),
    [
        ("killed", "worker_died", "SIGKILL; often the system was out of memory"),
        ("exits", "worker_died", "code 7"),
        ("fails", "render_failed", "the cue has a flaw"),
    ],
)
def test_a_crash_fails_one_job_and_the_next_runs(service: Service, prompt: str, code: str, text: str) -> None:
    job, after = service.submit(cue(prompt)), service.submit(cue())
    failed = ended(service, job)
    assert (failed.state, failed.code) == ("failed", code) and text in failed.text
    assert ended(service, after).state == "done"
    assert not leftovers(service)


@UNIX
def test_a_worker_killed_while_idle_is_replaced(service: Service) -> None:
    ended(service, service.submit(cue()))
    pid = service.status()["worker_pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    wait(lambda: service.status()["worker"] == "down")
    assert ended(service, service.submit(cue())).state == "done"


@contextmanager
def full_disk(service: Service) -> Iterator[None]:
    """No file of this process may grow beyond what the database's journal has now: to SQLite, a full disk."""
    import resource

    journal = service.session.database.with_name(service.session.database.name + "-wal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@UNIX
def test_a_take_that_ends_on_a_full_disk_is_recorded_when_there_is_room(service: Service) -> None:
    job = service.submit(cue("slow 0.5"))
    wait(lambda: service.job(job.id).state == "running")
    with full_disk(service):
        wait(lambda: list(service.session.takes.glob("slow*.wav")))
        with pytest.raises(Refused, match=r"cannot be written .* nothing was changed"):
            service.submit(cue())
        time.sleep(0.6)
        assert service.job(job.id).state == "running"
    assert ended(service, job).state == "done" and len(service.takes(job.id)) == 1
    assert ended(service, service.submit(cue())).state == "done"


@UNIX
def test_a_session_folder_that_was_taken_away_is_said(service: Service) -> None:
    shutil.rmtree(service.session.folder)
    with pytest.raises(Refused, match="the session folder has gone"):
        service.submit(cue())


def test_a_missing_model_is_said_plainly(tmp_path: Path) -> None:
    service = Service(tmp_path, without_model)
    service.start()
    try:
        for _ in range(2):
            job = ended(service, service.submit(cue()))
            assert (job.state, job.code) == ("failed", "missing_model") and "drawaudio models" in job.text
    finally:
        service.stop()


def test_a_session_folder_has_one_service(service: Service) -> None:
    with pytest.raises(Refused, match="another"):
        Service(service.session.folder, small_renderer)


def test_a_request_id_counts_once_even_from_many_threads(service: Service) -> None:
    answers = []

    def ask() -> None:
        answers.append(service.once("r1", "d", lambda: {"job": service.submit(cue(), request_id="r1").id}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["job"] for answer in answers}) == 1 and len(service.jobs()) == 1
    with pytest.raises(Refused, match="used before"):
        service.once("r1", "another", dict)


def test_a_refused_request_may_be_mended(service: Service) -> None:
    def refuse() -> dict[str, object]:
        raise Refused("bad_cue", "no")

    with pytest.raises(Refused):
        service.once("r2", "d", refuse)
    assert service.once("r2", "e", lambda: {"ok": 1}) == {"ok": 1}


SERVE = """
import sys, time
from pathlib import Path
from bridge.service import Service
from tests.bridge.small_renderer import small_renderer
from tests.bridge.test_service import cue
if __name__ == "__main__":
    service = Service(Path(sys.argv[1]), small_renderer)
    service.start()
    for prompt in ["tone", "slow 30", "tone", "tone"]:
        print(service.submit(cue(prompt), request_id=None or f"r{time.time_ns()}").id, flush=True)
    time.sleep(60)
"""


@UNIX
def test_kill_9_of_the_service_loses_nothing_acknowledged(tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text(SERVE)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "s")], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert process.stdout is not None
    jobs = [process.stdout.readline().strip() for _ in range(4)]
    takes = tmp_path / "s" / "takes"
    wait(lambda: list(takes.glob("*.partial")) and list(takes.glob("tone*.json")))
    process.kill()
    process.wait()
    process.stdout.close()
    time.sleep(0.3)  # its worker notices and ends, too

    service = Service(tmp_path / "s", small_renderer)
    try:
        assert not list(takes.glob("*.partial"))
        assert [service.job(job).state for job in jobs] == ["done", "queued", "queued", "queued"]
        service.start()
        service.cancel(jobs[1])
        for job in jobs[2:]:
            assert ended(service, service.job(job)).state == "done"
        assert len(service.takes()) == 3
    finally:
        service.stop()


def test_a_take_finished_just_before_the_kill_is_found(tmp_path: Path) -> None:
    service = Service(tmp_path, small_renderer)
    service.start()
    job = ended(service, service.submit(cue(takes=2)))
    service.stop()
    # As if the kill had come between the worker's last rename and our commit: files there, rows not.
    import sqlite3

    with sqlite3.connect(service.session.database) as db:
        db.execute("DELETE FROM takes")
        db.execute("UPDATE jobs SET state = 'running'")
    db.close()
    sidecar = next(service.session.takes.glob("*take02*.json"))
    sidecar.rename(sidecar.with_name(sidecar.name + ".partial"))
    again = Service(tmp_path, small_renderer)
    try:
        assert again.job(job.id).state == "done"
        assert sorted(take.seed for take in again.takes(job.id)) == [7, 8]
    finally:
        again.stop()


def test_every_log_line_has_a_job(service: Service) -> None:
    job = ended(service, service.submit(cue()))
    lines = [json.loads(line) for line in service.session.log.read_text().splitlines()]
    assert all("job" in line and "event" in line for line in lines)
    assert [line["event"] for line in lines if line["job"] == job.id] == ["queued", "started", "take", "done"]


def test_a_thousand_jobs_keep_their_order_and_any_is_cancelled_quickly(tmp_path: Path) -> None:
    service = Service(tmp_path, small_renderer)
    try:
        with service.store.transaction():
            jobs = [service.submit(cue(seed=k)) for k in range(1000)]
        assert service.store.ahead(jobs[-1]) == 999
        began = time.monotonic()
        service.cancel(jobs[500].id)
        assert time.monotonic() - began < 0.2
        first = service.store.next_job()
        assert first is not None and first.number == jobs[0].number
        assert service.store.ahead(jobs[-1]) == 998
    finally:
        service.stop()
