"""Training of the judge, on real training recordings alone: a few CPU minutes.

python -m engine.evaluation.train_classifier CORPUS_FOLDER CACHE_FOLDER
"""

import sys
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.evaluation.classifier import BANDS, WEIGHTS, WINDOW_FRAMES, Classifier, class_names, describe, log_mel_db
from engine.training.classes import sound_class
from engine.training.corpus import Clip, Corpus

SILENCE_DB = -100.0
BATCH = 48


class MelCache:
    """Log-mels of a whole corpus, float16 on disk."""

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self.clips = corpus.clips
        starts = np.cumsum([0, *[1 + c.length // 480 for c in corpus.clips]])
        self.place = {c.file: slice(a, b) for c, a, b in zip(corpus.clips, starts, starts[1:], strict=False)}
        path = folder / f"mels_{len(corpus.clips)}_{starts[-1]}.npy"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            mels = np.empty((starts[-1], BANDS), np.float16)
            for clip in corpus.clips:
                mel = log_mel_db(corpus.audio(clip)).T
                mels[self.place[clip.file]] = mel[: 1 + clip.length // 480]
            np.save(path, mels)
        self.mels = np.load(path, mmap_mode="r")
        levels = path.with_name(f"levels_{path.name}")
        if not levels.exists():
            parts = [frame_level(self.mels[i : i + 10_000]) for i in range(0, len(self.mels), 10_000)]
            np.save(levels, np.concatenate(parts))
        self.level = np.load(levels)

    def __getitem__(self, clip: Clip) -> np.ndarray:
        """(T, 64) in dB."""
        return self.mels[self.place[clip.file]]


def frame_level(mel: np.ndarray) -> np.ndarray:
    """Level of log-mels (T, bands) in dB up to a constant: (T,) float32."""
    power = np.exp2(mel.astype(np.float32) * np.float32(np.log2(10) / 10)).sum(1)
    return np.asarray(10 * np.log10(power), np.float32)


def arrange(mel: np.ndarray, level: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A window of a clip: a loud place of a long one, a short one once or several times, a little slower or faster.

    mel: (T, bands), level: (T,) -> (200, bands), (200,).
    """
    speed = rng.uniform(0.85, 1.18)
    needed = int(WINDOW_FRAMES * speed) + 2
    if len(mel) > needed:
        centre = int(rng.choice(np.flatnonzero(level >= level.max() - 25)))
        start = int(np.clip(centre - rng.integers(0, needed), 0, len(mel) - needed))
        mel, level = mel[start : start + needed], level[start : start + needed]
    spots = np.minimum(np.arange(0, max(len(mel) - 1, 1), speed) + 0.5, len(mel) - 1).astype(int)
    mel, level = mel[spots[:WINDOW_FRAMES]].astype(np.float32), level[spots[:WINDOW_FRAMES]]
    count = len(mel)
    if count == WINDOW_FRAMES:
        return mel, level
    window = np.full((WINDOW_FRAMES, mel.shape[1]), SILENCE_DB, np.float32)
    levels = np.full(WINDOW_FRAMES, SILENCE_DB, np.float32)
    gap = int(rng.exponential(25))
    place = int(rng.integers(0, WINDOW_FRAMES - count + 1))
    again = rng.random() < 0.6
    place = place % (count + gap) if again else place
    while place < WINDOW_FRAMES:
        size, change = min(count, WINDOW_FRAMES - place), np.float32(rng.normal(0, 2))
        window[place : place + size] = mel[:size] + change
        levels[place : place + size] = level[:size] + change
        place = place + count + gap if again else WINDOW_FRAMES
    return window, levels


def disguise(window: np.ndarray, own: np.ndarray, donor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Impose a donor's level (200,) and an equaliser on a window (200, bands) whose own level is (200,)."""
    if rng.random() < 0.6:
        floor = own.max() - rng.uniform(30, 55)  # what lies below is not raised, as in the engine
        window = window + (donor - np.maximum(own, floor))[:, None]
    knots = rng.normal(0, 4, 6)
    window = window + np.interp(np.linspace(0, 5, window.shape[1]), np.arange(6), knots)
    shift = int(rng.integers(-2, 3))
    window = np.roll(window, shift, 1)
    if rng.random() < 0.4:  # a microphone's noise
        window = np.maximum(window, window.max() - rng.uniform(35, 70))
    if rng.random() < 0.3:
        band = int(rng.integers(0, window.shape[1] - 10))
        window = window.copy()
        window[:, band : band + int(rng.integers(2, 10))] = window.min()
    return window


def describe_training(corpus: Corpus, mels: MelCache, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Descriptions (count, FEATURES) of disguised windows of the training recordings, and their classes (count,)."""
    rng = np.random.default_rng(seed)
    names = class_names()
    labels = {c.file: sound_class(c.label, c.category, c.file) for c in corpus.training}
    known = [c for c in corpus.training if labels[c.file]]
    target = np.array([names.index(str(labels[c.file])) for c in known])
    # Classes count nearly alike; long recordings hold more than short ones.
    weight = np.array([min(c.length / 48_000, 10.0) ** 0.25 for c in known])
    weight /= np.bincount(target, weight)[target] ** 0.75
    picks = rng.choice(len(known), count, p=weight / weight.sum())
    donors = rng.choice(len(corpus.training), count)
    described = []
    for first in range(0, count, BATCH):
        windows = []
        for i, j in zip(picks[first : first + BATCH], donors[first : first + BATCH], strict=True):
            donor = mels.level[mels.place[corpus.training[j].file], None]
            window, own = arrange(mels[known[i]], mels.level[mels.place[known[i].file]], rng)
            windows.append(disguise(window, own, arrange(donor, donor[:, 0], rng)[1], rng))
        batch = torch.from_numpy(np.stack(windows).astype(np.float32)).transpose(1, 2)
        described.append(describe(batch.contiguous()).half())
    return torch.cat(described), torch.from_numpy(target[picks])


def train_classifier(
    corpus: Corpus, cache: Path, *, windows: int = 30_000, epochs: int = 30, seed: int = 0, report: bool = True
) -> Classifier:
    """Train on so many disguised windows; about two CPU minutes. The average of the last weights is what comes back."""
    torch.set_num_threads(1)  # small matrices: two threads mostly wait for each other
    torch.manual_seed(seed)
    with torch.inference_mode():
        described, target = describe_training(corpus, MelCache(corpus, cache), windows, seed)
    described, target = described.clone(), target.clone()
    network = Classifier(class_names())
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, epochs * (windows // 256))
    for epoch in range(epochs):
        network.train()
        right = 0
        for picks in torch.randperm(windows)[: windows // 256 * 256].split(256):
            x, wanted = described[picks].float(), target[picks]
            # Mixing two windows' descriptions keeps the network from being sure of what it has only seen once.
            share, other = float(np.random.default_rng(int(picks[0])).beta(0.3, 0.3)), torch.randperm(256)
            scores, _ = network.name(share * x + (1 - share) * x[other])
            loss = share * F.cross_entropy(scores, wanted, label_smoothing=0.05)
            loss = loss + (1 - share) * F.cross_entropy(scores, wanted[other], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            right += int((scores.argmax(1) == (wanted if share > 0.5 else wanted[other])).sum())
        if report and epoch % 5 == 4:
            print(f"epoch {epoch + 1}  loss {loss.item():.3f}  right {right / windows:.2f}", flush=True)
    return cast(Classifier, average.module.eval())


def validation_accuracy(network: Classifier, corpus: Corpus, cache: Path) -> dict[str, tuple[int, int]]:
    """(right, all) of the real held-out recordings per class."""
    mels = MelCache(corpus, cache)
    labelled = [(c, sound_class(c.label, c.category, c.file)) for c in corpus.validation]
    chosen = [(c, name) for c, name in labelled if name]
    heard = network.judge_mels([mels[c].T for c, _ in chosen]).names
    counts = {name: (0, 0) for name in class_names()}
    for (_, name), guess in zip(chosen, heard, strict=True):
        right, total = counts[name]
        counts[name] = (right + (guess == name), total + 1)
    return counts


def main(argv: list[str]) -> None:
    corpus, cache = Corpus(Path(argv[0])), Path(argv[1])
    network = train_classifier(corpus, cache)
    network.save(WEIGHTS)
    counts = validation_accuracy(Classifier.load(), corpus, cache)
    for name, (right, total) in counts.items():
        print(f"{name:15} {right:3}/{total}")
    print("mean over classes", np.mean([right / total for right, total in counts.values()]))


if __name__ == "__main__":
    main(sys.argv[1:])
