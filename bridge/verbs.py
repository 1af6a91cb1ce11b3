"""What each verb of the spec table does: the same for OSC and for the spool folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bridge.cue_request import parse_json, read_cue, safe_path
from bridge.errors import UserError
from bridge.osc.capture import StreamCapture
from bridge.osc.chunks import Assembler, Header, Whole
from bridge.osc.spec import INCOMING
from bridge.refused import Refused
from bridge.service import Midi, Service, digest_of
from bridge.store import BOUNCE_PRIORITY, NOW_PRIORITY, Job, TakeRecord
from engine.curve import LoudnessCurve

Values = Mapping[str, Any]
Answer = tuple[str, dict[str, object]]
"""Address of an outgoing message, without the prefix, and its arguments by name."""

UNSYNCED = ("job/cancel", "take/next", "take/previous", "take/pick", "take/audition", "midi/learn")
"""Verbs that are answered without waiting for the disk: a power cut that undoes them does no harm."""

LISTED_JOBS, LISTED_TAKES = 100, 200
VERSION = 1


class Verbs:
    """Carries out verbs on a service. Not thread-safe where curves are concerned: one `Verbs` per door."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._assembler = Assembler()
        self._capture: tuple[str, StreamCapture | None] | None = None
        self._captured: tuple[str, list[Answer]] = ("", [])
        self._table: dict[str, Callable[[Values], list[Answer]]] = {
            "status": self._status,
            "cue/submit": self._submit,
            "curve/begin": self._curve_begin,
            "curve/chunk": self._curve_chunk,
            "curve/end": self._curve_end,
            "capture/begin": self._capture_begin,
            "capture/value": self._capture_value,
            "capture/end": self._capture_end,
            "midi/learn": self._learn,
            "job/cancel": self._cancel,
            "job/watch": self._watch,
            "job/list": self._job_list,
            "take/list": self._take_list,
            "take/regenerate": self._regenerate,
            "take/next": self._take_verb("take/next", service.next_take),
            "take/previous": self._take_verb("take/previous", service.previous_take),
            "take/pick": self._take_verb("take/pick", lambda take: service.pick(take or service.take().id)),
            "take/keep": self._take_verb("take/keep", service.keep),
            "take/audition": self._take_verb("take/audition", service.audition),
            "project/bounce": self._bounce,
        }
        assert set(self._table) == {verb.address for verb in INCOMING}

    def perform(self, verb: str, values: Values) -> list[Answer]:
        """Carry out one verb with checked arguments; what to answer. Raises Refused."""
        return self._table[verb](values)

    def _once(self, verb: str, values: Values, act: Callable[[], dict[str, object]]) -> dict[str, object]:
        content = {key: value for key, value in values.items() if key != "token"}
        return self.service.once(values["request"], digest_of(verb, content), act, synced=verb not in UNSYNCED)

    def _acknowledged(self, verb: str, values: Values, act: Callable[[], dict[str, object]]) -> list[Answer]:
        result = self._once(verb, values, act)
        return [("ack", {"request": values["request"], "verb": verb, "result": json.dumps(result)})]

    def _queued(self, verb: str, values: Values, act: Callable[[], Job]) -> list[Answer]:
        fresh = False

        def make() -> dict[str, object]:
            nonlocal fresh
            fresh, job = True, act()
            return {"job": job.id, "ahead": self.service.store.ahead(job)}

        answer = self._once(verb, values, make)
        answers: list[Answer] = [("job/queued", {"request": values["request"], **answer})]
        # The usual case ends here, without another look into the store: it may be busy with the job's start by now.
        if not fresh and (job := self.service.job(str(answer["job"]))).state not in ("queued", "running"):
            answers += [("take/ready", take_values(take, job)) for take in reversed(self.service.takes(job.id))]
            answers.append(("job/done", done_values(job)))
        return answers

    # -- cues and curves -------------------------------------------------------------------------------

    def _status(self, values: Values) -> list[Answer]:
        status = {"version": VERSION, **self.service.public_status()}
        return [("status", {"request": values["request"], "status": json.dumps(status)})]

    def _submit(self, values: Values) -> list[Answer]:
        def act() -> Job:
            obj = parse_json(values["cue"], "cue")
            name = values["name"] or (str(obj.get("track", "")) if isinstance(obj, dict) else "")
            cue = read_cue(obj, self.service.curve_json, self.service.roots)
            priority = BOUNCE_PRIORITY if values["queue"] == "bounce" else NOW_PRIORITY
            return self.service.submit(cue, request_id=values["request"], name=name, priority=priority)

        return self._queued("cue/submit", values, act)

    def _curve_begin(self, values: Values) -> list[Answer]:
        name = values["curve"]
        header = Header(
            *(values[key] for key in ("domain", "points", "chunks", "checksum", "reference_dbfs", "follow"))
        )
        digest = digest_of(header)
        mark = self.service.store.curve_mark(name)
        if mark is not None:
            if mark[1] != digest:
                raise Refused("conflict", f"curve id {name!r} was used before for another curve; choose a new one")
            return [("curve/ready", {"curve": name, "points": mark[0]})]
        return self._keep_if_whole(name, lambda: self._assembler.begin(name, header))

    def _curve_chunk(self, values: Values) -> list[Answer]:
        name, rows = values["curve"], values["points"]
        mark = self.service.store.curve_mark(name)
        if mark is not None:  # a chunk that came twice, the second time after the curve was whole
            return [("curve/ready", {"curve": name, "points": mark[0]})]
        return self._keep_if_whole(name, lambda: self._assembler.chunk(name, values["index"], rows))

    def _keep_if_whole(self, name: str, add: Callable[[], Whole | None]) -> list[Answer]:
        whole = add()
        if whole is None:
            return []
        self.service.store_curve(name, whole.curve, digest_of(whole.header))
        return [("curve/ready", {"curve": name, "points": len(whole.curve.points)})]

    def _curve_end(self, values: Values) -> list[Answer]:
        name = values["curve"]
        mark = self.service.store.curve_mark(name)
        if mark is not None:
            return [("curve/ready", {"curve": name, "points": mark[0]})]
        return [("curve/missing", {"curve": name, "indices": json.dumps(self._assembler.missing(name))})]

    def _capture_begin(self, values: Values) -> list[Answer]:
        # One at a time: the values carry no id, since some hosts can send nothing but a number.
        if values["source"] == "midi":
            self._midi().start_capture()
            self._capture = (values["curve"], None)
        else:
            capture = StreamCapture(values["domain"], values["reference_dbfs"], values["follow"])
            self._capture = (values["curve"], capture)
        return [("ack", {"request": values["curve"], "verb": "capture/begin", "result": "{}"})]

    def _capture_value(self, values: Values) -> list[Answer]:
        if self._capture is None or self._capture[1] is None:
            raise Refused("unavailable", "no capture runs; send capture/begin first")
        self._capture[1].add(values["time_s"], values["value"])
        return []

    def _capture_end(self, values: Values) -> list[Answer]:
        name = values["curve"]
        if self._capture is None or self._capture[0] != name:
            if self._captured[0] == name:  # asked again, because the answer got lost
                return self._captured[1]
            mark = self.service.store.curve_mark(name)
            if mark is None:
                raise Refused("unknown_curve", f"no capture {name!r} runs")
            return [("curve/ready", {"curve": name, "points": mark[0]})]
        stream, self._capture = self._capture[1], None
        if stream:
            curve = stream.finish()
            start_s, duration_s = 0.0, curve.points[-1].time_s
        else:
            curve, start_s, duration_s = self._played(values)
        self.service.store_curve(name, curve)
        span = json.dumps({"start_s": start_s, "duration_s": duration_s})
        answers: list[Answer] = [
            ("curve/ready", {"curve": name, "points": len(curve.points)}),
            ("ack", {"request": name, "verb": "capture/end", "result": span}),
        ]
        self._captured = (name, answers)
        return answers

    def _played(self, values: Values) -> tuple[LoudnessCurve, float, float]:
        """What was ridden on a MIDI controller, and the span that was played, in seconds from timecode midnight."""
        try:
            captured = self._midi().finish_capture(values["start_s"], values["duration_s"])
        except ValueError as error:
            raise Refused("unknown_curve", str(error)) from error
        return captured.curve, captured.start_s, captured.duration_s

    def _learn(self, values: Values) -> list[Answer]:
        action = values["action"]

        def act() -> dict[str, object]:
            self._midi().learn(
                action, lambda trigger: self.service.log.write("learned", action=action, trigger=str(trigger))
            )
            return {"action": action}

        return self._acknowledged("midi/learn", values, act)

    def _midi(self) -> Midi:
        if self.service.midi is None:
            raise Refused("unavailable", "this service listens to no MIDI; `drawaudio doctor` says why")
        return self.service.midi

    # -- jobs and takes --------------------------------------------------------------------------------

    def _cancel(self, values: Values) -> list[Answer]:
        def act() -> dict[str, object]:
            job = self.service.cancel(values["job"])
            return {"job": job.id, "state": job.state}

        return self._acknowledged("job/cancel", values, act)

    def _watch(self, values: Values) -> list[Answer]:
        job = self.service.job(values["job"]).id if values["job"] else ""  # the door itself keeps the address
        return [("ack", {"request": values["request"], "verb": "job/watch", "result": json.dumps({"job": job})})]

    def _job_list(self, values: Values) -> list[Answer]:
        request = values["request"]
        items: list[Answer] = [
            ("job/item", {"request": request, "job": j.id, "state": j.state, "prompt": j.prompt, "text": j.text})
            for j in self.service.jobs(LISTED_JOBS)
        ]
        return [*items, ("ack", {"request": request, "verb": "job/list", "result": json.dumps({"items": len(items)})})]

    def _take_list(self, values: Values) -> list[Answer]:
        request = values["request"]
        items: list[Answer] = [
            ("take/item", {**take_values(take), "request": request})
            for take in self.service.takes(values["job"], LISTED_TAKES)
        ]
        return [*items, ("ack", {"request": request, "verb": "take/list", "result": json.dumps({"items": len(items)})})]

    def _regenerate(self, values: Values) -> list[Answer]:
        start, end = values["start_s"], values["end_s"]
        if (start is None) != (end is None):
            raise Refused("wrong_arguments", "take/regenerate: start_s and end_s go together")
        part = None if start is None else (start, end)
        return self._queued(
            "take/regenerate",
            values,
            lambda: self.service.regenerate(values["take"], part, request_id=values["request"]),
        )

    def _take_verb(self, verb: str, act: Callable[[str], TakeRecord]) -> Callable[[Values], list[Answer]]:
        return lambda values: self._acknowledged(verb, values, lambda: {"take": act(values["take"]).id})

    def _bounce(self, values: Values) -> list[Answer]:
        from bridge.bounce_plan import plan
        from bridge.hosts.formats import read_project

        def act() -> dict[str, object]:
            path = safe_path(values["path"], self.service.roots)
            try:
                cues = plan(read_project(path), track=values["track"] or None, region=values["region"] or None).cues
            except UserError as error:
                raise Refused("bad_project", str(error)) from error
            jobs = [
                self.service.submit_bounce(planned.cue, name=planned.track, request_id=f"{values['request']}.{index}")
                for index, planned in enumerate(cues)
            ]
            return {"jobs": [job.id for job in jobs]}

        return self._acknowledged("project/bounce", values, act)


def take_values(take: TakeRecord, job: Job | None = None) -> dict[str, object]:
    """Arguments of the messages about a take."""
    return {
        "request": request_name(job) if job else "",
        "job": take.job_id,
        "take": take.id,
        "path": str(take.path),
        "start_samples": take.start_samples,
        "rate": take.rate,
        "samples": take.samples,
        "seed": take.seed,
    }


def done_values(job: Job) -> dict[str, object]:
    """Arguments of `job/done`."""
    return {"request": request_name(job), "job": job.id, "state": job.state, "text": job.text, "code": job.code}


def request_name(job: Job) -> str:
    """The request id as its sender knows it: what the spool folder appends to a file's name is ours."""
    return job.request.partition("~")[0]
