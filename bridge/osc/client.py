"""An OSC client of the service: what `drawaudio send` and other Python programs use.

Datagrams may get lost, so every request is sent again, under the same id, until it is answered.
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from bridge.osc.binding import bind, compose
from bridge.osc.chunks import checksum, from_curve, split
from bridge.osc.packet import decode
from bridge.osc.spec import IN_BY_ADDRESS, MAX_PACKET, OUT_BY_ADDRESS
from bridge.refused import Refused
from engine.curve import LoudnessCurve

RESEND_S = 0.25
PATIENCE_S = 10.0
BURST = 16
"""Chunks sent before the other side is given a moment."""
CHUNK_POINTS = 200
"""Points a chunk: in every layout it stays below the 9,216 bytes that macOS sends in a datagram."""


@dataclass(frozen=True)
class Answer:
    """One message from the service: its address without the prefix, its arguments by name."""

    verb: str
    values: Mapping[str, Any]


class Client:
    """Talks UDP to a service. Use as a context manager."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._token = token
        self._address = (host, port)
        self.last_cue = ""
        """JSON of the cue submitted last, as it went out: to be sent again under its request id."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("::1" if ":" in host else "0.0.0.0" if not host.startswith("127.") else "127.0.0.1", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, verb: str, **values: object) -> None:
        """Send one message; the token is added."""
        packet = compose(verb, {"token": self._token, **values}, IN_BY_ADDRESS)
        self._socket.sendto(packet, self._address)

    def answers(self, seconds: float) -> Iterator[Answer]:
        """What comes in during the next `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                packet, sender = self._socket.recvfrom(MAX_PACKET)
            except TimeoutError:
                return
            except ConnectionError:  # Windows tells a UDP socket that nobody listens
                time.sleep(0.05)
                continue
            if sender[1] != self._address[1]:
                continue
            for message in decode(packet):
                verb, values = bind(message, OUT_BY_ADDRESS)
                yield Answer(verb.address, values)

    def request(self, verb: str, *expected: str, **values: object) -> Answer:
        """Send a request until one of the `expected` answers to it comes. Raises Refused for an error answer."""
        request = str(values.setdefault("request", secrets.token_hex(8)))
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.send(verb, **values)
            for answer in self.answers(RESEND_S):
                if answer.values.get("request", request) != request:
                    continue
                if answer.verb == "error":
                    raise Refused(answer.values["code"], answer.values["text"])
                if answer.verb in expected:
                    return answer
        host, port = self._address
        raise Refused(
            "unavailable", f"no answer from {host}, port {port}, for {PATIENCE_S:.0f} s; does `drawaudio serve` run?"
        )

    def send_curve(self, curve: LoudnessCurve, name: str = "") -> str:
        """Send a curve in chunks until it has arrived whole; its id. Raises Refused."""
        name = name or f"c{secrets.token_hex(8)}"
        columns, rows = from_curve(curve)
        chunks = split(rows, CHUNK_POINTS)
        header = {
            "domain": curve.domain,
            "points": len(rows),
            "chunks": len(chunks),
            "checksum": checksum(rows),
            "reference_dbfs": curve.reference_dbfs,
            "follow": curve.follow,
        }
        missing = [-1, *range(len(chunks))]
        heard = time.monotonic()
        while time.monotonic() - heard < PATIENCE_S:
            for count, index in enumerate(missing):
                if index < 0:
                    self.send("curve/begin", curve=name, **header)
                else:
                    self.send("curve/chunk", curve=name, index=index, columns=columns, points=chunks[index])
                if count % BURST == BURST - 1:
                    time.sleep(0.002)
            self.send("curve/end", curve=name)
            for answer in self.answers(RESEND_S):
                if answer.verb == "error":
                    raise Refused(answer.values["code"], answer.values["text"])
                if answer.values.get("curve") != name:
                    continue
                if answer.verb == "curve/ready":
                    return name
                if answer.verb == "curve/missing":
                    heard = time.monotonic()
                    missing = json.loads(answer.values["indices"])
                    break
            else:
                missing = []  # the question got lost, or the answer: ask again
        raise Refused(
            "unavailable", f"curve {name} did not arrive whole; is the connection that bad? use a cue file in the inbox"
        )

    def submit(self, cue: Mapping[str, Any], *, request: str = "", name: str = "", queue: str = "now") -> Answer:
        """Submit a cue's JSON, its curve (where it is a whole one) in chunks first; the `job/queued` answer."""
        cue = dict(cue)
        loudness = cue.get("loudness")
        if isinstance(loudness, dict) and "points" in loudness:
            cue["loudness"] = {"curve": self.send_curve(LoudnessCurve.from_json(loudness))}
        self.last_cue = json.dumps(cue)
        request = request or secrets.token_hex(8)
        return self.request("cue/submit", "job/queued", request=request, cue=self.last_cue, name=name, queue=queue)
