"""What the bridge costs beside the engine, over real sockets, with a real database and worker process.

    python -m benchmarks.bridge [--keys 50] [--engine] [--flood 100000] [--soak MINUTES]

Without --engine the worker renders a plain tone, so that the bridge's own share is all there is; with it, the shipped
model, and the engine's share is shown apart. Prints one JSON object; exits 1 if a figure misses its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.osc.client import Client
from bridge.osc.door import Door
from bridge.osc.framing import Deframer, frame
from bridge.osc.packet import decode, encode
from bridge.osc.server import Servers
from bridge.service import Service
from bridge.session import new_token
from bridge.spool import Spool
from bridge.store import BOUNCE_PRIORITY
from bridge.verbs import Verbs
from bridge.worker import RendererFactory, engine_renderer
from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from tests.bridge.small_renderer import small_renderer

LIMITS = {
    "hotkey_to_progress_ms": 20.0,
    "hotkey_to_take_minus_render_ms": 60.0,
    "cancel_one_of_1000_ms": 200.0,
    "rss_growth_1000_jobs_mb": 20.0,
    "soak_rss_growth_mb": 20.0,
}
CUE = {"version": 1, "prompt": "tone", "duration_s": 0.5, "tail_s": 0, "seed": 1}


class Rig:
    """A service with its doors, as `drawaudio serve` makes it."""

    def __init__(self, folder: Path, renderer: RendererFactory) -> None:
        self.token = new_token()
        self.service = Service(folder, renderer)
        spool = Spool(self.service)
        door = Door(Verbs(self.service), self.token, self.service.log, spool)
        self.servers = Servers(self.service, door, "127.0.0.1", 0, 0)
        self.stack = ExitStack()
        for stop in (self.service.stop, self.servers.stop, spool.stop):
            self.stack.callback(stop)
        self.servers.start()
        spool.start()
        self.service.start()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.servers.port

    def client(self) -> Client:
        return Client(*self.address, self.token)


@contextmanager
def running(renderer: RendererFactory) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), renderer)
        try:
            yield rig
        finally:
            rig.stack.close()


def follow(client: Client, job: str, on: Callable[[str], None] = lambda verb: None) -> None:
    for answer in client.answers(600):
        if answer.values.get("job") == job:
            on(answer.verb)
            if answer.verb == "job/done":
                assert answer.values["state"] == "done", answer.values["text"]
                return
    raise RuntimeError(f"{job} did not end")


def hotkeys(rig: Rig, keys: int) -> dict[str, object]:
    """Regenerate, as a key does it: time to the first answer, and to the take without the engine's own time."""
    first, overhead, engine = [], [], []
    with rig.client() as client:
        follow(client, client.submit(CUE).values["job"])
        for key in range(keys + 1):
            began = time.perf_counter()
            client.send("take/regenerate", request=f"key{key}")
            progress = taken = 0.0
            job = ""
            for answer in client.answers(600):
                now = time.perf_counter() - began
                if answer.verb == "job/queued":
                    job = answer.values["job"]
                elif answer.verb == "job/progress" and not progress:
                    progress = now
                elif answer.verb == "take/ready":
                    taken = now
                elif answer.verb == "job/done":
                    break
            render = rig.service.job(job).render_s
            assert render is not None and taken
            if key:  # the first one warms up
                first.append(progress * 1e3)
                overhead.append((taken - render) * 1e3)
                engine.append(render * 1e3)
    return {
        "hotkey_to_progress_ms": round(statistics.median(first), 2),
        "hotkey_to_take_minus_render_ms": round(statistics.median(overhead), 2),
        "engine_render_ms": round(statistics.median(engine), 2),
    }


def curve_over_a_bad_link(rig: Rig) -> dict[str, object]:
    """10^5 points, 10 % loss, duplicates, reordering: the curve, or an error; never another curve."""
    rng = random.Random(1)
    curve = LoudnessCurve(tuple(CurvePoint(k * 1e-4, -(k % 600) / 10) for k in range(100_000)))

    class BadLink(Client):
        held: list[tuple[str, dict[str, object]]] = []  # noqa: RUF012

        def send(self, verb: str, **values: object) -> None:
            if verb == "curve/chunk":
                self.held.append((verb, values))
                if len(self.held) < 4:
                    return
                rng.shuffle(self.held)
                verb, values = self.held.pop()
                if rng.random() < 0.1:
                    return
            for _ in range(2 if rng.random() < 0.1 else 1):
                super().send(verb, **values)

    began = time.perf_counter()
    with BadLink(*rig.address, rig.token) as client:
        name = client.send_curve(curve)
    took = time.perf_counter() - began
    whole = LoudnessCurve.from_json(rig.service.curve_json(name)) == curve
    return {"curve_of_100000_points_whole": whole, "curve_of_100000_points_s": round(took, 2)}


