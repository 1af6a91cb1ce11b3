"""The commands as a user runs them: `serve` in one process, `send --wait` and the others in further ones."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVE = """
import argparse, signal, sys
from bridge.commands import serve
from tests.bridge.small_renderer import small_renderer
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have background jobs ignore it
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    sys.exit(serve.run(parser.parse_args(), small_renderer))
"""


class Served:
    """`drawaudio serve` in a process of its own, with a tone for an engine."""

    def __init__(self, folder: Path) -> None:
        self.session = folder / "session"
        self.home = folder / "home"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRAWAUDIO_HOME": str(self.home)}
        script = folder / "serve.py"
        script.write_text(SERVE)
        command = [sys.executable, str(script), str(self.session), "--port", "0", "--http-port", "0"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if line.startswith("ready"):
                break

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bridge.cli", *words],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def stop(self, kind: int = signal.SIGTERM) -> int:
        self.process.send_signal(kind)
        code = self.process.wait(60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("serve"))
    yield served
    if served.process.poll() is None:
        served.stop()


def cue_file(folder: Path, prompt: str = "tone", **changes: object) -> str:
    cue = {
        "version": 1,
        "prompt": prompt,
        "start": {"samples": 480, "rate": 48000},
        "duration_s": 0.5,
        "tail_s": 0,
        **changes,
    }
    path = folder / "cue.json"
    path.write_text(json.dumps(cue))
    return str(path)


def test_send_wait_prints_the_take(served: Served, tmp_path: Path) -> None:
    points = [{"time_s": k / 1000, "value": -k / 100} for k in range(400)]
    done = served.run("send", cue_file(tmp_path, loudness={"points": points}, takes=2), "--wait")
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.split("\n") if line]
    assert len(paths) == 2 and all(path.is_file() for path in paths)


def test_jobs_takes_and_log_look_in_from_a_shell(served: Served, tmp_path: Path) -> None:
    assert served.run("send", cue_file(tmp_path, seed=77), "--wait").returncode == 0
    jobs = served.run("jobs", "--json").stdout.splitlines()
    job = json.loads(jobs[-1])
    assert job["state"] == "done" and job["seed"] == 77
    takes = [json.loads(line) for line in served.run("takes", "--json", "--job", job["id"]).stdout.splitlines()]
    assert [take["seed"] for take in takes] == [77]
    assert "done" in served.run("jobs").stdout and "seed77" in served.run("takes").stdout
    log = served.run("log", "--job", job["id"]).stdout
    assert all(job["id"] in line for line in log.splitlines()) and "queued" in log


def test_cancel_from_a_shell_ends_send_with_130(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge.cli", "send", cue_file(tmp_path, "slow 60"), "--wait"]
    sender = subprocess.Popen(command, env=served.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while '"running"' not in "".join(p.read_text() for p in (served.session / "outbox").glob("*.json")):
        assert time.monotonic() < until
        time.sleep(0.05)
    cancelled = served.run("cancel")
    assert cancelled.returncode == 0 and re.fullmatch(r"j\d+ cancelled\n", cancelled.stdout)
    assert sender.wait(60) == 130
    assert sender.stderr is not None
    sender.stderr.close()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("send", "nowhere.json"), "nowhere.json"),
        (("cancel", "j999"), "no job 'j999'"),
        (("jobs", "--session", "/nowhere"), "no session folder"),
        (("serve", "--host", "0.0.0.0"), "--allow-remote"),
        (("serve", "--host", "example.org"), "IP address"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(served: Served, words: tuple[str, ...], text: str) -> None:
    done = served.run(*words)
    assert done.returncode == 2 and text in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_failed_job_is_told_by_send(served: Served, tmp_path: Path) -> None:
    done = served.run("send", cue_file(tmp_path, "fails"), "--wait")
    assert done.returncode == 2 and "the cue has a flaw" in done.stderr


def test_two_services_do_not_share_a_session(served: Served) -> None:
    done = served.run("serve", str(served.session), "--port", "0", "--http-port", "0")
    assert done.returncode == 2 and "another `drawaudio serve`" in done.stderr


def test_a_midi_map_with_a_slip_is_one_line(served: Served, tmp_path: Path) -> None:
    (tmp_path / "midi.json").write_text('{"version": 1, "keys": {')
    served.environment, before = {**served.environment, "DRAWAUDIO_HOME": str(tmp_path)}, served.environment
    done = served.run("serve", str(tmp_path / "session"), "--port", "0", "--http-port", "0")
    served.environment = before
    assert done.returncode == 2 and "midi.json" in done.stderr and "defect" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_token_file_is_for_its_owner_only(served: Served) -> None:
    path = served.home / "service.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = json.loads(path.read_text())
    assert re.fullmatch("[0-9a-f]{32}", found["token"]) and found["token"] not in served.said
    assert Path(found["session"]) == served.session


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.stop(signal.SIGINT) == 0
    assert not (served.home / "service.json").exists()
    done = served.run("send", cue_file(tmp_path))
    assert done.returncode == 2 and "drawaudio serve" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_a_service_is_found_again_when_a_later_one_has_ended(served: Served, tmp_path: Path) -> None:
    path = served.home / "service.json"
    first = path.read_text()
    other = subprocess.Popen(
        [sys.executable, str(served.home.parent / "serve.py"), str(tmp_path), "--port", "0", "--http-port", "0"],
        env=served.environment,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert other.stderr is not None
    while not other.stderr.readline().startswith("ready"):
        pass
    assert path.read_text() != first
    other.send_signal(signal.SIGINT)
    other.wait(60)
    other.stderr.close()
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert path.read_text() == first


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
def test_send_does_not_wait_for_a_service_that_was_killed(tmp_path: Path) -> None:
    served = Served(tmp_path)
    command = [sys.executable, "-m", "bridge.cli", "send", cue_file(tmp_path, "slow 60"), "--wait"]
    sending = subprocess.Popen(command, env=served.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    takes = served.session / "takes"
    while not list(takes.glob("*.partial")):
        time.sleep(0.05)
    served.stop(signal.SIGKILL)
    _, said = sending.communicate(timeout=60)
    assert sending.returncode == 2
    assert said.splitlines()[-1].startswith("drawaudio: the service has gone; j1 goes on when it is started again")
