"""Codec training by energy distance on level-normalised audio."""

from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample
from torch import Tensor

from engine.loudness import factor_level
from engine.models.codec import LATENT_HOP, Codec
from engine.pitch import HOP, track
from engine.spectral import ENERGY_SCALES, FRAME, SAMPLE_RATE, LogMel, MultiScaleLogMel
from engine.training.corpus import Corpus
from engine.training.latents import equalised
from engine.training.loop import optimizers, train

LATENTS = 30
CROP = LATENTS * LATENT_HOP
"""Samples per training crop: 0.6 s, long enough for the longest window to see whole attacks."""

INNER_MATRICES = r"\.(up|down)\.weight$"
"""Names of the weights that Muon trains: those of the ConvNeXt blocks' perceptrons."""

ATTACKS = 0.35
"""Share of the crops that hold their recording's steepest attack: most of a recording is what comes after it."""

FASTER, OCTAVES = 0.3, (0.05, 0.45)
"""Share of the crops that are sped up, and by how much. Slowed down they would lack the highest octave's noise."""
COLOURED, COLOUR_DB, COLOUR_KNOTS = 0.5, 3.0, np.geomspace(40, 20_000, 9)
"""Share of the crops that go through an equaliser: gains in dB, normally distributed, at frequencies in Hz."""

FINE_WINDOW, FINE_BANDS = 4096, 256
"""One view more than the six that judge: in it partials stand apart."""


