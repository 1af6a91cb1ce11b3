"""Decoding is strict; python-osc, an independent reader and writer, agrees on what is well formed."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc.packet import Message, PacketError, decode, encode

#: On a busy machine slowness is no failure.
UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "s": TEXT,
    "i": st.integers(-(2**31), 2**31 - 1),
    "h": st.integers(-(2**63), 2**63 - 1),
    "d": st.floats(allow_nan=False),
    "f": st.floats(width=32, allow_nan=False),
    "b": st.binary(min_size=1, max_size=50),
}


@st.composite
def messages(draw: st.DrawFn) -> Message:
    types = draw(st.text("".join(VALUES), max_size=12))
    return Message("/" + draw(st.text("abc/", max_size=20)), types, tuple(draw(VALUES[t]) for t in types))


@UNHURRIED
@given(messages())
def test_round_trip(message: Message) -> None:
    packet = encode(message.address, message.types, message.values)
    assert decode(packet) == [message]
    assert tuple(OscMessage(packet).params) == message.values


def test_a_float_stays_a_double() -> None:
    """python-osc left to itself sends 32 bits, which at ten hours is off by 187 samples."""
    exact = 1.23456789012345
    assert decode(encode("/x", "d", [exact]))[0].values == (exact,)
    builder = OscMessageBuilder("/x")
    builder.add_arg(exact)
    assert decode(builder.build().dgram)[0].values != (exact,)


def test_bundles_are_flattened_in_order_whatever_their_time() -> None:
    bundle = OscBundleBuilder(2_085_000_000.0)  # in 2036, the last year that an OSC time can name
    inner = OscBundleBuilder(0)
    for target, name in ((bundle, "/a"), (inner, "/b"), (inner, "/c")):
        builder = OscMessageBuilder(name)
        builder.add_arg(1)
        target.add_content(builder.build())
    bundle.add_content(inner.build())
    assert [m.address for m in decode(bundle.build().dgram)] == ["/a", "/b", "/c"]


@UNHURRIED
@given(st.binary(max_size=200))
def test_random_bytes_give_messages_or_a_clear_error(data: bytes) -> None:
    for packet in (data, b"#bundle\0" + bytes(8) + data, b"/x\0\0,sd\0" + data):
        try:
            decode(packet)
        except PacketError as error:
            assert str(error)


@UNHURRIED
@given(messages(), st.data())
def test_a_damaged_packet_never_raises_anything_else(message: Message, data: st.DataObject) -> None:
    packet = bytearray(encode(message.address, message.types, message.values))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(packet[: data.draw(st.integers(0, len(packet)))])
    try:
        decode(cut)
    except PacketError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (b"", "empty"),
        (b"abc", "multiple of 4"),
        (b"abcd", "neither an address"),
        (b"/abc", "no end"),
        (b"/a\0x", "padded"),
        (b"/a\0\0,i\0\0", "ends inside"),
        (b"/a\0\0,i\0\0\0\0\0\1\0\0\0\2", "follow the last argument"),
        (b"/a\0\0,Q\0\0", "type tag 'Q'"),
        (b"/a\0\0i\0\0\0", "comma"),
        (b"/a\0\0,s\0\0\xff\xfe\0\0", "UTF-8"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "claims"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "claims"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", 400), "claims 400"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", -4), "claims -4"),
        (b"#bundle\0", "time tag"),
    ],
)
def test_every_flaw_is_named(packet: bytes, text: str) -> None:
    with pytest.raises(PacketError, match=text):
        decode(packet)


def test_bundles_cannot_be_nested_without_end() -> None:
    packet = b"#bundle\0" + bytes(8)
    for _ in range(1000):
        packet = b"#bundle\0" + bytes(8) + struct.pack(">i", len(packet)) + packet
    with pytest.raises(PacketError, match="nested"):
        decode(packet)


def test_special_numbers() -> None:
    values = decode(encode("/x", "dd", [math.nan, -math.inf]))[0].values
    assert isinstance(values[0], float) and math.isnan(values[0]) and values[1] == -math.inf
