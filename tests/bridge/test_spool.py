"""The spool folder, driven by files alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.service import Service
from bridge.spool import PATIENCE_S, Spool
from tests.bridge.small_renderer import small_renderer

CUE = {"version": 1, "prompt": "tone", "duration_s": 0.2, "tail_s": 0, "seed": 1}


class Host:
    """What a DAW's script does."""

    def __init__(self, session: Path) -> None:
        self.session = session

    def drop(self, name: str, obj: object) -> None:
        partial = self.session / "inbox" / f"{name}.tmp"
        partial.write_text(obj if isinstance(obj, str) else json.dumps(obj), encoding="utf-8")
        partial.rename(partial.with_suffix(".json"))

    def read(self, name: str, until: Callable[[dict[str, Any]], bool], seconds: float = 120.0) -> dict[str, Any]:
        path = self.session / "outbox" / f"{name}.json"
        limit = time.monotonic() + seconds
        while True:
            if path.exists():
                obj = json.loads(path.read_text(encoding="utf-8"))
                if until(obj):
                    assert isinstance(obj, dict)
                    return obj
            assert time.monotonic() < limit, path.read_text() if path.exists() else f"no {path.name}"
            time.sleep(0.01)

    def ended(self, name: str) -> dict[str, Any]:
        return self.read(name, lambda obj: obj["state"] in ("done", "failed", "cancelled", "refused"))


@contextmanager
def serving(session: Path) -> Iterator[Service]:
    service = Service(session, small_renderer)
    spool = Spool(service)
    spool.start()
    service.start()
    yield service
    spool.stop()
    service.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("session")) as service:
        yield service


@pytest.fixture
def host(service: Service) -> Host:
    return Host(service.session.folder)


def test_a_cue_file_becomes_a_take(host: Host) -> None:
    host.drop("hit-1", {**CUE, "takes": 2})
    answer = host.ended("hit-1")
    assert answer["state"] == "done" and answer["done"] == 1.0 and [t["seed"] for t in answer["takes"]] == [1, 2]
    assert all(Path(take["path"]).is_file() for take in answer["takes"])
    assert not list((host.session / "inbox").glob("*.json"))
    host.read("current", lambda obj: bool(obj["take"]["take"] == answer["takes"][1]["take"]))


def test_a_name_may_be_used_again(host: Host) -> None:
    host.drop("again", CUE)
    first = host.ended("again")["job"]
    host.drop("again", CUE)
    host.read("again", lambda obj: obj["job"] != first and obj["state"] == "done")


def test_the_six_verbs_of_a_hotkey(host: Host, service: Service) -> None:
    host.drop("v0", CUE)
    take = host.ended("v0")["takes"][0]["take"]
    host.drop("v1", {"verb": "take/regenerate", "take": take})
    made = host.ended("v1")["takes"][0]["take"]
    host.drop("v2", {"verb": "take/next"})
    assert host.ended("v2")["take"] == take == service.take().id
    host.drop("v3", {"verb": "take/keep", "take": made})
    assert host.ended("v3")["state"] == "done" and service.take(made).kept
    host.drop("v4", {"verb": "take/regenerate", "take": take, "start_s": 0.05, "end_s": 0.1})
    assert host.ended("v4")["takes"][0]["seed"] == 3
    host.drop("v5", {**CUE, "prompt": "slow 60"})
    job = host.read("v5", lambda obj: obj["state"] == "running")["job"]
    host.drop("v6", {"verb": "job/cancel", "job": job})
    assert host.ended("v6")["state"] == "done" or host.ended("v6")["job"] == job
    assert host.ended("v5")["state"] == "cancelled"