def pitches(corpus: Corpus, path: Path) -> np.ndarray:
    """Pitch of all recordings, (2, latents of the corpus's samples) float16: measured once, then read from ``path``."""
    if not path.exists():
        found = np.zeros((2, len(corpus.samples) // HOP), np.float16)
        for clip in corpus.clips:
            for start in range(0, clip.length, 10 * SAMPLE_RATE):
                part = torch.from_numpy(corpus.audio(clip)[None, start : start + 10 * SAMPLE_RATE])
                begin = (clip.start + start) // HOP
                found[:, begin : begin + part.shape[-1] // HOP] = track(factor_level(part)[0])[0].numpy()
        np.save(path, found)
    return np.asarray(np.load(path))


def steepest(clip: np.ndarray) -> int:
    """The latent in which a clip's (L,) level per 10 ms grows most."""
    power = np.square(clip[: len(clip) // FRAME * FRAME], dtype=np.float32).reshape(-1, FRAME).mean(1)
    return int(np.diff(np.sqrt(power), prepend=0.0).argmax()) * FRAME // HOP


def random_crop(
    clip: np.ndarray, pitch: np.ndarray, rng: np.random.Generator, latents: int = LATENTS
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of so many latents of a clip (L,) and its pitch (2, L // 960), or the whole of a short one somewhere."""
    spare = pitch.shape[1] - latents
    if spare > 0:
        start = int(rng.integers(0, spare + 1))
        if rng.random() < ATTACKS:
            start = int(np.clip(steepest(clip) - rng.integers(2, latents - 4), 0, spare))
        return clip[start * HOP : (start + latents) * HOP], pitch[:, start : start + latents]
    start = int(rng.integers(0, 1 - spare))
    around = (start, -spare - start)
    return np.pad(clip, (around[0] * HOP, around[1] * HOP)), np.pad(pitch, ((0, 0), around))


def sped_up(audio: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A longer crop and its pitch (2, n) played in the time of LATENTS."""
    speed = pitch.shape[1] / LATENTS
    octaves, voicing = pitch[:, ((np.arange(LATENTS) + 0.5) * speed).astype(int)]
    return resample(audio, CROP), np.stack([octaves + np.log2(speed), voicing])


def coloured(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop (CROP,) through an equaliser drawn at random."""
    gains = rng.normal(0, COLOUR_DB, len(COLOUR_KNOTS))
    return equalised(audio, lambda hz: np.interp(np.log(hz.clip(1)), np.log(COLOUR_KNOTS), gains))


def varied_crop(clip: np.ndarray, pitch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A crop of a clip, (CROP,) and (2, LATENTS): now and then faster, now and then of another colour.

    A decoder that only ever hears the recordings as they are learns them by heart.
    """
    speed = 2 ** rng.uniform(*OCTAVES) if rng.random() < FASTER else 1.0
    audio, pitch = random_crop(clip, pitch, rng, round(LATENTS * speed))
    if pitch.shape[1] > LATENTS:
        audio, pitch = sped_up(audio, pitch)
    return (coloured(audio, rng) if rng.random() < COLOURED else audio), pitch


def train_codec(
    corpus: Corpus,
    checkpoint: Path,
    *,
    minutes: float,
    total_minutes: float,
    batch: int = 16,
    rate: float = 8e-4,
    scales_per_step: int = 3,
    decoder_of: Codec | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Codec:
    """Train (or go on training) the codec; returns the averaged network.

    decoder_of: a trained codec whose encoder stays as it is while its decoder is refined, so that
    latents made with it stay good. It is refined on the latents' means, which is what takes are made of.
    """
    torch.manual_seed(seed)
    codec = (decoder_of or Codec()).to(device).train()
    codec.encoder.requires_grad_(decoder_of is None)
    views = MultiScaleLogMel().to(device)
    fine = LogMel(FINE_WINDOW, FINE_WINDOW // 4, FINE_BANDS).to(device)
    pitch_of = pitches(corpus, checkpoint.with_name("pitch.npy"))
    rng = np.random.default_rng()
    clips = corpus.training
    weight = np.array([min(c.length, 10 * SAMPLE_RATE) for c in clips], float) ** 0.5
    weight /= weight.sum()

    def draw() -> tuple[Tensor, Tensor]:
        picks = [clips[i] for i in rng.choice(len(clips), batch, p=weight)]
        crops = []
        for clip in picks:
            where = slice(clip.start // HOP, (clip.start + clip.length) // HOP)
            crops.append(varied_crop(corpus.audio(clip), pitch_of[:, where], rng))
        audio, pitch = (np.stack(parts).astype(np.float32) for parts in zip(*crops, strict=True))
        audio *= 10 ** (rng.uniform(-14, 0, (batch, 1)) / 20).astype(np.float32)
        return torch.from_numpy(audio).to(device), torch.from_numpy(pitch).to(device)

    def step() -> tuple[Tensor, dict[str, float]]:
        audio, pitch = draw()
        audio, _ = factor_level(audio)
        with torch.autocast(device, torch.bfloat16):
            mean, log_variance = codec.encode(audio)
            spread = torch.exp(0.5 * log_variance) if decoder_of is None else 0.0
            latents = mean + torch.randn_like(mean) * spread
            heads = codec.heads(codec.features(latents, pitch), pitch)
            sounded = [codec.sounded(heads, codec.start_phases(batch))[0].float() for _ in "ab"]
        draws = [part + codec.noise_part(heads, torch.randn_like(audio)) for part in sounded]
        used = rng.choice(len(ENERGY_SCALES), scales_per_step, replace=False)
        seen = [[*(views.scales[i](y) for i in used), fine(y)] for y in (audio, *draws)]
        near = views.distance(seen[0], seen[1]) + views.distance(seen[0], seen[2])
        apart = views.distance(seen[1], seen[2])
        energy = near - apart
        mean, log_variance = mean.float(), log_variance.float()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        figures = {"energy": energy, "near": near / 2, "apart": apart, "kl": divergence}
        return 15 * energy + 0.01 * divergence, {k: float(v.detach()) for k, v in figures.items()}

    ema = train(
        codec, optimizers(codec, rate, INNER_MATRICES), step, checkpoint,
        minutes=minutes, total_minutes=total_minutes, clip=10.0, ema_decay=0.998,
    )  # fmt: skip
    return ema.network  # type: ignore[return-value]
