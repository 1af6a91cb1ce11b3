"""The OSC door over real sockets: UDP, both kinds of TCP, HTTP; a real worker process, a plain tone for sound."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pythonosc.tcp_client import SimpleTCPClient
from pythonosc.udp_client import SimpleUDPClient

from bridge.osc.binding import bind, compose
from bridge.osc.client import Answer, Client
from bridge.osc.door import Door
from bridge.osc.framing import Deframer, frame
from bridge.osc.packet import decode, encode
from bridge.osc.server import MAX_CONNECTIONS, Servers
from bridge.osc.spec import IN_BY_ADDRESS, OUT_BY_ADDRESS
from bridge.refused import Refused
from bridge.service import Service
from bridge.spool import Spool
from bridge.verbs import Verbs
from engine.curve import CurvePoint, LoudnessCurve
from tests.bridge.small_renderer import small_renderer

TOKEN = "0123456789abcdef0123456789abcdef"
CUE: dict[str, object] = {
    "version": 1,
    "prompt": "tone",
    "start": {"samples": 48000, "rate": 48000},
    "duration_s": 0.5,
    "seed": 3,
    "tail_s": 0,
}


class Rig:
    """A service with its servers."""

    def __init__(self, folder: Path) -> None:
        self.service = Service(folder, small_renderer)
        self.spool = Spool(self.service)
        door = Door(Verbs(self.service), TOKEN, self.service.log, self.spool)
        self.servers = Servers(self.service, door, "127.0.0.1", 0, 0)
        self.servers.start()
        self.spool.start()
        self.service.start()

    def stop(self) -> None:
        self.spool.stop()
        self.servers.stop()
        self.service.stop()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.servers.port


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("session"))
    yield rig
    rig.stop()


@pytest.fixture
def client(rig: Rig) -> Iterator[Client]:
    with Client(*rig.address, TOKEN) as client:
        yield client


def until_done(client: Client, job: str, seconds: float = 120.0) -> list[Answer]:
    found = []
    for answer in client.answers(seconds):
        if answer.values.get("job") == job:
            found.append(answer)
            if answer.verb == "job/done":
                return found
    raise AssertionError(f"no job/done for {job}; heard {[a.verb for a in found]}")


def raw(rig: Rig, packet: bytes, seconds: float = 5.0) -> list[Answer]:
    """What a datagram is answered with, up to the first answer."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.settimeout(seconds)
        sock.sendto(packet, rig.address)
        return [Answer(v.address, dict(a)) for v, a in (bind(m, OUT_BY_ADDRESS) for m in decode(sock.recv(65535)))]


def test_a_cue_over_udp_becomes_a_take_with_progress(client: Client) -> None:
    job = str(client.submit({**CUE, "prompt": "slow 0.3"}).values["job"])
    answers = until_done(client, job)
    verbs = [answer.verb for answer in answers]
    assert verbs[-2:] == ["take/ready", "job/done"] and verbs.count("job/progress") >= 2
    take = answers[-2].values
    assert Path(take["path"]).is_file()
    assert (take["start_samples"], take["rate"], take["samples"], take["seed"]) == (48000.0, 48000, 24000.0, 3.0)
    assert answers[-1].values["state"] == "done"


def test_the_same_request_twice_is_one_job(client: Client, rig: Rig) -> None:
    before = len(rig.service.jobs(1000))
    first = client.submit(CUE, request="same")
    until_done(client, first.values["job"])
    again = client.request("cue/submit", "job/queued", request="same", cue=client.last_cue, name="", queue="now")
    assert again.values["job"] == first.values["job"] and len(rig.service.jobs(1000)) == before + 1
    assert until_done(client, first.values["job"])[-1].values["state"] == "done", "an ended job is told again"
    with pytest.raises(Refused) as refused:
        client.submit({**CUE, "seed": 4}, request="same")
    assert refused.value.code == "conflict"


