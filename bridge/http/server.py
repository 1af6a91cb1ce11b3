"""HTTP for OSCQuery: GET only, a checked Host header, one small answer per connection.

A web page in the user's browser can reach 127.0.0.1, too. It can send nothing that changes anything (there is nothing
but GET), and it cannot read the answers: no CORS header is sent, and a name that an attacker points at 127.0.0.1 is
refused by the Host check.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from http import HTTPStatus

from bridge.http.oscquery import query
from bridge.service import Service

MAX_HEAD = 8192
TIMEOUT_S = 5.0
MAX_OPEN = 64


class HttpServer:
    """Answers OSCQuery requests."""

    def __init__(self, service: Service, osc_host: str, osc_port: int) -> None:
        self._service, self._osc_host, self._osc_port = service, osc_host, osc_port
        self._open = 0

    async def open(self, loop: asyncio.AbstractEventLoop, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self._osc_host, port, limit=MAX_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > MAX_OPEN:
                writer.write(_response(HTTPStatus.SERVICE_UNAVAILABLE, b"{}"))
            else:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_S)
                writer.write(self.answer(head))
            await asyncio.wait_for(writer.drain(), TIMEOUT_S)
        except asyncio.LimitOverrunError:
            writer.write(_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"{}"))
        except (OSError, EOFError, TimeoutError):
            pass  # it went away, or dawdled
        finally:
            self._open -= 1
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """The whole response to a request's head."""
        try:
            lines = head.decode("latin-1").split("\r\n")
            method, target, version = lines[0].split(" ")
            headers = [
                (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
            ]
            hosts = [value for name, value in headers if name == "host"]
        except ValueError:
            return _response(HTTPStatus.BAD_REQUEST, b"{}")
        if not version.startswith("HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, b"{}")
        if len(hosts) != 1 or not _is_ours(hosts[0]):
            return _response(HTTPStatus.FORBIDDEN, b"{}")
        if method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"{}", "Allow: GET\r\n")
        path, _, attribute = target.partition("?")
        status, found = query(path, attribute, self._service, self._osc_host, self._osc_port)
        return _response(status, b"" if found is None else json.dumps(found, indent=1, ensure_ascii=False).encode())


def _is_ours(host: str) -> bool:
    """Whether a Host header names this machine by an address or as localhost: a rebound DNS name does neither."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    if name.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _response(status: HTTPStatus, body: bytes, extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n{extra}\r\n"
    )
    return head.encode() + body
