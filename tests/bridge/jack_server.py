"""A JACK server of the tests' own, without a sound card; skips with a reason where there is no jackd."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

RATE = 48000


@dataclass(frozen=True)
class JackServer:
    name: str
    block: int

    @property
    def block_s(self) -> float:
        return self.block / RATE


def running_jack(block: int = 256) -> Iterator[JackServer]:
    """Starts a server that this process's JACK clients connect to, and stops it."""
    pytest.importorskip("rtmidi", reason="needs python-rtmidi (pip install 'draw-an-audio[midi]')")
    for program in ("jackd", "jack_wait"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} (Debian: jackd2)")
    name = f"drawaudio-{uuid.uuid4().hex[:8]}"
    command = ["jackd", "-r", "--no-mlock", "-n", name, "-d", "dummy", "-r", str(RATE), "-p", str(block)]
    patch = pytest.MonkeyPatch()
    patch.setenv("JACK_DEFAULT_SERVER", name)
    patch.setenv("JACK_NO_START_SERVER", "1")
    patch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ready = subprocess.run(["jack_wait", "-s", name, "-w", "-t", "15"], capture_output=True)
        if ready.returncode or server.poll() is not None:
            pytest.skip(f"jackd does not start here: {ready.stdout.decode(errors='replace').strip()}")
        yield JackServer(name, block)
    finally:
        if server.poll() == -signal.SIGKILL:
            # A killed server keeps one of JACK's eight places, until one of its name ends in an orderly way.
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["jack_wait", "-s", name, "-w", "-t", "15"], capture_output=True)
        server.terminate()
        server.wait(10)
        patch.undo()
        for left in (*Path("/dev/shm").glob(f"jack_{name}_*"), *Path("/dev/shm").glob(f"jack_sem.*_{name}_*")):
            os.unlink(left)
