"""The loop every training shares: time budget, schedule, EMA, checkpoints, log."""

import copy
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

Step = Callable[[], tuple[Tensor, dict[str, float]]]
"""Draws a batch and returns the loss with the figures to log."""


class Ema:
    """Exponential moving average of a network's weights, warming up from the first steps."""

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards ``network``; early on the window is a tenth of the steps so far."""
        rate = 1 - min(self.decay, 1 - 10 / (step + 11))
        for average, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(weight, rate)


def optimizers(network: nn.Module, rate: float, inner: str) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices whose names match the pattern ``inner``, AdamW for all else.

    Only what is to be trained, that is, what wants a gradient.
    """
    wanted = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    matrices = {name: weight for name, weight in wanted if weight.ndim == 2 and re.search(inner, name)}
    rest = [weight for name, weight in wanted if name not in matrices]
    return [
        torch.optim.Muon(matrices.values(), rate, weight_decay=0.02, ns_steps=4, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, rate, betas=(0.9, 0.97), weight_decay=0.01),
    ]


def write_whole(value: object, path: Path) -> None:
    """torch.save to a temporary name, then rename: a checkpoint is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(value, temporary)
    os.replace(temporary, path)


def train(
    network: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    step: Step,
    checkpoint: Path,
    *,
    minutes: float,
    total_minutes: float,
    warmup: int = 100,
    clip: float = 1.0,
    ema_decay: float = 0.999,
    save_every_s: float = 120.0,
    log_every: int = 50,
    report: Callable[[str], None] = print,
) -> Ema:
    """Train for ``minutes`` of a run of ``total_minutes``; continues from ``checkpoint`` if it is there.

    The learning rate warms up over ``warmup`` steps, holds, and falls linearly to zero over the
    last 60 % of ``total_minutes``, so a run may be cut into as many pieces as a machine allows.
    """
    ema = Ema(network, ema_decay)
    done, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        ema.network.load_state_dict(state["ema"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        done, spent = state["step"], state["spent_s"]
        report(f"resumed {checkpoint} at step {done}, {spent / 60:.1f} min in")
    base = [[group["lr"] for group in o.param_groups] for o in optimizers]
    if done:
        base = [[group["initial_lr"] for group in o.param_groups] for o in optimizers]
    for optimizer, rates in zip(optimizers, base, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["initial_lr"] = rate

    def save() -> None:
        write_whole(
            {
                "network": network.state_dict(),
                "ema": ema.network.state_dict(),
                "optimizers": [o.state_dict() for o in optimizers],
                "step": done,
                "spent_s": spent,
            },
            checkpoint,
        )

    log = checkpoint.with_suffix(".jsonl").open("a")
    figures: list[dict[str, float]] = []
    last_save = started = time.monotonic()
    while time.monotonic() - started < minutes * 60:
        tick = time.monotonic()
        progress = spent / (total_minutes * 60)
        factor = min(1.0, (done + 1) / warmup) * min(1.0, max(0.02, (1 - progress) / 0.6))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            optimizer.zero_grad(set_to_none=True)
        loss, figure = step()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), clip)
        if torch.isfinite(norm):
            for optimizer in optimizers:
                optimizer.step()
        done += 1
        ema.update(network, done)
        spent += time.monotonic() - tick
        figures.append(figure | {"loss": loss.item(), "norm": norm.item()})
        if done % log_every == 0:
            mean = {k: round(sum(f[k] for f in figures) / len(figures), 5) for k in figures[0]}
            figures.clear()
            log.write(json.dumps({"step": done, "minutes": round(spent / 60, 2)} | mean) + "\n")
            log.flush()
            report(f"{done:6d} {spent / 60:6.1f} min  " + "  ".join(f"{k} {v:.4f}" for k, v in mean.items()))
        if time.monotonic() - last_save > save_every_s:
            save()
            last_save = time.monotonic()
    save()
    log.close()
    return ema