def test_a_curve_travels_in_chunks_and_shapes_the_cue(client: Client, rig: Rig) -> None:
    curve = LoudnessCurve(tuple(CurvePoint(k * 0.001, -k / 100) for k in range(500)), "db", -18.0, "loose")
    answer = client.submit({**CUE, "loudness": curve.to_json()})
    job = rig.service.job(answer.values["job"])
    assert json.loads(rig.service.store.cue_json(job.cue))["loudness"] == curve.to_json()


def test_a_thousand_hundreds_of_points_through_a_bad_link(rig: Rig) -> None:
    """10^5 points with 10 % loss, duplicates and reordering, over real UDP."""
    rng = random.Random(1)
    curve = LoudnessCurve(tuple(CurvePoint(k * 0.0001, -(k % 600) / 10) for k in range(100_000)))

    class BadLink(Client):
        held: tuple[str, dict[str, object]] | None = None

        def send(self, verb: str, **values: object) -> None:
            if verb != "curve/chunk":
                return super().send(verb, **values)
            if self.held is not None:
                super().send(self.held[0], **self.held[1])  # one later than it was sent
                self.held = None
            chance = rng.random()
            if chance < 0.1:
                return None
            if chance < 0.2:
                self.held = (verb, values)
                return None
            for _ in range(2 if chance < 0.3 else 1):
                super().send(verb, **values)
            return None

    with BadLink(*rig.address, TOKEN) as client:
        name = client.send_curve(curve)
    assert LoudnessCurve.from_json(rig.service.curve_json(name)) == curve


