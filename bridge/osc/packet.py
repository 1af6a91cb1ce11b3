"""OSC 1.0 packets <-> messages. Decoding is strict: what is not well formed raises, nothing is skipped.

python-osc encodes; it is not used to decode, because it logs and skips type tags it does not know and trusts
lengths it has not checked. Bundles are unpacked and carried out at once, in order: a time tag in the future never
delays anything (python-osc's dispatcher would sleep on it).
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pythonosc.osc_message_builder import OscMessageBuilder

MAX_DEPTH = 8
MAX_MESSAGES = 4096
BUNDLE = b"#bundle\0"


class PacketError(ValueError):
    """The bytes are not an OSC packet. str() says where."""


@dataclass(frozen=True)
class Message:
    """One OSC message: address, type tags without the comma, and one Python value per tag."""

    address: str
    types: str = ""
    values: tuple[object, ...] = ()


def encode(address: str, types: str = "", values: Sequence[object] = ()) -> bytes:
    """Bytes of one message. Types are explicit: python-osc would send every Python float as 32 bits."""
    builder = OscMessageBuilder(address)
    for tag, value in zip(types, values, strict=True):
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    return builder.build().dgram


def decode(packet: bytes) -> list[Message]:
    """Messages of a packet, bundles flattened in order. Raises PacketError."""
    messages: list[Message] = []
    _decode_element(packet, 0, messages)
    return messages


def _decode_element(data: bytes, depth: int, messages: list[Message]) -> None:
    if depth > MAX_DEPTH:
        raise PacketError(f"bundles are nested deeper than {MAX_DEPTH}")
    if not data:
        raise PacketError("the packet is empty")
    if len(data) % 4:
        raise PacketError(f"length {len(data)} is not a multiple of 4")
    if data.startswith(BUNDLE):
        _decode_bundle(data, depth, messages)
    elif data.startswith(b"/"):
        if len(messages) >= MAX_MESSAGES:
            raise PacketError(f"more than {MAX_MESSAGES} messages in one packet")
        messages.append(_decode_message(data))
    else:
        raise PacketError(f"byte 0 is {data[0]:#04x}: neither an address ('/') nor a bundle ('#bundle')")


def _decode_bundle(data: bytes, depth: int, messages: list[Message]) -> None:
    if len(data) < 16:
        raise PacketError("a bundle ends inside its time tag")
    position = 16
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size < 0 or position + size > len(data):
            raise PacketError(f"bundle element at byte {position} claims {size} bytes, {len(data) - position} are left")
        _decode_element(data[position : position + size], depth + 1, messages)
        position += size


def _decode_message(data: bytes) -> Message:
    address, position = _string(data, 0)
    if position == len(data):
        return Message(address)  # some old senders leave out the type tags where there are no arguments
    tags, position = _string(data, position)
    if not tags.startswith(","):
        raise PacketError(f"type tags {tags[:20]!r} do not begin with a comma")
    values = []
    for tag in tags[1:]:
        reader = _READERS.get(tag)
        if reader is None:
            raise PacketError(f"type tag {tag!r} is not supported")
        value, position = reader(data, position)
        values.append(value)
    if position != len(data):
        raise PacketError(f"{len(data) - position} bytes follow the last argument")
    return Message(address, tags[1:], tuple(values))


def _string(data: bytes, position: int) -> tuple[str, int]:
    end = data.find(b"\0", position)
    if end < 0:
        raise PacketError(f"the string at byte {position} has no end")
    after = (end // 4 + 1) * 4
    if after > len(data) or data[end:after].strip(b"\0"):
        raise PacketError(f"the string at byte {position} is not padded with zeros to a multiple of 4")
    try:
        return data[position:end].decode("utf-8"), after
    except UnicodeDecodeError as error:
        raise PacketError(f"the string at byte {position} is not UTF-8") from error


def _blob(data: bytes, position: int) -> tuple[bytes, int]:
    size, position = _fixed(">i", data, position)
    assert isinstance(size, int)
    after = position + (size + 3) // 4 * 4
    if size < 0 or after > len(data):
        raise PacketError(f"the blob at byte {position} claims {size} bytes, {len(data) - position} are left")
    return data[position : position + size], after


def _fixed(layout: str, data: bytes, position: int) -> tuple[object, int]:
    size = struct.calcsize(layout)
    if position + size > len(data):
        raise PacketError(f"the packet ends inside the argument at byte {position}")
    return struct.unpack_from(layout, data, position)[0], position + size


def _number(layout: str) -> Callable[[bytes, int], tuple[object, int]]:
    return lambda data, position: _fixed(layout, data, position)


def _constant(value: object) -> Callable[[bytes, int], tuple[object, int]]:
    return lambda data, position: (value, position)


_READERS: Mapping[str, Callable[[bytes, int], tuple[object, int]]] = {
    "i": _number(">i"),
    "f": _number(">f"),
    "h": _number(">q"),
    "d": _number(">d"),
    "t": _number(">Q"),
    "s": _string,
    "S": _string,
    "b": _blob,
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(float("inf")),
}
