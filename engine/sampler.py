"""Few-step flow matching with classifier-free guidance."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from engine.errors import Cancelled
from engine.models.denoiser import Condition, Denoiser
from engine.text import Embedding

GUIDANCE = 3.0
STEPS = 10


def seeded(*key: int) -> torch.Generator:
    """A random generator of its own for every key: the same on every device."""
    state = np.random.SeedSequence(key).generate_state(2, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def token_noise(seed: int, window: int, tokens: int, channels: int) -> Tensor:
    """Starting noise (tokens, channels) of one window of a take: the same on every device."""
    return torch.randn(tokens, channels, generator=seeded(seed, window))


def guided(condition: Condition, negative: Embedding) -> Condition:
    """The condition followed by itself with the negative text in place of the prompt: twice the batch."""
    batch, spare = condition.text.shape[0], condition.text.shape[1] - negative.tokens.shape[1]
    pad = torch.nn.functional.pad
    prompt = pad(condition.text, (0, 0, 0, max(0, -spare)))
    prompt_mask = pad(condition.text_mask, (0, max(0, -spare)))
    text = pad(negative.tokens, (0, 0, 0, max(0, spare))).expand(batch, -1, -1)
    mask = pad(negative.mask, (0, max(0, spare))).expand(batch, -1)
    sentence = negative.sentence.expand(batch, -1)
    return Condition(
        torch.cat([prompt, text]),
        torch.cat([prompt_mask, mask]),
        torch.cat([condition.sentence, sentence]),
        *(torch.cat([part, part]) for part in (condition.curve, condition.drawn, condition.loose)),
    )


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
        known: Tensor | None = None,
        keep: Tensor | None = None,
        guidance: float = GUIDANCE,
        steps: int = STEPS,
        looks: Sequence[Callable[[Tensor], Tensor]] = (),
        on_step: Callable[[int], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Tensor:
        """noise: (B, T, channels) -> tokens of the same shape.

        known: (B, T, channels) and keep: (T,) booleans: tokens that stay as they are, so that the
        others grow on to them. Raises Cancelled within one step.
        """
        both = guided(condition, negative)
        # Evenly from 1 to 1 / steps: the scheduler's own default would spend the last step on a thousandth.
        self.scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps).tolist(), device=noise.device)
        x = noise
        for index, (sigma, time) in enumerate(zip(self.scheduler.sigmas, self.scheduler.timesteps, strict=False)):
            if cancelled():
                raise Cancelled("the take was cancelled")
            if known is not None and keep is not None:
                x = torch.where(keep[:, None], (1 - sigma) * known + sigma * noise, x)
            velocity = self.denoiser(torch.cat([x, x]), sigma.repeat(2 * len(x)), both, looks).float()
            wanted, unwanted = velocity.chunk(2)
            velocity = unwanted + guidance * (wanted - unwanted)
            x = self.scheduler.step(velocity, time, x, return_dict=False)[0]
            on_step(index + 1)
        if known is not None and keep is not None:
            x = torch.where(keep[:, None], known, x)
        return x
