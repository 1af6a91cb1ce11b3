"""Damaged files of every format: one clear line or a reading; no traceback, no hang, no full memory."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from bridge.hosts import ProjectError, read_project
from bridge.hosts.formats import UNFORESEEN
from bridge.hosts.time_axis import drawing

#: No seed is larger, bytes.
SEED_BYTES = 64 * 1024
#: CPU seconds that one file may take.
LONGEST_S = 2.0
#: Growth of the process over all of a run, bytes.
MEMORY = 500 * 2**20
#: What a damaged number may become.
NUMBERS = (b"0", b"-1", b"1e308", b"nan", b"inf", b"99999999999999999999", b"", b"0x10", b"1e-320", b"'", b"<", b"\xff")


def mutated(data: bytes, source: random.Random) -> bytes:
    """`data` with a few things wrong: bytes flipped, cut, doubled, moved, or numbers made absurd."""
    out = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        at = source.randrange(len(out) + 1)
        end = min(at + source.choice((1, 2, 8, 64, 1024)), len(out))
        match source.randrange(8):
            case 0 if out:
                out[at % len(out)] ^= 1 << source.randrange(8)
            case 1:
                out[at:end] = source.randbytes(end - at)
            case 2:
                del out[at:end]
            case 3:
                out[at:at] = out[at:end] * source.choice((1, 2, 50))
            case 4:
                del out[at:]
            case 5 | 6:
                digits = [i for i in range(at, end) if 48 <= out[i] <= 57]
                if digits:
                    out[digits[0] : digits[0] + 1] = source.choice(NUMBERS)
            case 7:
                other = source.randrange(len(out) + 1)
                out[at:end], out[other:other] = b"", bytes(out[at:end])
        del out[SEED_BYTES * 4 :]
    return bytes(out)


def repacked(name: str, data: bytes, source: random.Random, samples: ModuleType) -> bytes:
    """Half of the packed seeds are damaged inside, where a damaged archive would never let a reader look."""
    if source.random() < 0.5:
        return mutated(data, source)
    if name == "song.als":
        return samples.als(mutated(samples.ALS_XML.encode(), source).decode("utf-8", "replace"))
    if name == "song.dawproject":
        return samples.dawproject(mutated(samples.DAWPROJECT_XML.encode(), source).decode("utf-8", "replace"))
    return mutated(data, source)


def run(count: int, first: int, samples: ModuleType, folder: Path) -> None:
    resource = pytest.importorskip("resource", reason="counts memory by what only Unix tells")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seeds = [(name, data[:SEED_BYTES]) for name, data in sorted(samples.SEEDS.items())]
    for number in range(first, first + count):
        source = random.Random(number)
        name, data = seeds[number % len(seeds)]
        path = folder / name
        path.write_bytes(repacked(name, data, source, samples))
        begun = time.process_time()
        try:
            project = read_project(path)
        except ProjectError as error:
            told = str(error)
            assert told.count("\n") == 0 and name in told, f"mutation {number}: {told!r}"
            assert UNFORESEEN not in told, f"mutation {number}: {told!r}"
        else:
            try:
                json.dumps(project.to_json(), allow_nan=False)
                drawing(project, 80)
            except Exception as error:
                raise AssertionError(f"mutation {number} of {name} is read, but cannot be shown: {error!r}") from error
        assert time.process_time() - begun < LONGEST_S, f"mutation {number} of {name} takes too long"
    unit = 1 if sys.platform == "darwin" else 1024
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
    assert grown < MEMORY, f"{grown // 2**20} MiB"


def test_two_thousand_damaged_files(samples: ModuleType, tmp_path: Path) -> None:
    run(2_000, 0, samples, tmp_path)


@pytest.mark.long
def test_a_hundred_thousand_damaged_files(samples: ModuleType, tmp_path: Path) -> None:
    run(100_000, 2_000, samples, tmp_path)
