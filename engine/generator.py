"""Generator: a cue goes in, takes come out.

cue ─▶ text, curve, picture, reference ─▶ sampler x denoiser ─▶ codec ─▶ gain rider ─▶ resampler ─▶ blocks
       (windows of tokens, each grown on to the one before; nothing is held longer than a window)
"""

import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.cue import Cue
from engine.errors import Cancelled, MissingModel
from engine.gain_rider import MARGIN_FRAMES, Ridden, ride
from engine.memory import hand_back
from engine.meter import Meter, measure
from engine.models.denoiser import LATENTS_PER_TOKEN, LEVELS_PER_TOKEN, Condition, scale_level
from engine.models.store import WEIGHTS, Models, load, pick_device, pick_dtype
from engine.picture import Picture
from engine.picture_curve import with_curve
from engine.references import LOOK_BACK_TOKENS, NO_REFERENCES, Reference
from engine.regenerate import regenerate_span
from engine.resampler import Resampler, band_limited
from engine.sampler import STEPS, WINDOW_TOKENS, Sampler, token_noise
from engine.spectral import SAMPLE_RATE
from engine.streaming import Piece, own, with_margins
from engine.take import Progress, Take, TakeReport
from engine.text import Embedding, TextEncoder
from engine.texture import DECODE_MARGIN_TOKENS, TOKEN_SAMPLES, textures
from engine.timeline import Timeline, take_samples, take_start

__all__ = ["Cancelled", "Generator", "MissingModel", "Rendering", "take_samples", "take_start"]

MODEL_NAME = "draw-an-audio-small"
OVERLAP_TOKENS = 20
"""Tokens that a window takes over from the one before: 0.8 s to grow on to."""

MARGIN_TOKENS = MARGIN_FRAMES // LEVELS_PER_TOKEN
QUIET_DB, LOUD_DB = -80.0, 0.0
FAMILIAR = 0.45
"""Cosine to the nearest known phrase below which a prompt is called unfamiliar."""


def new_seed() -> int:
    """A random seed of 31 bits."""
    return secrets.randbelow(1 << 31)


class Rendering(Iterator[np.ndarray]):
    """Blocks of takes as they are made: float32 (takes, n, channels) at the session's rate, in order."""

    def __init__(self, blocks: Iterator[np.ndarray], reports: list[TakeReport]) -> None:
        self._blocks, self.reports = blocks, reports

    def __next__(self) -> np.ndarray:
        return next(self._blocks)


