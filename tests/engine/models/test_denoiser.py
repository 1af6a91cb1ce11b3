"""The denoiser's promises before any training: shapes, a TLM that changes nothing yet, masks that hold."""

import pytest
import torch

from engine.models.denoiser import Condition, Denoiser, from_tokens, scale_level, to_tokens, unscale_level


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    torch.manual_seed(0)
    network = Denoiser(width=64, depth=2, heads=2)
    torch.nn.init.normal_(network.output.weight)
    return network.eval()


def condition(tokens: int, curve: float = 0.0, batch: int = 2) -> Condition:
    text = torch.randn(batch, 5, 384, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True] * 3 + [False] * 2] * batch)
    drawn = torch.ones(batch, 4 * tokens)
    return Condition(text, mask, text.mean(1), curve * drawn, drawn, torch.zeros(batch))


def test_shape_and_dtype(denoiser: Denoiser) -> None:
    noisy = torch.randn(2, 30, 68)
    assert denoiser(noisy, torch.rand(2), condition(30)).shape == noisy.shape


@torch.no_grad()
def test_untrained_tlm_changes_nothing_and_a_trained_one_does(denoiser: Denoiser) -> None:
    noisy, time = torch.randn(2, 30, 68), torch.full((2,), 0.5)
    quiet, loud = denoiser(noisy, time, condition(30, -1.0)), denoiser(noisy, time, condition(30, 1.0))
    assert torch.equal(quiet, loud)
    other = Denoiser(width=64, depth=2, heads=2).eval()
    other.load_state_dict(denoiser.state_dict())
    torch.nn.init.normal_(other.tlm.last.weight, std=0.1)
    assert not torch.allclose(other(noisy, time, condition(30, -1.0)), other(noisy, time, condition(30, 1.0)))


@torch.no_grad()
def test_masked_text_is_not_heard(denoiser: Denoiser) -> None:
    noisy, time, heard = torch.randn(2, 30, 68), torch.full((2,), 0.5), condition(30)
    padded = heard._replace(text=torch.where(heard.text_mask[..., None], heard.text, torch.tensor(9.0)))
    assert torch.allclose(denoiser(noisy, time, heard), denoiser(noisy, time, padded), atol=1e-6)


@torch.no_grad()
def test_a_look_of_zeros_changes_nothing(denoiser: Denoiser) -> None:
    noisy, time = torch.randn(2, 30, 68), torch.full((2,), 0.5)
    blind = denoiser(noisy, time, condition(30))
    assert torch.equal(denoiser(noisy, time, condition(30), [torch.zeros_like] * 2), blind)
    assert not torch.allclose(denoiser(noisy, time, condition(30), [torch.ones_like] * 2), blind)


def test_tokens_hold_latents_and_level() -> None:
    latents, level = torch.randn(2, 20, 32), torch.randn(2, 40)
    back = from_tokens(to_tokens(latents, level))
    assert torch.equal(back[0], latents) and torch.equal(back[1], level)
    assert torch.allclose(unscale_level(scale_level(level)), level, atol=1e-5)
