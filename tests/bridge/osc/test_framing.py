from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.osc.framing import Deframer, FramingError, frame

#: On a busy machine slowness is no failure.
UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PACKETS = st.lists(st.binary(min_size=1, max_size=300).map(lambda body: b"/" + body), min_size=1, max_size=6)


@UNHURRIED
@given(PACKETS, st.sampled_from(["length", "slip"]), st.lists(st.integers(1, 50), max_size=40))
def test_packets_survive_any_cutting_of_the_stream(packets: list[bytes], style: str, cuts: list[int]) -> None:
    stream = b"".join(frame(packet, style) for packet in packets)
    deframer, found = Deframer(), []
    for size in [*cuts, len(stream)]:
        found += deframer.feed(stream[:size])
        stream = stream[size:]
    assert found == packets and deframer.style == style


@UNHURRIED
@given(st.binary(max_size=400))
def test_random_streams_give_packets_or_a_framing_error(data: bytes) -> None:
    deframer = Deframer(max_frame=100)
    try:
        for at in range(0, len(data), 7):
            deframer.feed(data[at : at + 7])
    except FramingError as error:
        assert str(error)


def test_a_frame_too_long_is_refused_before_it_is_held() -> None:
    with pytest.raises(FramingError, match="announced"):
        Deframer(100).feed(b"\0\0\1\0")
    deframer = Deframer(100)
    with pytest.raises(FramingError, match="longer"):
        for _ in range(100):
            deframer.feed(b"/" * 50)


def test_other_protocols_are_refused_at_once() -> None:
    with pytest.raises(FramingError, match="neither"):
        Deframer().feed(b"GET / HTTP/1.1\r\n")