class Generator:
    """Makes takes. Not thread-safe: one rendering at a time."""

    def __init__(self, models: Models, text: TextEncoder, device: str) -> None:
        self.models, self.text, self.device = models, text, device
        self.sampler = Sampler(models.denoiser, models.scheduler)

    @classmethod
    def load(cls, weights: Path | None = None, device: str = "auto") -> "Generator":
        """Load the shipped weights, or those of a folder. Raises MissingModel with one line."""
        device = pick_device(device)
        return cls(load(weights or WEIGHTS, device, pick_dtype(device)), TextEncoder(), device)

    def without_references(self) -> "Generator":
        """The same networks, starting from noise alone."""
        return Generator(replace(self.models, references=NO_REFERENCES), self.text, self.device)

    @property
    def uses_video(self) -> bool:
        """Whether the picture shapes the sound (a MAM is part of the weights)."""
        return self.models.mam is not None

    def seeds(self, cue: Cue, previous: int | None = None) -> list[int]:
        """One seed per take: on from the previous take's, else from the cue's, else from a random one."""
        first = previous + 1 if previous is not None else cue.seed if cue.seed is not None else new_seed()
        return [first + index for index in range(cue.takes)]

    def familiarity(self, prompt: str) -> tuple[str, float]:
        """The known phrase nearest to a prompt, and the cosine between them (1 is the same)."""
        cosines = self.models.phrase_vectors @ self.text([prompt]).sentence[0]
        best = int(cosines.argmax())
        return self.models.phrases[best], float(cosines[best])

    def warnings(self, prompt: str, negative: str = "") -> tuple[str, ...]:
        """What a user should know about a prompt and a negative prompt before trusting the take."""
        phrase, cosine = self.familiarity(prompt)
        unknown = f"{prompt!r} is not a sound this model knows; the nearest is {phrase!r} (similarity {cosine:.2f})"
        unread = [
            f"the {name} is longer than this model reads; nothing after {text[:end][-40:]!r} shapes the sound"
            for name, text in (("prompt", prompt), ("negative prompt", negative))
            if (end := self.text.reads(text)) < len(text)
        ]
        return (*([unknown] if cosine < FAMILIAR else []), *unread)

    def picture(self, cue: Cue) -> Picture | None:
        """The cue's picture, None where it or the module that looks at it is missing; remembered from take to take.

        Raises VideoError for a video or mask that cannot be used, MissingModel for a mask without its weights.
        """
        return Picture.of(cue, self.models.mam)

    def with_curve(self, cue: Cue) -> tuple[Cue, tuple[str, ...]]:
        """The cue with a curve drawn from its picture where it has a video but no curve, and the warnings of that.

        Raises as `picture` does.
        """
        return with_curve(cue, self.models.contacts)

    # -- one pass through the model ------------------------------------------------------------------

    def condition(
        self, cue: Cue, timeline: Timeline, first: int, tokens: int, takes: int
    ) -> tuple[Condition, Embedding]:
        """What is asked of ``tokens`` tokens from ``first`` on, and the text to steer away from."""
        prompt = self.text([cue.prompt])
        asked = timeline.asked(first * LEVELS_PER_TOKEN, tokens * LEVELS_PER_TOKEN)
        drawn = torch.from_numpy(np.isfinite(asked.level).astype(np.float32))
        level = np.clip(np.nan_to_num(asked.level, nan=QUIET_DB), QUIET_DB, LOUD_DB).astype(np.float32)
        parts = (
            *prompt,
            scale_level(torch.from_numpy(level))[None],
            drawn[None],
            torch.tensor([float(asked.loose)]),
        )
        spread = (part.expand(takes, *part.shape[1:]).to(self.device) for part in parts)
        negative = Embedding(*(part.to(self.device) for part in self.text([cue.negative_prompt])))
        return Condition(*spread), negative

    def start(
        self, cue: Cue, timeline: Timeline, first: int, tokens: int, seeds: Sequence[int]
    ) -> tuple[Tensor | None, Tensor]:
        """What ``tokens`` tokens from ``first`` on start from: each seed's reference under the line, and its pitch.

        Returns tokens (takes, T, channels), None where no reference is near the prompt, and pitch (takes, 2, 2 T).
        """
        references = [reference for seed in seeds if (reference := self.reference(cue, seed)) is not None]
        if len(references) < len(seeds):
            return None, torch.zeros(len(seeds), 2, LATENTS_PER_TOKEN * tokens, device=self.device)
        before = min(first, LOOK_BACK_TOKENS)
        frames = LEVELS_PER_TOKEN * (first - before)
        asked = timeline.asked(frames, LEVELS_PER_TOKEN * (before + tokens))
        # The tail rings on with what sounded last; left undrawn it would begin anew.
        line = timeline.rung_out(asked.level, frames)
        laid = [
            reference.laid(line, frames, LEVELS_PER_TOKEN * before, loose=bool(asked.loose), seed=seed)
            for reference, seed in zip(references, seeds, strict=True)
        ]
        start, pitch = (torch.stack(parts).to(self.device) for parts in zip(*laid, strict=True))
        return start, pitch

    def reference(self, cue: Cue, seed: int) -> Reference | None:
        """What a take of this cue and seed starts from, None for noise alone: where nothing is near the prompt.

        Also where a picture says when, without a line: a recording would bring its own times.
        """
        if cue.loudness is None and self.picture(cue) is not None:
            return None
        return self.models.references.pick(self.text([cue.prompt]).sentence[0], seed)

    def credits(self, cue: Cue, seed: int) -> tuple[str, ...]:
        """The recordings that a take of this cue and seed starts from."""
        reference = self.reference(cue, seed)
        return reference.credits if reference else ()

    def noise(self, seeds: Sequence[int], window: int, tokens: int) -> Tensor:
        channels = self.models.denoiser.input.in_features
        return torch.stack([token_noise(seed, window, tokens, channels) for seed in seeds]).to(self.device)

    def _windows(
        self,
        cue: Cue,
        timeline: Timeline,
        seeds: Sequence[int],
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
    ) -> Iterator[tuple[Tensor, ...]]:
        """New tokens (takes, channels, n) and pitch (takes, 2, 2 n), window by window, each grown on to the last."""
        total, first, window = timeline.tokens, 0, 0
        picture = self.picture(cue)
        known: Tensor | None = None
        while first < total:
            overlap = 0 if known is None else OVERLAP_TOKENS
            count = min(WINDOW_TOKENS - overlap, total - first)
            condition, negative = self.condition(cue, timeline, first - overlap, count + overlap, len(seeds))
            noise = self.noise(seeds, window, count + overlap)
            start, pitch = self.start(cue, timeline, first - overlap, count + overlap, seeds)
            looks = picture.looks(timeline.token_time(first - overlap), count + overlap) if picture else ()
            keep = torch.arange(count + overlap, device=self.device) < overlap
            held = None if known is None else torch.nn.functional.pad(known, (0, 0, 0, count))

            def on_step(step: int, first: int = first, count: int = count) -> None:
                progress((first + count * step / STEPS) / total, "sampling")

            tokens = self.sampler(
                noise, condition, negative,
                start=start, known=held, keep=keep, looks=looks, on_step=on_step, cancelled=cancelled,
            )  # fmt: skip
            known = tokens[:, -OVERLAP_TOKENS:]
            yield tokens[:, overlap:].transpose(1, 2), pitch[..., LATENTS_PER_TOKEN * overlap :]
            first, window = first + count, window + 1

    def _ridden(
        self,
        cue: Cue,
        timeline: Timeline,
        seeds: Sequence[int],
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
    ) -> Iterator[tuple[Ridden, Piece]]:
        """The take at 48 kHz, ridden onto its curve, piece by piece with margins."""
        windows = self._windows(cue, timeline, seeds, progress, cancelled)
        pieces = with_margins(windows, (1, LATENTS_PER_TOKEN), DECODE_MARGIN_TOKENS)
        sounds = textures(self.models, pieces, seeds, cue.channels)
        ended: np.ndarray | None = None
        for piece in with_margins(sounds, (TOKEN_SAMPLES, LEVELS_PER_TOKEN), MARGIN_TOKENS):
            if cancelled():
                raise Cancelled("the take was cancelled")
            texture, inner = piece.parts
            token = piece.first - piece.left
            first = token * LEVELS_PER_TOKEN
            texture = band_limited(texture, timeline.rate)
            texture = texture * torch.from_numpy(timeline.faded(token * TOKEN_SAMPLES, texture.shape[-1]))
            here = timeline.level_at_end(inner.numpy(), first)
            ended = ended if here is None else here
            inner = torch.from_numpy(timeline.settled(inner.numpy(), first, ended))
            yield ride(texture, inner, timeline.asked(first, inner.shape[-1])), piece
            hand_back()

    # -- what callers use ----------------------------------------------------------------------------

    def stream(
        self,
        cue: Cue,
        seeds: Sequence[int],
        *,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Rendering:
        """Start rendering one take per seed; iterate to get them. Raises Cancelled from the iteration.

        Memory does not grow with the length of the take. Raises VideoError and MissingModel as `picture` does.
        """
        if cue.sources:
            raise ValueError("a scene of several sources is rendered source by source, see engine.sources.cue_of")
        picture = self.picture(cue)
        timeline = Timeline.of(cue, cue.loudness)
        meters = [Meter() for _ in seeds]
        began = time.monotonic()

        def tell(done: float, stage: str) -> None:
            if progress:
                spent = time.monotonic() - began
                progress(Progress(done, stage, spent / done - spent if done > 0.02 else None))

        reports: list[TakeReport] = []

        def blocks() -> Iterator[np.ndarray]:
            resample = Resampler(timeline, len(seeds), cue.channels)
            total = timeline.tokens
            for ridden, piece in self._ridden(cue, timeline, seeds, tell, cancelled or (lambda: False)):
                measure(meters, ridden, piece)
                audio = own(ridden.audio, piece, TOKEN_SAMPLES)
                yield resample(audio, last=piece.first + piece.count >= total)
            tell(1.0, "done")
            warnings = (*self.warnings(cue.prompt, cue.negative_prompt), *(picture.warnings if picture else ()))
            model = {"name": MODEL_NAME, "sha256": self.models.sha256}
            reports.extend(
                TakeReport(seed, meter.report(timeline.frames), warnings, model, self.credits(cue, seed))
                for seed, meter in zip(seeds, meters, strict=True)
            )

        return Rendering(blocks(), reports)

    def render(
        self,
        cue: Cue,
        *,
        previous: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Take]:
        """Render all takes of a cue into memory."""
        seeds = self.seeds(cue, previous)
        rendering = self.stream(cue, seeds, progress=progress, cancelled=cancelled)
        audio = np.concatenate(list(rendering), 1)
        start = take_start(cue)
        return [Take(audio[i], cue.span.rate, start, seed, cue, rendering.reports[i]) for i, seed in enumerate(seeds)]

    def regenerate(
        self,
        take: Take,
        start_s: float,
        end_s: float,
        seed: int,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Take:
        """The take with its span from ``start_s`` to ``end_s`` (from the cue's start) made anew.

        All samples outside the span stay as they are. Raises ValueError if it lies outside the take.
        """
        return regenerate_span(self, take, start_s, end_s, seed, progress=progress, cancelled=cancelled)

    def render_raw_and_final(self, cue: Cue, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The takes at 48 kHz before and after the gain rider: two (takes, samples) arrays of channel 0."""
        timeline = Timeline.of(cue, cue.loudness)
        raw, final = [], []
        for ridden, piece in self._ridden(cue, timeline, seeds, lambda *_: None, lambda: False):
            raw.append(own(ridden.raw, piece, TOKEN_SAMPLES)[:, 0].numpy())
            final.append(own(ridden.audio, piece, TOKEN_SAMPLES)[:, 0].numpy())
        length = math.ceil(timeline.samples * SAMPLE_RATE / timeline.rate)
        return np.concatenate(raw, 1)[:, :length], np.concatenate(final, 1)[:, :length]
