"""References: real recordings, as latents, that a take may start from instead of from noise alone.

A small network knows little of a class's colour; a recording knows all of it. So the words find a
recording, the curve lays its events where the line has its hits, and the sampler starts from the
result under noise: the recording gives the colour, the denoiser the rest.

    prompt ─▶ recordings nearest in meaning ─▶ the seed picks one, with its siblings (the same
                                               shoes, the same dog)
    line      ▁▁▁█▃▁▁▁▁▁▁█▃▂▁▁▁▁▁▁▂▃▄▅▆▇█████
    laid out     a        b      ·········c····      a, b, c: events of the recordings

Source of starting a sampler from a noised example: Meng et al. 2022, "SDEdit" (arXiv 2108.01073).
Only CC0 and public-domain recordings are references, so that a take owes nothing to anyone.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.gain_rider import running_maximum
from engine.loudness import LOOSE_FRAMES
from engine.models.denoiser import TOKEN_RATE, scale_level, to_tokens

KNOWN = 0.45
"""A prompt further than this from every recording (cosine) is made from noise alone."""
NEAR, LABEL_NEAR = 0.1, 0.15
"""Recordings this much further from the prompt than the nearest, by all they answer to and by their own label, may be
picked, too (cosine)."""
CHOICES = 8
"""Of so many recordings the seed picks one."""

PITCH = 2
"""Octaves above 100 Hz and voicing."""

LATENT_STEPS = 32.0
"""Latents of unit variance are stored in steps of 1 / 32, levels in half decibels above -100 dBFS."""
LEVEL_STEPS, LEVEL_BOTTOM_DB = 2.0, -100.0

ACTIVE_DB = 35.0
"""What lies further below a recording's loudest frame is not its texture."""
RISE_DB, RISE_LATENTS, APART_LATENTS = 8.0, 3, 6
"""A hit: the level grows by 8 dB within 60 ms, more than anywhere within 120 ms around."""
LEAD_LATENTS = 2
"""An event begins 40 ms before its steepest rise, so that all of the attack is within it."""
QUIET_DB = -55.0
"""In dBFS: a line that rises below this is not yet heard."""
LOOK_BACK_TOKENS = 4 * TOKEN_RATE
"""So far before a window its line is looked at for the hit whose event is still sounding."""
HELD_LATENTS = 15
"""A hit's line is up for 300 ms or so; shorter events are drawn out to this."""
SILENT_DB = -80.0
SHORTEST_PERIOD = 25
"""Latents: left to itself, a short event comes twice a second."""


def hits(level_db: np.ndarray) -> np.ndarray:
    """Where a level (n,) in dB per latent begins to be hit: indices of the events' first latents."""
    if len(level_db) <= RISE_LATENTS:
        return np.zeros(0, int)
    rise = np.zeros(len(level_db))
    rise[RISE_LATENTS:] = level_db[RISE_LATENTS:] - level_db[:-RISE_LATENTS]
    padded = np.pad(rise, APART_LATENTS)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * APART_LATENTS + 1).max(1)
    found = np.flatnonzero((rise > RISE_DB) & (rise >= around) & (level_db > QUIET_DB))
    # Of several that rise alike, the first.
    first = found[np.diff(found, prepend=-APART_LATENTS - 1) > APART_LATENTS]
    return np.maximum(first - LEAD_LATENTS, 0)


class Laid(NamedTuple):
    """A reference under a line. T tokens of 40 ms, C channels of the codec's latents."""

    tokens: Tensor
    """(T, 2 C + 4) what the sampler starts from."""
    pitch: Tensor
    """(2, 2 T) what the codec's harmonics are tuned by, see engine.pitch."""


