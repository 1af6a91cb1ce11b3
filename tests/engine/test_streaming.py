"""Pieces with margins put together again give what went in, whatever the chunks were."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.streaming import own, with_margins


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 6))
def test_own_parts_join_to_the_whole(lengths: list[int], margin: int) -> None:
    """Every unit is somebody's own exactly once, in order, for both tensors of a chunk."""
    total = sum(lengths)
    coarse, fine = torch.arange(total)[None], torch.arange(3 * total)[None]
    chunks, at = [], 0
    for n in lengths:
        chunks.append((coarse[:, at : at + n], fine[:, 3 * at : 3 * (at + n)]))
        at += n
    pieces = list(with_margins(iter(chunks), (1, 3), margin))
    assert torch.equal(torch.cat([own(p.parts[0], p, 1) for p in pieces], 1), coarse)
    assert torch.equal(torch.cat([own(p.parts[1], p, 3) for p in pieces], 1), fine)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 6))
def test_margins_are_there_wherever_the_whole_has_them(lengths: list[int], margin: int) -> None:
    """No piece sees less of its neighbours than the margin, except at the two ends."""
    total, at, chunks = sum(lengths), 0, []
    for n in lengths:
        chunks.append((torch.arange(at, at + n)[None],))
        at += n
    for piece in with_margins(iter(chunks), (1,), margin):
        seen = piece.parts[0][0]
        assert piece.left == min(margin, piece.first)
        assert seen[0] == piece.first - piece.left
        assert seen[-1] >= min(total, piece.first + piece.count + margin) - 1


def test_memory_does_not_grow_with_the_length() -> None:
    """What is held is at most a chunk and three margins."""
    chunks = ((torch.zeros(1, 10),) for _ in range(1000))
    assert max(p.parts[0].shape[1] for p in with_margins(chunks, (1,), 8)) <= 10 + 3 * 8
