"""UDP and TCP on one port, and HTTP beside it, in one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections import OrderedDict
from typing import Any, cast

from bridge.events import Event
from bridge.http.server import HttpServer
from bridge.osc.binding import compose
from bridge.osc.door import Door
from bridge.osc.framing import Deframer, FramingError, frame
from bridge.osc.spec import MAX_PACKET
from bridge.refused import Refused
from bridge.service import Service

MAX_CONNECTIONS = 256
FIRST_TOKEN_S = 30.0
"""A connection on which no token was seen for this long is closed."""
MAX_UNSENT = 4 * 2**20
"""A client that does not read is dropped when this many bytes wait for it."""
RECEIVE_BUFFER = 4 * 2**20


class _UdpClient:
    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[str, int]) -> None:
        self._transport = transport
        self.key: object = address

    def send(self, packet: bytes) -> None:
        if len(packet) > MAX_PACKET - 28:
            text = f"an answer of {len(packet)} bytes does not fit a datagram; ask over TCP"
            packet = compose("error", {"request": "", "code": "too_large", "text": text})
        self._transport.sendto(packet, self.key)  # type: ignore[arg-type]


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._door.receive(data, _UdpClient(self._transport, addr))

    def error_received(self, exc: Exception) -> None:
        pass  # a client's port has closed since: nothing to tell it


class _TcpClient(asyncio.Protocol):
    def __init__(self, door: Door, connections: Connections) -> None:
        self.key: object = id(self)
        self.trusted = False
        self._door, self._connections = door, connections
        self._deframer = Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._door.forget(self)

    def data_received(self, data: bytes) -> None:
        try:
            packets = self._deframer.feed(data)
        except FramingError as error:
            self.send(compose("error", {"request": "", "code": "malformed", "text": f"TCP stream: {error}"}))
            self.transport.close()
            return
        for packet in packets:
            if self._door.receive(packet, self):
                self.trusted = True

    def send(self, packet: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(frame(packet, self._deframer.style or "slip"))
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            self.transport.abort()


class Connections:
    """The open TCP connections, bounded: the oldest that never showed the token makes room for a new one."""

    def __init__(self) -> None:
        self._open: OrderedDict[object, _TcpClient] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, client: _TcpClient) -> None:
        if len(self._open) >= MAX_CONNECTIONS:
            stranger = next((c for c in self._open.values() if not c.trusted), client)
            text = f"more than {MAX_CONNECTIONS} connections; close some"
            stranger.send(compose("error", {"request": "", "code": "busy", "text": text}))
            stranger.transport.close()
            self._open.pop(stranger.key, None)
            if stranger is client:
                return
        self._open[client.key] = client
        asyncio.get_running_loop().call_later(FIRST_TOKEN_S, self._check, client)

    def _check(self, client: _TcpClient) -> None:
        if not client.trusted:
            client.transport.close()

    def remove(self, client: _TcpClient) -> None:
        self._open.pop(client.key, None)


class Servers:
    """OSC over UDP and TCP on `port`, OSCQuery over HTTP on `http_port` (0: any free port)."""

    def __init__(self, service: Service, door: Door, host: str, port: int, http_port: int) -> None:
        self._service, self._door = service, door
        self.host, self.port, self.http_port = host, port, http_port
        # Windows' own loop stops reading a UDP socket after one client's port was closed.
        self._loop = asyncio.SelectorEventLoop() if sys.platform == "win32" else asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._closers: list[Any] = []

    def start(self) -> None:
        """Open the ports. Raises Refused where one is taken."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        self._service.watch(self._tell)

    def _tell(self, event: Event) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._door.tell, event)

    async def _open(self) -> None:
        connections = Connections()
        try:
            tcp = await self._loop.create_server(
                lambda: _TcpClient(self._door, connections), self.host, self.port, backlog=1024
            )
            self.port = tcp.sockets[0].getsockname()[1]
            self._closers.append(tcp)
            udp, _ = await self._loop.create_datagram_endpoint(lambda: _Udp(self._door), (self.host, self.port))
            udp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._closers.append(udp)
            http = await HttpServer(self._service, self.host, self.port).open(self._loop, self.http_port)
            self.http_port = http.sockets[0].getsockname()[1]
            self._closers.append(http)
        except OSError as error:
            for closer in self._closers:
                closer.close()
            text = f"{self.host}, port {self.port} or {self.http_port}: cannot be opened ({error.strerror or error})"
            raise Refused(
                "unavailable", f"{text}; is a service running already? else choose another with --port"
            ) from error

    def stop(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._loop.close()

    async def _close(self) -> None:
        for closer in self._closers:
            closer.close()
        await asyncio.sleep(0)
