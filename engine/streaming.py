"""Working through something long piece by piece, each piece with a margin of its neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Piece:
    """Tensors over ``left`` units of margin, ``count`` units of its own, ``right`` units of margin."""

    parts: tuple[Tensor, ...]
    first: int
    """Unit at which the piece's own part begins."""
    left: int
    count: int
    right: int


def with_margins(chunks: Iterator[tuple[Tensor, ...]], sizes: tuple[int, ...], margin: int) -> Iterator[Piece]:
    """Regroup chunks so that every piece sees ``margin`` units on both sides, where there are any.

    The last axis of tensor i of a chunk holds sizes[i] elements per unit.

        chunks   |-----a-----|-----b-----|--c--|
        pieces   [===a==>····]
                      [·····<==b==>·····]          = own, · margin
    """
    held: tuple[Tensor, ...] | None = None
    first = left = 0
    for chunk in chunks:
        held = chunk if held is None else tuple(torch.cat(pair, -1) for pair in zip(held, chunk, strict=True))
        count = held[0].shape[-1] // sizes[0] - left - margin
        if count <= 0:
            continue
        yield Piece(held, first, left, count, margin)
        first += count
        drop = max(0, left + count - margin)
        left = left + count - drop
        held = tuple(part[..., drop * size :] for part, size in zip(held, sizes, strict=True))
    if held is not None and (count := held[0].shape[-1] // sizes[0] - left) > 0:
        yield Piece(held, first, left, count, 0)


def own(part: Tensor, piece: Piece, size: int) -> Tensor:
    """The piece's own part of a tensor with ``size`` elements per unit on its last axis."""
    return part[..., piece.left * size : (piece.left + piece.count) * size]