def test_region_and_track_names_are_understood(host: Host, service: Service) -> None:
    marked = {key: value for key, value in CUE.items() if key not in ("prompt", "seed")}
    host.drop(
        "m1",
        {**marked, "marker": "tone ! speech #loose #seed=9", "markers": [{"time_s": 0.1, "text": "@box 0 0 0.5 0.5"}]},
    )
    job = service.job(host.ended("m1")["job"])
    cue = json.loads(service.store.cue_json(job.cue))
    assert (job.seed, cue["negative_prompt"], cue["loudness"]["follow"]) == (9, "speech", "loose")
    assert cue["masks"] == [{"kind": "box", "box": [0, 0, 0.5, 0.5], "time_s": 0.1}]
    for name, marker in (("m3", "Steps: tone #tight>"), ("m4", "steps : tone"), ("m5", "tone>")):
        marks = [{"time_s": 0.1, "text": "Steps: bell #tight>"}]
        host.drop(name, {**marked, "track": "Steps", "marker": marker, "markers": marks})
        job = service.job(host.ended(name)["job"])
        assert json.loads(service.store.cue_json(job.cue))["prompt"] == "tone", marker
    host.drop("m2", {**marked, "track": "tone"})
    assert Path(host.ended("m2")["takes"][0]["path"]).name.startswith("tone_take")


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        ({**CUE, "prompt": ""}, "bad_cue", "prompt"),
        ({**CUE, "colour": "red"}, "bad_cue", "colour"),
        ([], "bad_cue", "object"),
        ({"verb": "take/keep", "take": "t999"}, "unknown_take", "t999"),
        ({"verb": "take/kep"}, "unknown_address", "take/kep"),
        ({"verb": "take/keep", "tkae": "t1"}, "wrong_arguments", "tkae"),
        ({**CUE, "video": {"path": "../x.mp4"}}, "bad_path", "x.mp4"),
        ({**CUE, "prompt": "x", "marker": "dog @bx 1"}, "bad_cue", "column"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_outbox(host: Host, content: object, code: str, text: str) -> None:
    host.drop("bad", content)
    answer = host.read("bad", lambda obj: obj["state"] == "refused" and text in obj["text"])
    assert answer["code"] == code and "\n" not in answer["text"]
    assert (host.session / "inbox" / "refused" / "bad.json").exists()


def test_half_written_json_is_waited_for_and_then_refused(host: Host) -> None:
    path = host.session / "inbox" / "half.json"
    text = json.dumps(CUE)
    path.write_text(text[:20])
    time.sleep(0.3)
    assert path.exists(), "it was not refused at once"
    path.write_text(text)
    assert host.ended("half")["state"] == "done"
    path.write_text(text[:20])
    os.utime(path, (time.time() - PATIENCE_S - 1,) * 2)
    assert host.read("half", lambda obj: obj["state"] == "refused")["code"] == "bad_cue"


def test_a_name_that_is_none_does_not_stop_the_others(host: Host) -> None:
    (host.session / "inbox" / "a b c.json").write_text(json.dumps(CUE))
    host.drop("fine", CUE)
    assert host.ended("fine")["state"] == "done"
    assert host.read("a_b_c", lambda obj: True)["state"] == "refused"


def test_a_request_is_cancelled_by_its_own_id(host: Host) -> None:
    host.drop("mine", {**CUE, "prompt": "slow 60"})
    host.drop("behind", {**CUE, "prompt": "slow 60"})
    host.read("behind", lambda obj: True)
    host.drop("cancel-1", {"verb": "job/cancel", "job": "behind"})
    assert host.ended("behind")["state"] == "cancelled"
    assert host.read("mine", lambda obj: True)["state"] in ("queued", "running"), "the one that runs goes on"
    host.drop("cancel-2", {"verb": "job/cancel", "job": "mine"})
    assert host.ended("mine")["state"] == "cancelled"
    host.drop("cancel-3", {"verb": "job/cancel", "job": "min"})
    assert host.ended("cancel-3")["code"] == "unknown_job"


def test_what_ended_while_nobody_wrote_is_told_at_the_next_start(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for folder in ("inbox", "outbox"):
        (tmp_path / folder).mkdir()
    host.drop("late", CUE)
    with serving(tmp_path):
        answer = host.ended("late")
    # As a kill leaves it: the take is recorded, the last word on it was not written.
    (tmp_path / "outbox" / "late.json").write_text(json.dumps({**answer, "state": "running", "takes": []}))
    with serving(tmp_path):
        assert host.read("late", lambda obj: obj["state"] == "done", 10) == answer
