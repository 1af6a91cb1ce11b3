"""Regenerating a span of a take: the rest of it stays as it is, to the bit.

old    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
             known │   span   │ known          the model grows the span on to both sides
new    ━━━━━━━━━━━━╳━━━━━━━━━━╳━━━━━━━━━━━     cross-faded over 30 ms, inside the span
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import soxr
import torch
from torch import Tensor

from engine.gain_rider import MARGIN_FRAMES, limit_peaks, ride, running_maximum
from engine.levels import levels
from engine.loudness import factor_level
from engine.meter import figures
from engine.models.denoiser import LATENTS_PER_TOKEN, LEVELS_PER_TOKEN, TOKEN_RATE, scale_level, to_tokens
from engine.pitch import track
from engine.resampler import band_limited
from engine.sampler import WINDOW_TOKENS
from engine.spectral import FRAME, SAMPLE_RATE
from engine.streaming import Piece
from engine.take import CurveReport, Progress, Take
from engine.texture import texture
from engine.timeline import Timeline

if TYPE_CHECKING:
    from engine.generator import Generator

SEAM_S = 0.03
SHORTEST_S = 0.001
"""A shorter span cannot be heard, and may hold no sample at all."""
CONTEXT_TOKENS = 2 + MARGIN_FRAMES // LEVELS_PER_TOKEN
"""Old tokens on either side of the span that are looked at."""

KNOWN_TOKENS = 25
"""Old tokens on either side that the new ones grow on to: one second."""


@torch.inference_mode()
def encode(generator: Generator, audio: np.ndarray) -> tuple[Tensor, Tensor]:
    """Audio at 48 kHz (L, channels), L a multiple of 1920 -> its T tokens (1, T, width) and pitch (1, 2, 2 T)."""
    codec, denoiser = generator.models.codec, generator.models.denoiser
    unit, level = factor_level(torch.from_numpy(audio.mean(1))[None])
    mean, _ = codec.encode(unit.to(generator.device))
    latents = (mean.transpose(1, 2).float() - denoiser.latent_mean.float()) / denoiser.latent_std.float()
    tokens = to_tokens(latents, scale_level(level.clamp(-80.0, 0.0)).to(generator.device))
    return tokens, track(unit).to(generator.device)


def at_rate(audio: np.ndarray, rate: int, wanted: int, length: int) -> np.ndarray:
    """Audio (L, channels) at ``rate`` as ``length`` samples at the ``wanted`` one: float32 (length, channels)."""
    if rate != wanted:
        audio = soxr.resample(audio, rate, wanted, quality="VHQ")
    return np.pad(audio, ((0, max(0, length - len(audio))), (0, 0)))[:length].astype(np.float32)


def cross_fade(samples: int, fade: int) -> np.ndarray:
    """Weight of the new audio over a span: equal-power rise and fall of ``fade`` samples. (samples, 1)"""
    fade = min(fade, samples // 2)
    rise = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / max(fade, 1))
    return np.concatenate([rise, np.ones(samples - 2 * fade), rise[::-1]])[:, None]


def regenerate_span(
    generator: Generator,
    take: Take,
    start_s: float,
    end_s: float,
    seed: int,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Take:
    """A take whose span from ``start_s`` to ``end_s`` (from the cue's start) is made anew.

    Raises ValueError if the span does not lie inside the take or the take is a mix, Cancelled if it is cancelled.
    """
    if take.cue.sources:
        raise ValueError("the take is a mix of several sources, none of which can be made anew in it; choose a stem")
    timeline = Timeline.of(take.cue, take.cue.loudness)
    length_s = timeline.samples / timeline.rate
    begin_s, stop_s = start_s + timeline.before_s, end_s + timeline.before_s
    if not (begin_s >= 0 and stop_s <= length_s + 1e-6):
        raise ValueError(f"span {start_s:g} to {end_s:g} s does not lie inside the take of {length_s:g} s")
    if not stop_s - begin_s >= SHORTEST_S:
        raise ValueError(f"span {start_s:g} to {end_s:g} s is empty or too short; make it {SHORTEST_S:g} s or longer")
    first, stop = int(begin_s * TOKEN_RATE), min(timeline.tokens, int(np.ceil(stop_s * TOKEN_RATE)))
    left, right = max(0, first - CONTEXT_TOKENS), min(timeline.tokens, stop + CONTEXT_TOKENS)

    per_token = timeline.rate / TOKEN_RATE
    region = slice(round(left * per_token), round(right * per_token))
    old = take.audio[region]
    there = at_rate(old, timeline.rate, SAMPLE_RATE, (right - left) * (SAMPLE_RATE // TOKEN_RATE))
    tokens, pitch = encode(generator, there)

    fill(generator, take, timeline, tokens, pitch, left, (first, stop), seed, progress, cancelled or (lambda: False))
    piece = Piece((tokens.transpose(1, 2), pitch), left, 0, right - left, 0)
    sound, inner, _ = texture(generator.models, piece, [seed], take.audio.shape[1])
    # A tail that is made anew falls from where the new sound, or the old one, was at the end.
    ended = timeline.level_at_end(inner.numpy(), left * LEVELS_PER_TOKEN)
    if ended is None and right / TOKEN_RATE > timeline.before_s + timeline.drawn_s:
        ended = timeline.level_at_end(levels(take.audio, timeline.rate)[None], 0)
    inner = torch.from_numpy(timeline.settled(inner.numpy(), left * LEVELS_PER_TOKEN, ended))
    asked = timeline.asked(left * LEVELS_PER_TOKEN, inner.shape[-1])
    sound = band_limited(sound, timeline.rate)
    new = at_rate(ride(sound, inner, asked).audio[0].T.numpy(), SAMPLE_RATE, timeline.rate, len(old))

    inside = slice(round(begin_s * timeline.rate), min(timeline.samples, round(stop_s * timeline.rate)))
    here = slice(inside.start - region.start, inside.stop - region.start)
    weight = cross_fade(inside.stop - inside.start, round(SEAM_S * timeline.rate))
    mixed = weight * new[here] + np.sqrt(1 - weight**2) * old[here]
    whole_frames = np.pad(mixed, ((0, -len(mixed) % FRAME), (0, 0))).T.astype(np.float32)
    gain, limited = limit_peaks(torch.from_numpy(whole_frames)[None])
    audio = take.audio.copy()
    audio[inside] = mixed * gain[0, : len(mixed)].numpy()[:, None]
    report = replace(
        take.report,
        seed=seed,
        curve=measured(timeline, audio, float(limited.max()), take.report.curve),
        references=tuple(dict.fromkeys((*take.report.references, *generator.credits(take.cue, seed)))),
    )
    return replace(take, audio=audio, seed=seed, report=report)


def measured(timeline: Timeline, audio: np.ndarray, limited_db: float, old: CurveReport) -> CurveReport:
    """How the whole take now follows its curve; of the sound before the ride only a part is known, so nothing is said.

    limited_db: what the peak limit took from the new part.
    """
    level = levels(audio, timeline.rate)
    asked = timeline.asked(0, len(level))
    heard = running_maximum(torch.from_numpy(level)[None])[0].numpy() if asked.loose else level
    error, correlation = figures(heard, asked.level)
    return CurveReport(
        error_db_before=None,
        error_db_after=error,
        correlation_before=None,
        correlation_after=correlation,
        limited_db=round(max(old.limited_db, limited_db), 2),
        measured_level_db=tuple(round(float(x), 2) for x in level),
    )


@torch.inference_mode()
def fill(
    generator: Generator,
    take: Take,
    timeline: Timeline,
    tokens: Tensor,
    pitch: Tensor,
    left: int,
    span: tuple[int, int],
    seed: int,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool],
) -> None:
    """Sample the tokens of a span in place, window by window, grown on to what stands around it.

    tokens: (1, T, channels) and pitch: (1, 2, 2 T), of which the first is token ``left`` of the take.
    """
    first, stop = span
    picture = generator.picture(take.cue)
    here = first
    window = 0
    while here < stop:
        count = min(stop - here, WINDOW_TOKENS - 2 * KNOWN_TOKENS)
        begin = max(left, here - KNOWN_TOKENS)
        last = here + count == stop
        end = min(left + tokens.shape[1], here + count + KNOWN_TOKENS) if last else here + count
        known = tokens[:, begin - left : end - left]
        keep = torch.ones(end - begin, dtype=torch.bool, device=tokens.device)
        keep[here - begin : here - begin + count] = False
        condition, negative = generator.condition(take.cue, timeline, begin, end - begin, 1)
        noise = generator.noise([seed], window, end - begin)
        looks = picture.looks(timeline.token_time(begin), end - begin) if picture else ()
        start, tones = generator.start(take.cue, timeline, begin, end - begin, [seed])
        found = generator.sampler(
            noise, condition, negative, start=start, known=known, keep=keep, looks=looks, cancelled=cancelled
        )
        tokens[:, here - left : here - left + count] = found[:, here - begin : here - begin + count]
        new, own = (
            slice(LATENTS_PER_TOKEN * at, LATENTS_PER_TOKEN * (at + count)) for at in (here - left, here - begin)
        )
        pitch[..., new] = tones[..., own]
        here, window = here + count, window + 1
        if progress:
            progress(Progress((here - first) / (stop - first), "sampling", None))