@dataclass(frozen=True)
class Reference:
    """A recording and its siblings, ready to be laid under a line. A row is a latent of 20 ms: C channels and pitch."""

    texture: np.ndarray
    """(n, C + 2) rows of all that sounds, one after the other."""
    events: np.ndarray
    """Indices into ``texture`` at which something begins."""
    natural: np.ndarray
    """(m, C + 2) rows as they were recorded, with the pauses between."""
    natural_level: np.ndarray
    """(2 m,) level of ``natural`` in dBFS."""
    credits: tuple[str, ...] = ()
    """What the recordings are, by whom, under which licence, where."""

    def laid(self, asked_db: np.ndarray, first: int, before: int, *, loose: bool, seed: int) -> Laid:
        """The reference under a line: where that is drawn tight an event at each hit, else as it was recorded.

        asked_db: level in dBFS per 10 ms, nan where undrawn, of ``before`` frames and then of 4 T; first: the take's
        frame at which asked_db begins, so that every window of a take continues the last.
        """
        frames = first + np.arange(len(asked_db))
        level = self.natural_level[frames % len(self.natural_level)]
        rows = self.natural[frames[::2] // 2 % len(self.natural)]
        drawn = np.isfinite(asked_db)
        if loose:
            half = LOOSE_FRAMES // 2
            around = torch.from_numpy(np.pad(self.natural_level, half, mode="wrap"))
            top = running_maximum(around[None])[0, half:-half].numpy()
            level[drawn] += (asked_db - top[frames % len(top)])[drawn]
        else:
            level[drawn] = asked_db[drawn]
            tight = drawn[::2]
            rows[tight] = self.texture[self._events_at(np.where(drawn, asked_db, SILENT_DB)[::2], first // 2, seed)][
                tight
            ]
        own = torch.from_numpy(rows[before // 2 :])
        heard = scale_level(torch.from_numpy(level[before:].astype(np.float32)))
        return Laid(to_tokens(own[None, :, :-PITCH], heard[None])[0], own[:, -PITCH:].T)

    def _events_at(self, line_db: np.ndarray, first: int, seed: int) -> np.ndarray:
        """Which row of the texture lies under each latent of the line: an event begins at each hit."""
        place = first + np.arange(len(line_db))
        for hit in hits(line_db):
            choice = int(np.random.default_rng([seed, first + hit]).integers(len(self.events)))
            place[hit:] = self.events[choice] + np.arange(len(line_db) - hit)
        return place % len(self.texture)


def _held(rows: np.ndarray) -> np.ndarray:
    """Rows (n, C + 2) of a recording, a short one's latter half to and fro until it is HELD_LATENTS long.

    What follows a short event while the line is still up is its own end, not the attack of the next.
    """
    end = rows[len(rows) // 2 :]
    missing = max(0, HELD_LATENTS - len(rows))
    return np.concatenate([rows, np.pad(end, ((0, missing), (0, 0)), mode="symmetric")[len(end) :]])


REFERENCE_PARTS = ("latents", "level", "pitch", "lengths", "groups", "phrases", "vectors", "credits")
"""Names of the tensors that a bank is stored as."""


class References:
    """The bank: recordings as latents, with the phrases that find them."""

    def __init__(self, stored: dict[str, Tensor]) -> None:
        self._latents, self._level, self._pitch = (stored[name].numpy() for name in ("latents", "level", "pitch"))
        self._starts = np.concatenate([[0], np.cumsum(stored["lengths"].numpy())])
        self._groups = stored["groups"].numpy()
        self._vectors = stored["vectors"].float().numpy()
        self._phrases = stored["phrases"].numpy()
        self._credits = bytes(stored["credits"].numpy()).decode().split("\n")

    def pick(self, sentence: Tensor, seed: int) -> Reference | None:
        """The reference for a prompt's sentence vector (384,), None where nothing is near; the seed picks it."""
        if not len(self._phrases):
            return None
        alike = (self._vectors @ sentence.numpy())[self._phrases]
        near, label = alike.max(1), alike[:, 0]
        if near.max() < KNOWN:
            return None
        # All recordings of a kind answer to its phrases alike: of those, the ones that are called what is asked for.
        fitting = np.flatnonzero(near > near.max() - NEAR)
        best = fitting[np.argsort(-label[fitting], kind="stable")][:CHOICES]
        best = best[label[best] > label[best[0]] - LABEL_NEAR]
        chosen = int(best[int(np.random.default_rng([seed, 3]).integers(len(best)))])
        # Siblings are other recordings of the same thing: each footstep another step, none played twice in a row.
        siblings = np.flatnonzero((self._groups == self._groups[chosen]) & (near >= near[chosen] - 1e-4))[:CHOICES]
        return self._together([chosen, *(int(i) for i in siblings if i != chosen)])

    def _sound(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, C + 2) and level (2 n,) in dBFS of one recording."""
        start, stop = self._starts[index], self._starts[index + 1]
        level = self._level[2 * start : 2 * stop] / LEVEL_STEPS + LEVEL_BOTTOM_DB
        rows = np.concatenate([self._latents[start:stop] / LATENT_STEPS, self._pitch[start:stop]], 1)
        return rows.astype(np.float32), level.astype(np.float32)

    def _together(self, members: list[int]) -> Reference:
        """Several recordings as one reference."""
        textures, events, natural, levels, at = [], [], [], [], 0
        for member in members:
            rows, level = self._sound(member)
            loudest = level.reshape(-1, 2).max(1)
            active = loudest > loudest.max() - ACTIVE_DB
            textures.append(_held(rows[active]))
            events.append(at + np.union1d([0], hits(loudest[active] - loudest.max())))
            at += len(textures[-1])
            pause = max(0, SHORTEST_PERIOD - len(rows))
            natural.append(np.pad(rows, ((0, pause), (0, 0)), mode="edge"))
            levels.append(np.pad(level, (0, 2 * pause), constant_values=LEVEL_BOTTOM_DB))
        places = np.concatenate(events).astype(int)
        credits = tuple(self._credits[member] for member in members)
        return Reference(np.concatenate(textures), places, np.concatenate(natural), np.concatenate(levels), credits)


NO_REFERENCES = References({name: torch.zeros(0, dtype=torch.uint8) for name in REFERENCE_PARTS})
"""An empty bank: everything is made from noise alone."""


def packed(latents: np.ndarray, level_db: np.ndarray) -> tuple[Tensor, Tensor]:
    """Scaled latents and levels as they are stored: int8 and uint8."""
    steps = np.clip(np.round(latents * LATENT_STEPS), -127, 127)
    half_decibels = np.clip(np.round((level_db - LEVEL_BOTTOM_DB) * LEVEL_STEPS), 0, 255)
    return torch.from_numpy(steps.astype(np.int8, order="C")), torch.from_numpy(half_decibels.astype(np.uint8))