def test_a_curve_that_never_came_is_named(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.request("cue/submit", "job/queued", cue=json.dumps({**CUE, "loudness": {"curve": "nowhere"}}))
    assert refused.value.code == "unknown_curve"


def test_a_late_duplicate_of_a_chunk_changes_nothing(client: Client, rig: Rig) -> None:
    curve = LoudnessCurve((CurvePoint(0.0, -3.0),))
    client.send_curve(curve, "late")
    client.send("curve/chunk", curve="late", index=0, columns="time value", points=[(0.0, -9.0)])
    client.send("curve/end", curve="late")
    assert [a.verb for a in client.answers(1.0)][:2] == ["curve/ready", "curve/ready"]
    assert LoudnessCurve.from_json(rig.service.curve_json("late")) == curve
    with pytest.raises(Refused) as refused:
        client.send_curve(LoudnessCurve((CurvePoint(0.0, -4.0),)), "late")
    assert refused.value.code == "conflict"


def test_takes_are_listed_picked_kept_and_made_again(client: Client, rig: Rig) -> None:
    job = client.submit({**CUE, "takes": 2}).values["job"]
    first, second = (a.values["take"] for a in until_done(client, job) if a.verb == "take/ready")
    assert json.loads(client.request("take/next", "ack", take=second).values["result"]) == {"take": first}
    assert rig.service.take().id == first
    client.request("take/keep", "ack")
    assert rig.service.take(first).kept
    client.send("take/list", request="list", job=job)
    items = [a.values["take"] for a in client.answers(1.0) if a.verb == "take/item"]
    assert items == [second, first]
    again = client.request("take/regenerate", "job/queued", take=first, start_s=0.1, end_s=0.2).values["job"]
    answers = until_done(client, again)
    assert [a.values["seed"] for a in answers if a.verb == "take/ready"] == [5.0]


def test_a_double_next_by_a_repeated_datagram_steps_once(client: Client, rig: Rig) -> None:
    job = client.submit({**CUE, "takes": 3}).values["job"]
    takes = [a.values["take"] for a in until_done(client, job) if a.verb == "take/ready"]
    for _ in range(3):
        client.request("take/next", "ack", request=f"n-{job}", take="")
    assert rig.service.take().id == takes[0]


def test_cancel_over_osc(client: Client) -> None:
    job = client.submit({**CUE, "prompt": "slow 30"}).values["job"]
    began = time.monotonic()
    client.request("job/cancel", "ack", job=job)
    assert time.monotonic() - began < 1.0
    assert until_done(client, job)[-1].values["state"] == "cancelled"


def test_a_watcher_hears_of_others_jobs(rig: Rig, client: Client) -> None:
    with Client(*rig.address, TOKEN) as watcher:
        watcher.request("job/watch", "ack", job="")
        job = client.submit(CUE).values["job"]
        assert until_done(watcher, job)[-1].values["state"] == "done"


def test_a_stream_of_values_becomes_a_curve(client: Client, rig: Rig) -> None:
    client.send("capture/begin", curve="ride", domain="gain")
    for k in range(101):
        client.send("capture/value", value=k / 100, time_s=k * 0.02)
    bare = encode(f"/drawaudio/capture/value/{TOKEN}", "f", [0.25])
    raw_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    raw_socket.sendto(bare, rig.address)
    raw_socket.close()
    client.send("capture/end", curve="ride")
    begun, ready, ended = client.answers(2.0)
    assert [a.verb for a in (begun, ready, ended)] == ["ack", "curve/ready", "ack"]
    assert json.loads(ended.values["result"]) == {"start_s": 0.0, "duration_s": 2.0}
    curve = LoudnessCurve.from_json(rig.service.curve_json("ride"))
    assert 2 < len(curve.points) < 101


PROJECT = """<REAPER_PROJECT 0.1 "7.0" 1700000000
  SAMPLERATE 48000 0 0
  MARKER 1 1 "Guide: tone" 1 0 1 B {11111111-1111-1111-1111-111111111111} 0
  MARKER 1 1.5 "" 1
  MARKER 2 2 "chorus" 1 0 1 B {11111111-1111-1111-1111-111111111112} 0
  MARKER 2 2.5 "" 1
  <TRACK {22222222-2222-2222-2222-222222222222}
    NAME Guide
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
      PT 2 0.25 0
    >
  >
>
"""


def test_a_project_is_bounced(client: Client, rig: Rig) -> None:
    (rig.service.session.folder / "song.rpp").write_text(PROJECT)
    answer = client.request("project/bounce", "ack", path="song.rpp")
    (job,) = json.loads(answer.values["result"])["jobs"]
    cue = json.loads(rig.service.store.cue_json(rig.service.job(job).cue))
    assert cue["start"] == {"samples": 48_000, "rate": 48_000} and cue["loudness"]["domain"] == "gain"
    with pytest.raises(Refused) as refused:
        client.request("project/bounce", "ack", path="song.rpp", region="nowhere")
    assert refused.value.code == "bad_project"


def test_midi_verbs_without_midi_say_so(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.request("midi/learn", "ack", action="keep")
    assert refused.value.code == "unavailable"


@pytest.mark.parametrize("token", ["", "0" * 32, TOKEN[:-1], TOKEN + "0"])
def test_without_the_token_nothing_happens(rig: Rig, token: str) -> None:
    before = len(rig.service.jobs(1000))
    packet = compose("cue/submit", {"token": token, "request": "x", "cue": json.dumps(CUE)}, IN_BY_ADDRESS)
    (answer,) = raw(rig, packet)
    assert (answer.verb, answer.values["code"]) == ("error", "bad_token")
    assert len(rig.service.jobs(1000)) == before
    assert not (rig.service.session.outbox / "x.json").exists()


def test_status_needs_no_token(rig: Rig) -> None:
    (answer,) = raw(rig, encode("/drawaudio/status"))
    assert json.loads(answer.values["status"])["worker"] in ("ready", "loading")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "no such file", "takes", "\\\\server\\share"])
def test_paths_outside_the_session_are_refused(client: Client, path: str) -> None:
    with pytest.raises(Refused) as refused:
        client.submit({**CUE, "video": {"path": path}})
    assert refused.value.code == "bad_path"


