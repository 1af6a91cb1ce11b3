"""The judge of content: a small network that names the class of a sound.

It is trained on real recordings alone, with other recordings' envelopes imposed on them, so that it
hears what a sound is made of and not how loud it is when: noise shaped to a dog's envelope is no dog.
A window is described by fixed statistics of its log-mels and named by a two-layer network.
Its embedding is the space of the Fréchet audio distance (:mod:`engine.evaluation.fad`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import MissingModel
from engine.spectral import FRAME, LogMel
from engine.training.classes import CLASSES

WEIGHTS = Path(__file__).parents[1] / "weights" / "classifier.safetensors"
BANDS = 64
MEL_WINDOW = 1024
WINDOW_FRAMES = 200
"""The network looks at 2 s at a time."""

RANGE_DB = 60.0
"""What lies further below the loudest band of a window is not seen: room tone must not give a class away."""

LAGS = (1, 2, 4, 8, 16, 32)
EMBEDDING = 64
FEATURES = 5 * BANDS + 1 + len(LAGS) * 3 * 16 + 16 * 17 // 2 + 4 * 24
"""Numbers that describe a window."""


@dataclass(frozen=True)
class Verdict:
    """What the judge makes of N sounds."""

    probabilities: np.ndarray
    """(N, classes), rows summing to 1."""
    embedding: np.ndarray
    """(N, 64), the mean over each sound's windows."""
    classes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The likeliest class of every sound."""
        return [self.classes[i] for i in self.probabilities.argmax(1)]


def log_mel_db(audio: np.ndarray | Tensor) -> np.ndarray:
    """Log-mel spectrogram in dB. audio: (samples,) at 48 kHz -> (64 bands, 1 + samples // 480) float32."""
    with torch.inference_mode():
        samples = torch.as_tensor(audio, dtype=torch.float32)
        # A clip shorter than the window's half cannot be mirrored at its ends.
        samples = F.pad(samples, (0, max(0, MEL_WINDOW - samples.shape[-1])))
        return 20 * _mel()(samples[None])[0].numpy()


_MEL: list[LogMel] = []


def _mel() -> LogMel:
    if not _MEL:
        _MEL.append(LogMel(MEL_WINDOW, FRAME, BANDS))
    return _MEL[0]


def normalise(mel_db: Tensor) -> Tensor:
    """Take the level out: (B, bands, T) in dB -> 0 at a window's loudest band, -3 at 60 dB below and under it."""
    top = mel_db.flatten(1).amax(1)[:, None, None]
    return (mel_db - top).clamp(-RANGE_DB, 0) / (RANGE_DB / 3)


def _pool(x: Tensor, groups: int) -> Tensor:
    """Mean over neighbouring bands. (B, bands, ...) -> (B, groups, ...)."""
    return x.unflatten(1, (groups, x.shape[1] // groups)).mean(2)


def describe(mel_db: Tensor) -> Tensor:
    """What a window sounds like, in :data:`FEATURES` numbers that depend little on when it is loud.

    mel_db: (B, 64, T) in dB. Colour (mean and spread over time per band, with and without the frame's
    level), how it changes over 10 to 320 ms, which bands move together, and rhythm (autocorrelation of
    the rises). Frames 40 dB below the loudest do not count.
    """
    x = normalise(mel_db)
    heard = (x.amax(1, keepdim=True) > -2.0).float()
    count = heard.sum(2).clamp(min=1)
    colour = x - x.mean(1, keepdim=True)
    parts = [x.amax(2), heard.mean(2)]
    for view in (x, colour):
        mean = (view * heard).sum(2) / count
        spread = (((view - mean[..., None]) ** 2 * heard).sum(2) / count).sqrt()
        parts += [mean, spread]
    coarse, coarse_colour = _pool(x, 16), _pool(colour, 16)
    for lag in LAGS:
        both = heard[..., lag:] * heard[..., :-lag]
        pairs = both.sum(2).clamp(min=1)
        for view in (coarse, coarse_colour):
            parts.append(((view[..., lag:] - view[..., :-lag]).abs() * both).sum(2) / pairs)
        parts.append((coarse[..., lag:] - coarse[..., :-lag]).clamp(min=0).amax(2))
    centred = (coarse_colour - (coarse_colour * heard).sum(2, keepdim=True) / count[..., None]) * heard
    together = centred @ centred.transpose(1, 2) / count[..., None]
    parts.append(together[:, *torch.triu_indices(16, 16)])
    rises = F.relu(_pool(x, 4)[..., 2:] - _pool(x, 4)[..., :-2])
    rises = rises - rises.mean(2, keepdim=True)
    spectrum = torch.fft.rfft(rises, 2 * WINDOW_FRAMES)
    rhythm = torch.fft.irfft(spectrum.abs() ** 2, 2 * WINDOW_FRAMES)[..., :120]
    rhythm = rhythm / rhythm[..., :1].clamp(min=1e-3)
    parts.append(rhythm[..., 3:99].unflatten(2, (24, 4)).amax(3).flatten(1))
    return torch.cat(parts, 1)


class Classifier(nn.Module):
    """Log-mels of 2 s to class scores and an embedding."""

    def __init__(self, classes: Sequence[str], width: int = 256) -> None:
        super().__init__()
        self.classes, self.width = tuple(classes), width
        self.norm = nn.BatchNorm1d(FEATURES, affine=False)
        self.hidden = nn.Linear(FEATURES, width)
        self.hidden_norm = nn.BatchNorm1d(width)
        self.embed = nn.Linear(width, EMBEDDING)
        self.scores = nn.Linear(EMBEDDING, len(self.classes))

    def forward(self, mel_db: Tensor) -> tuple[Tensor, Tensor]:
        """mel_db: (B, 64 bands, 200) in dB -> scores (B, classes) and embedding (B, 64)."""
        return self.name(describe(mel_db))

    def name(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """The same from the description (B, FEATURES)."""
        x = F.dropout(self.norm(described).clamp(-5, 5), 0.2, self.training)
        x = F.dropout(F.relu(self.hidden_norm(self.hidden(x))), 0.4, self.training)
        embedding = self.embed(x)
        return self.scores(F.relu(embedding)), embedding

    def save(self, path: Path) -> None:
        """Write the weights in bf16 with the class names in the file's header."""
        tensors = {k: v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in self.state_dict().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        config = {"classes": list(self.classes), "width": self.width}
        save_file(tensors, path, metadata={"config": json.dumps(config)})

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Classifier":
        """Read what :meth:`save` wrote. Raises MissingModel."""
        if not path.exists():
            raise MissingModel(f"{path}: the evaluation's classifier is missing; restore it from the repository")
        with safe_open(path, "pt") as file:
            config = json.loads(file.metadata()["config"])
            network = cls(config["classes"], config["width"])
            network.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
        return network.eval()

    def judge(self, sounds: Sequence[np.ndarray]) -> Verdict:
        """Name every sound. sounds: mono arrays at 48 kHz of any length above zero."""
        return self.judge_mels([log_mel_db(sound) for sound in sounds])

    @torch.inference_mode()
    def judge_mels(self, mels: Sequence[np.ndarray]) -> Verdict:
        """Name every sound from its log-mels (64, T) in dB: the mean over the windows that are not silent."""
        self.eval()
        windows = [_windows(mel) for mel in mels]
        stacked = torch.from_numpy(np.concatenate(windows).astype(np.float32))
        scores, embedding = zip(*[self(part) for part in stacked.split(64)], strict=True)
        probabilities = torch.softmax(torch.cat(scores).float(), -1).numpy()
        spots = np.cumsum([len(w) for w in windows])[:-1]
        return Verdict(
            np.stack([part.mean(0) for part in np.split(probabilities, spots)]),
            np.stack([part.mean(0) for part in np.split(torch.cat(embedding).float().numpy(), spots)]),
            self.classes,
        )


def _windows(mel: np.ndarray) -> np.ndarray:
    """Cut log-mels (64, T) into windows of 2 s every second, (n, 64, 200), without the silent ones."""
    frames = mel.shape[1]
    if frames <= WINDOW_FRAMES:
        return np.pad(mel, ((0, 0), (0, WINDOW_FRAMES - frames)), constant_values=-100.0)[None]
    starts = range(0, frames - WINDOW_FRAMES // 2, WINDOW_FRAMES // 2)
    cut = [mel[:, min(s, frames - WINDOW_FRAMES) :][:, :WINDOW_FRAMES] for s in starts]
    tops = np.array([part.max() for part in cut])
    return np.stack([part for part, top in zip(cut, tops, strict=True) if top > tops.max() - 30])


def class_names() -> tuple[str, ...]:
    """The classes in the order of the scores."""
    return tuple(CLASSES)
