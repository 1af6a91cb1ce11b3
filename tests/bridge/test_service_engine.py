"""The service with the shipped model: what a designer gets from `drawaudio serve` and `drawaudio send --wait`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.broadcast_wave import read_broadcast_wave

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "engine" / "weights").exists(), reason="no shipped weights in this checkout"
)

CUE = {
    "version": 1,
    "prompt": "footsteps on gravel",
    "start": {"samples": 172_800_000, "rate": 48_000},
    "duration_s": 1.0,
    "tail_s": 0,
    "seed": 7,
    "loudness": {"points": [{"time_s": 0, "value": -12}, {"time_s": 0.5, "value": 0}, {"time_s": 1, "value": -12}]},
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`drawaudio serve` on free ports, as it is."""
    folder = tmp_path_factory.mktemp("served")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRAWAUDIO_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "bridge.cli", "serve", str(folder / "session"), "--port", "0", "--http-port", "0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("ready"):
            break
    yield environment
    process.terminate()
    process.communicate(timeout=60)


def run(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "bridge.cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cue_sent_comes_back_as_a_take_at_its_place(environment: dict[str, str], tmp_path: Path) -> None:
    cue = tmp_path / "cue.json"
    cue.write_text(json.dumps(CUE))
    (path,) = run(environment, "send", str(cue), "--wait").split()
    wave = read_broadcast_wave(Path(path))
    assert wave.time_reference == 172_800_000 and wave.audio.shape == (48_000, 1)
    assert 20 * np.log10(np.sqrt(np.mean(wave.audio**2))) > -40, "it is not silence"
    sidecar = json.loads(Path(path).with_suffix(".json").read_text())
    assert sidecar["curve"]["error_db"]["after"] < 3.0


def test_a_part_made_anew_leaves_the_rest(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.commands.send import connect

    monkeypatch.setenv("DRAWAUDIO_HOME", environment["DRAWAUDIO_HOME"])
    old = json.loads(run(environment, "takes", "--json").splitlines()[-1])
    with connect() as client:
        queued = client.request("take/regenerate", "job/queued", take=old["id"], start_s=0.4, end_s=0.6)
        for answer in client.answers(900):
            if answer.verb == "job/done" and answer.values["job"] == queued.values["job"]:
                assert answer.values["state"] == "done", answer.values["text"]
                break
    new = json.loads(run(environment, "takes", "--json").splitlines()[-1])
    assert new["seed"] == 8
    a, b = (read_broadcast_wave(Path(take["path"])).audio for take in (old, new))
    inside = slice(round(0.4 * 48_000), round(0.6 * 48_000))
    assert not np.array_equal(a[inside], b[inside])
    a[inside] = b[inside] = 0
    assert np.array_equal(a, b)
