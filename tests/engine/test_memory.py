"""What was freed goes back to the system."""

from pathlib import Path

import pytest

from engine.memory import _glibc, hand_back

BLOCK, COUNT = 100_000, 2_000


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(_glibc() is None, reason="only glibc keeps what was freed")
def test_freed_memory_below_what_is_still_held_goes_back() -> None:
    """The last block keeps the heap from shrinking by itself."""
    blocks = [bytearray(b"x" * BLOCK) for _ in range(COUNT)]
    full = resident_mb()
    del blocks[:-1]
    hand_back()
    assert resident_mb() < full - 0.8 * BLOCK * COUNT / 1e6


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.memory._glibc", lambda: None)
    hand_back()
