"""Makes the bank of references: free recordings as latents, with the phrases that find them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.models.codec import Codec
from engine.models.denoiser import Denoiser
from engine.pitch import track
from engine.references import packed
from engine.spectral import SAMPLE_RATE
from engine.training.classes import clean_label, kind_phrases, sound_class
from engine.training.corpus import Clip, Corpus, index_rows
from engine.training.latents import encoded

FREE = ("CC0", "CC0 1.0", "CC 0", "Public Domain")
"""Licences, as the index spells them, under which a recording may sound in anybody's take."""

LONGEST_S = 12.0
EDGE_DB = 45.0
"""Before a recording first comes within this of its loudest frame, and after it last does, there is nothing of it."""


def free_files(source: Path) -> dict[str, str]:
    """Files of a data folder or packed file whose licence asks nothing of the user of a take, with their credits."""
    return {row["file"]: credit(row) for row in index_rows(source) if row["licence"] in FREE}


def credit(row: dict[str, str]) -> str:
    """One line on a recording: what, by whom, licence, where."""
    author, where = row["author"].strip() or "an unknown author", row["url"].strip() or row["source"].strip()
    return " ".join(f"{row['label']} by {author}, {row['licence']}{where and ', ' + where}".split())


def phrases_of(clip: Clip) -> tuple[str, ...]:
    """What a recording answers to: its own label, and the phrases for its kind of sound."""
    own = clean_label(clip.label)
    name = sound_class(clip.label, clip.category, clip.file)
    found = ((own,) if own else ()) + (kind_phrases(name, own) if name else ())
    return found or (clip.category.replace("_", " "),)


def sounding(level: np.ndarray) -> slice:
    """The latents between the silence before a sound and that after it. level: (2 n,) in dBFS."""
    loud = np.flatnonzero(level.reshape(-1, 2).max(1) > level.max() - EDGE_DB)
    return slice(max(0, int(loud[0]) - 1), int(loud[-1]) + 2)


@torch.no_grad()
def make_references(
    corpus: Corpus, free: dict[str, str], codec: Codec, denoiser: Denoiser, embed: Callable[[list[str]], Tensor]
) -> dict[str, Tensor]:
    """The bank as it is stored. free: file -> credit; embed: texts -> (n, 384) unit vectors."""
    clips = [clip for clip in corpus.training if clip.file in free]
    mean, std = denoiser.latent_mean.float().cpu().numpy(), denoiser.latent_std.float().cpu().numpy()
    latents, levels, pitches = [], [], []
    for clip in clips:
        sound = encoded(codec, corpus.audio(clip)[: int(LONGEST_S * SAMPLE_RATE)])
        kept = sounding(sound.level)
        latents.append((sound.latents[kept] - mean) / std)
        levels.append(sound.level[2 * kept.start : 2 * kept.stop])
        pitches.append(track(sound.unit)[0, :, kept].T.cpu())
    answers = [phrases_of(clip) for clip in clips]
    rows = {phrase: row for row, phrase in enumerate(sorted({phrase for own in answers for phrase in own}))}
    longest = max(len(own) for own in answers)
    # A recording with fewer phrases than the others repeats its first.
    table = np.array([[rows[phrase] for phrase in (*own, *own[:1] * (longest - len(own)))] for own in answers])
    groups = {group: number for number, group in enumerate(dict.fromkeys(clip.group for clip in clips))}
    stored_latents, stored_level = packed(np.concatenate(latents), np.concatenate(levels))
    return {
        "latents": stored_latents,
        "level": stored_level,
        "pitch": torch.cat(pitches).to(torch.float16),
        "lengths": torch.tensor([len(part) for part in latents]),
        "groups": torch.tensor([groups[clip.group] for clip in clips], dtype=torch.int16),
        "phrases": torch.from_numpy(table.astype(np.int16)),
        "vectors": embed(list(rows)).to(torch.float16),
        "credits": torch.frombuffer(
            bytearray("\n".join(free[clip.file] for clip in clips).encode()), dtype=torch.uint8
        ),
    }
