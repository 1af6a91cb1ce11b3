"""MAM training end to end on two scenes: examples, one bank, a few steps, only the module changes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.codec import Codec
from engine.models.denoiser import Denoiser
from engine.models.visual import MOTION_WIDTH
from engine.training.mam import SceneBank, make_examples, train_mam


@pytest.mark.slow
def test_training_moves_the_module_and_nothing_else(tmp_path: Path) -> None:
    torch.manual_seed(0)
    make_examples(Codec().eval(), [0, 1], tmp_path / "scenes.npz")
    bank = SceneBank(tmp_path / "scenes.npz")
    assert bank.latents.shape[1] == 416 and bank.level.shape[1] == 832
    assert bank.full.shape[1:] == bank.masked.shape[1:] == (208, MOTION_WIDTH)
    assert np.isfinite(bank.latents).all() and np.isfinite(bank.masked).all()
    denoiser = Denoiser(bank.latents.shape[2], 64, 2, 4)
    torch.nn.init.normal_(denoiser.output.weight, std=0.02)
    before = {name: value.clone() for name, value in denoiser.state_dict().items()}
    module = train_mam(denoiser, bank, tmp_path, minutes=0.03, total_minutes=0.03, batch=2)
    assert all(torch.equal(value, before[name]) for name, value in denoiser.state_dict().items())
    assert any(attention.out.weight.abs().max() > 0 for attention in module.attentions)
