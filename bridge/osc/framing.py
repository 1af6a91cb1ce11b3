"""OSC over a byte stream: length-prefixed (OSC 1.0) and SLIP (OSC 1.1), told apart by the first byte."""

import struct

from bridge.osc.spec import MAX_FRAME

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD


class FramingError(ValueError):
    """The stream can no longer be cut into packets; the connection has to be closed."""


class Deframer:
    """Cuts a byte stream into packets. Feed it what arrives; `style` is known after the first byte.

    A length below 16 MiB begins with a zero byte, a SLIP frame with END (0xC0) or with the packet itself ('/' or '#').
    """

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.style = ""
        self._max = max_frame
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Packets that became whole. Raises FramingError."""
        self._buffer += data
        if not self.style and self._buffer:
            first = self._buffer[0]
            if first == 0:
                self.style = "length"
            elif first in (END, ord("/"), ord("#")):
                self.style = "slip"
            else:
                raise FramingError(f"the stream begins with {first:#04x}: neither a length nor SLIP")
        return self._cut_lengths() if self.style == "length" else self._cut_slip()

    def _cut_lengths(self) -> list[bytes]:
        packets = []
        start = 0
        while len(self._buffer) - start >= 4:
            (size,) = struct.unpack_from(">I", self._buffer, start)
            if size > self._max:
                raise FramingError(f"a frame of {size} bytes was announced; at most {self._max}")
            if len(self._buffer) - start - 4 < size:
                break
            packets.append(bytes(self._buffer[start + 4 : start + 4 + size]))
            start += 4 + size
        del self._buffer[:start]
        return packets

    def _cut_slip(self) -> list[bytes]:
        *frames, rest = self._buffer.split(bytes([END]))
        if max(map(len, (*frames, rest))) > 2 * self._max:  # escaping at most doubles a frame
            raise FramingError(f"a frame is longer than {self._max} bytes")
        self._buffer = bytearray(rest)
        return [_unescape(bytes(frame)) for frame in frames if frame]


def _unescape(frame: bytes) -> bytes:
    parts = frame.split(bytes([ESC]))
    packet = bytearray(parts[0])
    for part in parts[1:]:
        if not part or part[0] not in (ESC_END, ESC_ESC):
            raise FramingError("a SLIP escape is followed by neither 0xDC nor 0xDD")
        packet.append(END if part[0] == ESC_END else ESC)
        packet += part[1:]
    return bytes(packet)


def frame(packet: bytes, style: str) -> bytes:
    """One packet as bytes for the stream; style is `length` or `slip`."""
    if style == "length":
        return struct.pack(">I", len(packet)) + packet
    escaped = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"
