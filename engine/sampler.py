"""Few-step flow matching with classifier-free guidance, towards the words and towards the picture."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.errors import Cancelled
from engine.models.base import FlowMatchEulerDiscreteScheduler
from engine.models.denoiser import LEVELS_PER_TOKEN, Condition, Denoiser
from engine.models.mam import guided
from engine.text import Embedding

GUIDANCE = 3.0
VIDEO_GUIDANCE = 4.0
"""Where no line is drawn, and the picture alone says when."""
DRAWN_VIDEO_GUIDANCE = 0.5
"""Under a line, which says when: there the picture is one wish among others, and a weak one."""
STEPS = 10
"""From noise alone."""
START = 0.4
"""Time of the flow at which a sound to start from comes in: 0 would be that sound itself, 1 noise alone."""

WINDOW_TOKENS = 240
"""Tokens sampled at once: 9.6 s, so that an 8 s take with its tail is one window."""

Looks = Sequence[Callable[[Tensor], Tensor]]
"""The picture, bound to the attention of every block of the denoiser; none without a picture."""


def seeded(*key: int) -> torch.Generator:
    """A random generator of its own for every key: the same on every device."""
    state = np.random.SeedSequence(key).generate_state(2, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def token_noise(seed: int, window: int, tokens: int, channels: int) -> Tensor:
    """Starting noise (tokens, channels) of one window of a take: the same on every device."""
    return torch.randn(tokens, channels, generator=seeded(seed, window))


def together(condition: Condition, negative: Embedding, sighted: bool) -> Condition:
    """One batch for all passes: the condition, once more for the pass with a picture, and with the negative text.

    Order: [prompt with picture,] prompt, negative text; each pass as many rows as the condition has.
    """
    batch, spare = condition.text.shape[0], condition.text.shape[1] - negative.tokens.shape[1]
    wanted = 1 + sighted
    pad = torch.nn.functional.pad
    prompt = pad(condition.text, (0, 0, 0, max(0, -spare)))
    prompt_mask = pad(condition.text_mask, (0, max(0, -spare)))
    text = pad(negative.tokens, (0, 0, 0, max(0, spare))).expand(batch, -1, -1)
    mask = pad(negative.mask, (0, max(0, spare))).expand(batch, -1)
    sentence = negative.sentence.expand(batch, -1)
    return Condition(
        torch.cat([prompt] * wanted + [text]),
        torch.cat([prompt_mask] * wanted + [mask]),
        torch.cat([condition.sentence] * wanted + [sentence]),
        *(torch.cat([part] * (wanted + 1)) for part in (condition.curve, condition.drawn, condition.loose)),
    )


def first_sees(look: Callable[[Tensor], Tensor], rows: int) -> Callable[[Tensor], Tensor]:
    """A look that only the first ``rows`` of the batch are given."""

    def seen(x: Tensor) -> Tensor:
        return torch.nn.functional.pad(look(x[:rows]), (0, 0, 0, 0, 0, len(x) - rows))

    return seen


class Sampler:
    """Integrates the denoiser's flow from noise to sound."""

    def __init__(self, denoiser: Denoiser, scheduler: FlowMatchEulerDiscreteScheduler) -> None:
        self.denoiser, self.scheduler = denoiser, scheduler

    @torch.inference_mode()
    def __call__(
        self,
        noise: Tensor,
        condition: Condition,
        negative: Embedding,
        *,
        start: Tensor | None = None,
        known: Tensor | None = None,
        keep: Tensor | None = None,
        guidance: float = GUIDANCE,
        steps: int = STEPS,
        looks: Looks = (),
        on_step: Callable[[int], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Tensor:
        """noise: (B, T, channels) -> tokens of the same shape.

        start: (B, T, channels) a sound to start from instead of from noise alone, under noise of ``START``.
        known: (B, T, channels) and keep: (T,) booleans: tokens that stay as they are, so that the
        others grow on to them. Raises Cancelled within one step.
        """
        asked = together(condition, negative, bool(looks))
        passes = 3 if looks else 2
        drawn = condition.drawn.unflatten(1, (-1, LEVELS_PER_TOKEN)).mean(-1, keepdim=True)
        video_guidance = VIDEO_GUIDANCE + (DRAWN_VIDEO_GUIDANCE - VIDEO_GUIDANCE) * drawn
        sighted = [first_sees(look, len(noise)) for look in looks]
        begin = 1.0 if start is None else START
        steps = round(steps * begin)
        # Evenly down to the last step: the scheduler's own default would spend that on a thousandth.
        sigmas = np.linspace(begin, begin / steps, steps)
        self.scheduler.set_timesteps(sigmas=sigmas.tolist(), device=noise.device)
        x = noise if start is None else (1 - begin) * start + begin * noise
        for index, (sigma, time) in enumerate(zip(self.scheduler.sigmas, self.scheduler.timesteps, strict=False)):
            if cancelled():
                raise Cancelled("the take was cancelled")
            if known is not None and keep is not None:
                x = torch.where(keep[:, None], (1 - sigma) * known + sigma * noise, x)
            velocity = self.denoiser(torch.cat([x] * passes), sigma.repeat(passes * len(x)), asked, sighted).float()
            *_, wanted, unwanted = parts = velocity.chunk(passes)
            # Without a picture the first part is `wanted` itself, and the picture's share nothing.
            velocity = guided(unwanted, wanted, parts[0], guidance, video_guidance)
            x = self.scheduler.step(velocity, time, x, return_dict=False)[0]
            on_step(index + 1)
        if known is not None and keep is not None:
            x = torch.where(keep[:, None], known, x)
        return x
