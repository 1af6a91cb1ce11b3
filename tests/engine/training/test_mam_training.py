"""MAM training end to end on a few scenes: parts, latents, one bank, a few steps, only the module changes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.codec import Codec
from engine.models.denoiser import Denoiser
from engine.models.visual import MOTION_WIDTH
from engine.training import scene_examples
from engine.training.mam import shown, train_mam
from engine.training.scene_examples import SceneBank, draw_part, draw_parts, encode_parts, scenes_drawn


@pytest.mark.slow
def test_training_moves_the_module_and_nothing_else(tmp_path: Path) -> None:
    torch.manual_seed(0)
    draw_part(0, 2, tmp_path / "000000.npz")
    encode_parts(Codec().eval(), tmp_path, tmp_path / "latents" / "of.npz")
    bank = SceneBank(tmp_path, tmp_path / "latents" / "of.npz")
    assert bank.latents.shape[1] == 416 and bank.level.shape[1] == 832
    assert bank.full.shape[1:] == bank.masked.shape[1:] == (208, MOTION_WIDTH)
    assert np.isfinite(bank.latents).all() and np.isfinite(bank.masked).all()
    denoiser = Denoiser(bank.latents.shape[2], 64, 2, 4)
    torch.nn.init.normal_(denoiser.output.weight, std=0.02)
    before = {name: value.clone() for name, value in denoiser.state_dict().items()}
    module = train_mam(denoiser, bank, tmp_path, minutes=0.03, total_minutes=0.03, batch=2)
    assert all(torch.equal(value, before[name]) for name, value in denoiser.state_dict().items())
    assert any(attention.out.weight.abs().max() > 0 for attention in module.attentions)
    draw_part(2, 1, tmp_path / "000002.npz")
    assert len(SceneBank(tmp_path, tmp_path / "latents" / "of.npz")) == len(bank), "later scenes are not encoded yet"


@pytest.mark.slow
def test_drawing_goes_on_where_it_was_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_examples, "SCENES_PER_PART", 1)
    draw_part(0, 1, tmp_path / "000000.npz")
    before = (tmp_path / "000000.npz").stat().st_mtime_ns
    assert not scenes_drawn(2, tmp_path)
    draw_parts(2, tmp_path, minutes=1)
    assert scenes_drawn(2, tmp_path)
    assert (tmp_path / "000000.npz").stat().st_mtime_ns == before


def test_pictures_are_shown_whole_cut_off_or_not_at_all() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([shown(rng).mean() for _ in range(400)])
    assert 0.05 < (shares == 0).mean() < 0.3
    assert (shares == 1).mean() > 0.5
    assert 0.05 < ((shares > 0) & (shares < 1)).mean() < 0.3
