"""Packets in, answers and events out: what UDP and TCP have in common."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bridge.events import Event
from bridge.joblog import JobLog
from bridge.osc.binding import Values, bind, compose
from bridge.osc.packet import Message, PacketError, decode
from bridge.osc.spec import Verb
from bridge.refused import Refused
from bridge.verbs import Answer, Verbs, done_values, request_name, take_values

MAX_CLIENTS = 64
WATCH_S = 3600.0
"""A client that has not been heard of for this long is told nothing any more."""


class Client(Protocol):
    """Where answers go: a UDP address or a TCP connection."""

    @property
    def key(self) -> object: ...

    def send(self, packet: bytes) -> None: ...


class Outbox(Protocol):
    """Where answers are also told, for senders that cannot receive: `bridge.spool.Spool`."""

    def tell_done(self, request: str, result: str) -> None: ...

    def tell_refusal(self, request: str, code: str, text: str) -> None: ...


@dataclass
class _Known:
    """A client that has shown the token, and what it is told about. `everything`: all jobs."""

    client: Client
    heard: float
    jobs: set[int] = field(default_factory=set)
    everything: bool = False


class Door:
    """Decodes, checks, carries out, answers. To be called from one thread, the servers' event loop."""

    def __init__(self, verbs: Verbs, token: str, log: JobLog, outbox: Outbox) -> None:
        self._verbs, self._token, self._log, self._outbox = verbs, token, log, outbox
        self._clients: OrderedDict[object, _Known] = OrderedDict()

    def receive(self, packet: bytes, client: Client) -> bool:
        """Carry out a packet and answer it; whether it held a message with the right token."""
        try:
            messages = decode(packet)
        except PacketError as error:
            self._answer_error(client, "", Refused("malformed", f"not an OSC packet: {error}"))
            return False
        return any([self._carry_out(message, client) for message in messages])

    def _carry_out(self, message: Message, client: Client) -> bool:
        values: Values = {}
        trusted = False
        try:
            verb, values = bind(message)
            trusted = self._check_token(verb, values)
            if trusted:
                self._remember(client, verb, values)
            for answer in self._verbs.perform(verb.address, values):
                self._send(client, answer)
                self._follow(client, answer)
        except Refused as refused:
            request = str(values.get("request") or values.get("curve") or _first_request(message, self._token))
            self._answer_error(client, request, refused)
            if trusted or request:
                self._outbox.tell_refusal(request, refused.code, refused.text)
        except Exception as error:
            self._log.write("verb failed", address=message.address, error=repr(error))
            request = str(values.get("request", "")) if trusted else ""
            self._answer_error(
                client, request, Refused("internal", f"{message.address}: a fault of ours; see `drawaudio log`")
            )
        return trusted

    def _check_token(self, verb: Verb, values: Values) -> bool:
        if not verb.needs_token:
            return False
        if not hmac.compare_digest(str(values["token"]).encode(), self._token.encode()):
            values.clear()
            raise Refused("bad_token", f"{verb.address}: the token is not this run's; read service.json again")
        return True

    def _remember(self, client: Client, verb: Verb, values: Values) -> None:
        known = self._clients.setdefault(client.key, _Known(client, 0.0))
        known.client, known.heard = client, time.monotonic()
        self._clients.move_to_end(client.key)
        while len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        if verb.address == "job/watch":
            if values["job"]:
                known.jobs.add(self._verbs.service.job(str(values["job"])).number)
            else:
                known.everything = True

    def _follow(self, client: Client, answer: Answer) -> None:
        """Who asked for a job is told about it."""
        address, values = answer
        if address == "ack":
            self._outbox.tell_done(str(values["request"]), str(values["result"]))
        elif address in ("job/queued", "job/done") and (known := self._clients.get(client.key)):
            number = int(str(values["job"])[1:])
            (known.jobs.add if address == "job/queued" else known.jobs.discard)(number)

    def forget(self, client: Client) -> None:
        """A connection is gone."""
        self._clients.pop(client.key, None)

    def tell(self, event: Event) -> None:
        """Pass an event on to the clients it concerns."""
        answer = _EVENTS[event.kind](event) if event.kind in _EVENTS else None
        now = time.monotonic()
        for key, known in list(self._clients.items()):
            if now - known.heard > WATCH_S:
                del self._clients[key]
                continue
            personal = event.kind in ("progress", "take", "done")
            if answer is not None and (known.everything or not personal or event.job.number in known.jobs):
                self._send(known.client, answer)
            if event.kind == "done":
                known.jobs.discard(event.job.number)

    def _send(self, client: Client, answer: Answer) -> None:
        client.send(compose(*answer))

    def _answer_error(self, client: Client, request: str, refused: Refused) -> None:
        self._log.write_seldom(f"refused {refused.code}", request=request, text=refused.text)
        client.send(compose("error", {"request": request, "code": refused.code, "text": refused.text}))


def _first_request(message: Message, token: str) -> str:
    """The request id of a message whose arguments did not pass, if its token did."""
    values = message.values
    if len(values) > 1 and values[0] == token and isinstance(values[1], str):
        return values[1]
    return ""


def progress_values(event: Event) -> dict[str, object]:
    """Arguments of `job/progress`."""
    progress = event.progress
    eta = -1.0 if progress is None or progress.eta_s is None else progress.eta_s
    return {
        "request": request_name(event.job),
        "job": event.job.id,
        "done": progress.done if progress else 0.0,
        "stage": progress.stage if progress else event.job.state,
        "eta_s": eta,
    }


def _take_event(address: str) -> Callable[[Event], Answer]:
    def build(event: Event) -> Answer:
        assert event.take is not None
        return address, take_values(event.take, event.job)

    return build


_EVENTS: Mapping[str, Callable[[Event], Answer]] = {
    "progress": lambda event: ("job/progress", progress_values(event)),
    "take": _take_event("take/ready"),
    "done": lambda event: ("job/done", done_values(event.job)),
    "picked": _take_event("take/picked"),
    "kept": _take_event("take/kept"),
}