def thousand_jobs(rig: Rig) -> dict[str, object]:
    """1,000 queued jobs: memory, order, the time to cancel any."""
    blocker = rig.service.submit(Cue.from_json({**CUE, "prompt": "slow 600"}))
    before = rss_mb()
    cue = Cue.from_json(CUE)
    jobs = [rig.service.submit_bounce(cue) for _ in range(1000)]
    grown = rss_mb() - before
    times = []
    for job in random.Random(3).sample(jobs, 50):
        began = time.perf_counter()
        rig.service.cancel(job.id)
        times.append((time.perf_counter() - began) * 1e3)
    left = [job.number for job in reversed(rig.service.store.jobs(2000, ("queued",)))]
    ordered = left == sorted(left) and all(rig.service.job(f"j{n}").priority == BOUNCE_PRIORITY for n in left[:5])
    began = time.perf_counter()
    rig.service.cancel(blocker.id)
    running_ms = (time.perf_counter() - began) * 1e3
    for number in left:
        rig.service.cancel(f"j{number}")
    return {
        "rss_growth_1000_jobs_mb": round(grown, 2),
        "cancel_one_of_1000_ms": round(max(*times, running_ms), 2),
        "order_kept": ordered,
    }


def flood(rig: Rig, datagrams: int) -> dict[str, object]:
    """Random datagrams and 1,000 connections; then it must still answer."""
    rng = random.Random(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(datagrams):
            sock.sendto(rng.randbytes(rng.randrange(1, 400)), rig.address)
    strangers = [socket.create_connection(rig.address) for _ in range(1000)]
    began = time.perf_counter()
    with rig.client() as client:
        follow(client, client.submit({**CUE, "seed": 99}).values["job"])
    with socket.create_connection(rig.address) as sock:
        sock.settimeout(10)
        sock.sendall(frame(encode("/drawaudio/status"), "length"))
        deframer, packets = Deframer(), []
        while not packets:
            packets = deframer.feed(sock.recv(65536))
        answered = decode(packets[0])[0].address == "/drawaudio/status"
    for stranger in strangers:
        stranger.close()
    return {"serves_after_flood": answered, "job_after_flood_s": round(time.perf_counter() - began, 2)}


def soak(rig: Rig, minutes: float) -> dict[str, object]:
    """Mixed use; memory after a warm-up of a tenth of the time, and jobs that never ended."""
    rng = random.Random(5)
    until = time.monotonic() + minutes * 60
    warm = time.monotonic() + minutes * 6
    base = 0.0
    count = 0
    with rig.client() as client:
        while time.monotonic() < until:
            count += 1
            act = rng.choice(("submit", "curve", "regenerate", "cancel", "next", "keep", "junk"))
            if act == "submit":
                follow(client, client.submit({**CUE, "takes": rng.randint(1, 3)}).values["job"])
            elif act == "curve":
                points = [{"time_s": k / 1000, "value": -k / 10} for k in range(rng.randint(1, 400))]
                follow(client, client.submit({**CUE, "loudness": {"points": points}}).values["job"])
            elif act == "cancel":
                job = client.submit({**CUE, "prompt": "slow 60"}).values["job"]
                client.request("job/cancel", "ack", job=job)
            elif act == "junk":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.sendto(rng.randbytes(100), rig.address)
            elif rig.service.status()["current"]:
                verb = {"regenerate": "take/regenerate", "next": "take/next", "keep": "take/keep"}[act]
                client.request(verb, "ack", "job/queued")
            if not base and time.monotonic() > warm:
                base = rss_mb()
    deadline = time.monotonic() + 60
    while (stuck := rig.service.store.jobs(10, ("queued", "running"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return {
        "soak_minutes": minutes,
        "soak_acts": count,
        "soak_stuck_jobs": len(stuck),
        "soak_rss_growth_mb": round(rss_mb() - base, 2),
    }


def rss_mb() -> float:
    """Memory of this process (the service's), in MB; 0 where the system does not say it this way."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=50, help="hotkeys pressed (default: %(default)s)")
    parser.add_argument("--engine", action="store_true", help="hotkeys with the shipped model, too")
    parser.add_argument("--flood", type=int, default=100_000, help="random datagrams (default: %(default)s)")
    parser.add_argument(
        "--soak", type=float, default=0.0, metavar="MINUTES", help="mixed use for so long (default: none)"
    )
    args = parser.parse_args()
    figures: dict[str, object] = {}
    with running(small_renderer) as rig:
        figures |= hotkeys(rig, args.keys)
        figures |= curve_over_a_bad_link(rig)
        figures |= thousand_jobs(rig)
        figures |= flood(rig, args.flood)
        if args.soak:
            figures |= soak(rig, args.soak)
    if args.engine:
        with running(engine_renderer) as rig:
            figures["with_engine"] = hotkeys(rig, args.keys)
    missed = [name for name, limit in LIMITS.items() if isinstance(value := figures.get(name), float) and value > limit]
    missed += [
        name for name in ("curve_of_100000_points_whole", "order_kept", "serves_after_flood") if not figures[name]
    ]
    print(json.dumps({**figures, "missed": missed}, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