def test_a_link_out_of_the_session_is_refused(client: Client, rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    try:
        (rig.service.session.folder / "inside.mp4").symlink_to(tmp_path / "secret.mp4")
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(Refused, match="outside"):
        client.submit({**CUE, "video": {"path": "inside.mp4"}})


@pytest.mark.parametrize(
    "packet", [b"", b"junk", b"/a\0\0", b"/drawaudio/status\0\0\0,i\0\0", b"#bundle\0", os.urandom(64)]
)
def test_every_malformed_packet_is_answered(rig: Rig, packet: bytes) -> None:
    (answer,) = raw(rig, packet)
    assert answer.verb == "error" and answer.values["text"]


def test_a_datagram_beyond_eight_kilobytes_arrives(rig: Rig) -> None:
    """python-osc's own server drops it silently."""
    cue = {**CUE, "prompt": "tone " + "x" * 100, "negative_prompt": "y" * 1900, "masks": []}
    packet = compose(
        "cue/submit", {"token": TOKEN, "request": "big", "cue": json.dumps(cue) + " " * 50_000}, IN_BY_ADDRESS
    )
    assert len(packet) > 50_000
    (answer,) = raw(rig, packet)
    assert answer.verb == "job/queued"


def test_a_bundle_for_the_future_is_carried_out_now(rig: Rig) -> None:
    inner = encode("/drawaudio/status", "s", ["soon"])
    bundle = b"#bundle\0" + struct.pack(">IIi", 2**32 - 1, 0, len(inner)) + inner
    began = time.monotonic()
    (answer,) = raw(rig, bundle)
    assert answer.values["request"] == "soon" and time.monotonic() - began < 1.0


def test_messages_are_carried_out_in_order(client: Client, rig: Rig) -> None:
    """python-osc's threading server may swap them."""
    names = [f"order-{k}" for k in range(50)]
    packets = [
        compose(
            "cue/submit",
            {"token": TOKEN, "request": n, "cue": json.dumps(CUE), "queue": "bounce", "name": ""},
            IN_BY_ADDRESS,
        )
        for n in names
    ]
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        for packet in packets:
            sock.sendto(packet, rig.address)
        until = time.monotonic() + 120
        while len(queued := [j.request for j in rig.service.store.jobs(50)]) < 50 or queued[0] != names[-1]:
            assert time.monotonic() < until, queued
            time.sleep(0.02)
    assert queued[::-1] == names
    for job in rig.service.store.jobs(1000, ("queued", "running")):
        rig.service.cancel(job.id)


@pytest.mark.parametrize("mode", ["1.0", "1.1"])
def test_both_kinds_of_tcp_with_python_osc(rig: Rig, mode: str) -> None:
    tcp = SimpleTCPClient(*rig.address, mode=mode)
    tcp.send_message("/drawaudio/status", ["over-tcp"])
    message = next(tcp.get_messages(5))
    assert message.address == "/drawaudio/status" and message.params[0] == "over-tcp"
    tcp.close()


def test_python_oscs_udp_client_is_understood(rig: Rig) -> None:
    udp = SimpleUDPClient(*rig.address)
    udp.send_message("/drawaudio/status", "udp")
    assert next(udp.get_messages(5)).params[0] == "udp"


def tcp_answers(sock: socket.socket, seconds: float = 10.0) -> Iterator[Answer]:
    deframer = Deframer()
    sock.settimeout(seconds)
    while data := sock.recv(65536):
        for packet in deframer.feed(data):
            for message in decode(packet):
                verb, values = bind(message, OUT_BY_ADDRESS)
                yield Answer(verb.address, values)


@pytest.mark.parametrize("style", ["length", "slip"])
def test_a_large_cue_over_tcp(rig: Rig, style: str) -> None:
    points = [{"time_s": k / 1e5, "value": -6.5} for k in range(20_000)]
    cue = json.dumps({**CUE, "loudness": {"points": points}})
    packet = compose("cue/submit", {"token": TOKEN, "request": f"large-{style}", "cue": cue}, IN_BY_ADDRESS)
    with closing(socket.create_connection(rig.address)) as sock:
        sock.sendall(frame(packet, style))
        verbs = []
        for answer in tcp_answers(sock, 30):
            verbs.append(answer.verb)
            if answer.verb == "job/done":
                break
    assert verbs[0] == "job/queued" and "take/ready" in verbs


def test_a_broken_stream_is_told_and_closed(rig: Rig) -> None:
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0\xff\xff\xff\xff", b"\xc0/a\xdb\x00\xc0"):
        with closing(socket.create_connection(rig.address)) as sock:
            sock.sendall(junk)
            answers = list(tcp_answers(sock))
            assert [a.values["code"] for a in answers] == ["malformed"]


def test_a_flood_leaves_it_serving(rig: Rig, client: Client) -> None:
    """A short version; the long one is in benchmarks/bridge.py."""
    rng = random.Random(2)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        for _ in range(5000):
            sock.sendto(rng.randbytes(rng.randrange(200)), rig.address)
    strangers = [socket.create_connection(rig.address) for _ in range(MAX_CONNECTIONS + 50)]
    try:
        job = client.submit(CUE).values["job"]
        assert until_done(client, job, 60)[-1].values["state"] == "done"
        with closing(socket.create_connection(rig.address)) as sock:
            sock.sendall(frame(encode("/drawaudio/status"), "slip"))
            assert next(tcp_answers(sock)).verb == "status"
    finally:
        for stranger in strangers:
            stranger.close()


# -- HTTP ------------------------------------------------------------------------------------------------


def get(rig: Rig, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", rig.servers.http_port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    assert response.getheader("Access-Control-Allow-Origin") is None
    connection.close()
    return response.status, body


def test_oscquery_describes_every_verb(rig: Rig) -> None:
    status, body = get(rig, "/")
    root = json.loads(body)
    assert status == 200 and root["FULL_PATH"] == "/"
    for address, verb in IN_BY_ADDRESS.items():
        node = root
        for part in address.strip("/").split("/"):
            node = node["CONTENTS"][part]
        assert node["FULL_PATH"] == address and len(node["RANGE"]) == len(verb.arguments) and node["DESCRIPTION"]
    status, body = get(rig, "/drawaudio/job/cancel?TYPE")
    assert (status, json.loads(body)) == (200, {"TYPE": "sss"})


def test_oscquery_host_info_and_value(rig: Rig) -> None:
    info = json.loads(get(rig, "/?HOST_INFO")[1])
    assert info["OSC_PORT"] == rig.servers.port and info["OSC_TRANSPORT"] == "UDP"
    value = json.loads(get(rig, "/drawaudio/status?VALUE")[1])["VALUE"]
    assert "worker" in json.loads(value[0])


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/nowhere", "GET", {}, 404),
        ("/?COLOUR", "GET", {}, 400),
        ("/drawaudio/job/cancel?VALUE", "GET", {}, 204),
        ("/", "POST", {}, 405),
        ("/", "OPTIONS", {}, 405),
        ("/", "GET", {"Host": "evil.example"}, 403),
        ("/", "GET", {"Host": "evil.example:7891"}, 403),
        ("/", "GET", {"Host": "localhost:7891"}, 200),
        ("/", "GET", {"Host": "[::1]:7891"}, 200),
        ("/", "GET", {"X": "y" * 20_000}, 431),
    ],
)
def test_http_is_for_reading_only(rig: Rig, path: str, method: str, headers: dict[str, str], status: int) -> None:
    assert get(rig, path, method, **headers)[0] == status


def test_http_survives_nonsense(rig: Rig) -> None:
    for junk in (b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\nHost: localhost\r\n\r\n"):
        with closing(socket.create_connection(("127.0.0.1", rig.servers.http_port))) as sock:
            sock.sendall(junk)
            sock.settimeout(5)
            assert sock.recv(100).startswith(b"HTTP/1.1 400")
    assert get(rig, "/")[0] == 200
