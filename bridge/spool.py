"""The spool folder: cue files dropped into `inbox/` become jobs, results appear in `outbox/` as JSON.

For hosts whose scripts cannot open sockets, or cannot receive. One thread polls the inbox and writes the outbox.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.cue_request import parse_json
from bridge.events import Event
from bridge.osc.binding import Values, check_named
from bridge.osc.spec import IDENTIFIER, IN_BY_ADDRESS, PREFIX
from bridge.refused import Refused
from bridge.service import Service
from bridge.session import write_whole
from bridge.store import TakeRecord
from bridge.verbs import Verbs, request_name

POLL_S = 0.05
MAX_FILE = 32 * 2**20
PATIENCE_S = 2.0
"""A file that is not JSON yet is looked at again for this long: not every writer renames."""
KEEP_S = 7 * 86_400.0
UNFINISHED = ("queued", "running")
UNSPOOLED = ("status", "job/watch", "job/list", "take/list", "capture/begin", "capture/value", "capture/end")
"""Verbs that make no sense as a file."""


@dataclass(frozen=True)
class Acknowledgement:
    """A request without a job that was carried out, to be told in the outbox."""

    request: str
    result: dict[str, object]


@dataclass(frozen=True)
class Refusal:
    """A request that was refused, to be told in the outbox."""

    request: str
    code: str
    text: str


class Spool:
    """Polls and writes until `stop`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._verbs = Verbs(service)
        self._session = service.session
        self._work: queue.Queue[Event | Acknowledgement | Refusal | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        for old in self._session.outbox.glob("*.json"):
            if time.time() - old.stat().st_mtime > KEEP_S:
                old.unlink(missing_ok=True)
        self._service.watch(self._work.put)
        self._catch_up()
        self._thread.start()

    def _catch_up(self) -> None:
        """Tell how jobs ended while nobody wrote: between its commit and its outbox file a service may be killed."""
        for path in self._session.outbox.glob("*.json"):
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
                if (
                    told.get("state") in UNFINISHED
                    and (job := self._service.job(str(told["job"]))).state not in UNFINISHED
                ):
                    self._work.put(Event("done", job))
            except (OSError, ValueError, KeyError, AttributeError, Refused):
                continue  # `current.json`, or not a file of ours

    def stop(self) -> None:
        self._work.put(None)
        self._thread.join(5)

    def tell_refusal(self, request: str, code: str, text: str) -> None:
        """Have a refused request told in the outbox, for a sender that cannot receive."""
        if re.fullmatch(IDENTIFIER, request) and code != "conflict":  # of a conflict, the first request's answer stands
            self._work.put(Refusal(request, code, text))

    def tell_done(self, request: str, result: str) -> None:
        """Have a request that made no job told in the outbox; `result` is JSON."""
        self._work.put(Acknowledgement(request, json.loads(result)))

    def _run(self) -> None:
        next_look = 0.0
        while True:
            try:
                item = self._work.get(timeout=max(0.001, next_look - time.monotonic()))
                if item is None:
                    return
                self._write(item)
            except queue.Empty:
                pass
            except Exception as error:  # a full disk must not end the thread
                self._service.log.write_seldom("outbox cannot be written", error=repr(error))
            # What happened before comes first: a refusal must not be overwritten by the last word on an earlier job.
            if time.monotonic() >= next_look and self._work.empty():
                self._look()
                next_look = time.monotonic() + POLL_S

    # -- inbox -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            with os.scandir(self._session.inbox) as entries:
                files = [
                    (e.stat().st_mtime_ns, Path(e.path)) for e in entries if e.name.endswith(".json") and e.is_file()
                ]
        except OSError as error:
            self._service.log.write_seldom("inbox cannot be read", error=repr(error))
            return
        for modified, path in sorted(files):
            try:
                self._take(path, modified)
            except Refused as refused:
                if refused.code == "no_room":  # it stays where it is until there is
                    self._service.log.write_seldom("inbox file waits", file=path.name, text=refused.text)
                    continue
                self._refuse(path, refused)
            except Exception as error:
                self._service.log.write("inbox file failed", file=path.name, error=repr(error))
                self._refuse(
                    path, Refused("internal", f"{path.name}: a fault of ours; `drawaudio log` has the details")
                )

    def _take(self, path: Path, modified: int) -> None:
        name = path.stem
        if not re.fullmatch(IDENTIFIER, name):
            raise Refused("wrong_arguments", f"{path.name!r}: a name is up to 64 letters, digits, `_`, `-` and `.`")
        if path.stat().st_size > MAX_FILE:
            raise Refused("too_large", f"{path.name}: larger than {MAX_FILE // 2**20} MiB")
        try:
            content = path.read_bytes()
            text = content.decode("utf-8-sig")
            obj = parse_json(text, path.name)
        except (Refused, UnicodeDecodeError, OSError) as error:
            if time.time() - modified / 1e9 < PATIENCE_S:
                return
            text = f"{path.name}: cannot be read as UTF-8 text"
            raise error if isinstance(error, Refused) else Refused("bad_cue", text) from error
        # A file seen twice, because we were killed before removing it, is one request; a name used again is two.
        stamp = hashlib.sha256(content + str(modified).encode()).hexdigest()[:16]
        verb, values = self._read(obj, text)
        values["request"] = f"{name}~{stamp}"
        answers = self._verbs.perform(verb, values)
        path.unlink(missing_ok=True)
        if not any(address == "job/queued" for address, _ in answers):
            self._write(Acknowledgement(name, _results(answers)))

    def _read(self, obj: object, text: str) -> tuple[str, Values]:
        """The verb a file asks for, and its arguments by name."""
        if not isinstance(obj, dict) or "verb" not in obj:
            return "cue/submit", {"cue": text, "name": "", "queue": "now"}
        named = {key: value for key, value in obj.items() if key != "verb"}
        verb = IN_BY_ADDRESS.get(f"{PREFIX}/{obj['verb']}")
        if verb is None or verb.address in UNSPOOLED or verb.repeats or verb.address == "curve/begin":
            raise Refused(
                "unknown_address", f"verb {str(obj['verb'])[:60]!r} is not one for the inbox; docs/osc.md lists them"
            )
        if isinstance(named.get("cue"), dict):
            named["cue"] = json.dumps(named["cue"])
        return verb.address, check_named(verb, named)

    def _refuse(self, path: Path, refused: Refused) -> None:
        folder = self._session.inbox / "refused"
        folder.mkdir(exist_ok=True)
        os.replace(path, folder / path.name)
        self._service.log.write("refused", file=path.name, code=refused.code, text=refused.text)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem).lstrip(".")[:64] or "_"
        self._write_refusal(Refusal(name, refused.code, refused.text))

    # -- outbox ----------------------------------------------------------------------------------------

    def _write(self, item: Event | Acknowledgement | Refusal) -> None:
        if isinstance(item, Refusal):
            self._write_refusal(item)
            return
        if isinstance(item, Acknowledgement):
            told = {"request": item.request, "state": "done", "code": "", "text": "", "takes": []}
            self._write_outbox(item.request, {**told, **item.result})
            return
        if item.kind in ("picked", "take") and item.take is not None:
            self._write_outbox("current", {"take": take_json(item.take)})
        if item.kind == "progress" and not self._work.empty():
            return  # something newer is to be written anyway
        if item.kind not in ("picked", "kept"):
            self._write_job(item)

    def _write_job(self, event: Event) -> None:
        job = self._service.job(event.job.id)
        ended = job.state in ("done", "failed", "cancelled")
        done, stage = (event.progress.done, event.progress.stage) if event.progress else (0.0, job.state)
        self._write_outbox(
            request_name(job),
            {
                "request": request_name(job),
                "job": job.id,
                "state": job.state,
                "done": 1.0 if job.state == "done" else round(done, 4),
                "stage": job.state if ended else stage,
                "code": job.code,
                "text": job.text,
                "cue": f"c{job.cue}",
                "takes": [take_json(take) for take in reversed(self._service.takes(job.id))],
            },
        )

    def _write_refusal(self, refusal: Refusal) -> None:
        self._write_outbox(
            refusal.request,
            {"request": refusal.request, "state": "refused", "code": refusal.code, "text": refusal.text, "takes": []},
        )

    def _write_outbox(self, name: str, obj: dict[str, object]) -> None:
        if re.fullmatch(IDENTIFIER, name):
            write_whole(self._session.outbox / f"{name}.json", json.dumps(obj, indent=1, ensure_ascii=False) + "\n")


def _results(answers: list[tuple[str, dict[str, object]]]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for address, values in answers:
        if address == "ack":
            merged |= json.loads(str(values["result"]))
    return merged


def take_json(take: TakeRecord) -> dict[str, object]:
    """A take as the outbox tells it."""
    return {
        "take": take.id,
        "path": str(take.path),
        "start_samples": take.start_samples,
        "rate": take.rate,
        "samples": take.samples,
        "channels": take.channels,
        "seed": take.seed,
    }
