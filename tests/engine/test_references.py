"""References: which recording a prompt finds, and how it is laid under a line."""

import numpy as np
import pytest
import torch

from engine.models.denoiser import LATENTS_PER_TOKEN, from_tokens, unscale_level
from engine.references import HELD_LATENTS, NO_REFERENCES, SILENT_DB, Reference, References, hits, packed

CHANNELS = 3
PHRASES = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.8, 0.6], [0, 0, 1, 0]])


def bank(phrases: tuple[tuple[int, ...], ...] = ((0,), (0,), (1,)), groups: tuple[int, ...] = (0, 0, 1)) -> References:
    """Three recordings: two barks of one dog, and a steady rain. Latents count up, so that each row is known again.

    phrases: what each answers to, its own label first, as rows of PHRASES.
    """
    lengths = [10, 12, 60]
    latents = np.concatenate([np.full((n, CHANNELS), i + 1.0) for i, n in enumerate(lengths)])
    level = np.full(2 * sum(lengths), -20.0)
    latent_steps, level_steps = packed(latents, level)
    return References(
        {
            "latents": latent_steps,
            "level": level_steps,
            "pitch": torch.full((sum(lengths), 2), 0.5, dtype=torch.float16),
            "lengths": torch.tensor(lengths),
            "groups": torch.tensor(groups, dtype=torch.int16),
            "phrases": torch.tensor(phrases, dtype=torch.int16),
            "vectors": PHRASES.to(torch.float16),
            "credits": torch.frombuffer(bytearray(b"bark\nyap\nrain"), dtype=torch.uint8),
        }
    )


DOG, RAIN, GLASS_BREAKS, NEITHER = torch.eye(4)


def bursts(*at: int, frames: int = 400) -> np.ndarray:
    """A line per 10 ms that is silent but for a decaying hit at each of these frames."""
    line = np.full(frames, SILENT_DB)
    for start in at:
        line[start:] = np.maximum(line[start:], -10.0 - 0.6 * np.arange(frames - start))
    return line


def counting(events: list[int], rows: int = 100) -> Reference:
    """A reference whose latents say which row they are."""
    texture = np.repeat(np.arange(rows, dtype=np.float32)[:, None], CHANNELS + 2, 1)
    return Reference(texture, np.array(events), texture + 1000, np.full(2 * rows, -30.0, np.float32))


def rows_of(reference: Reference, line: np.ndarray, **how: object) -> np.ndarray:
    """Which row of the reference lies under every latent of a line."""
    options = {"first": 0, "before": 0, "loose": False, "seed": 1} | how
    laid = reference.laid(line, options.pop("first"), options.pop("before"), **options)  # type: ignore[arg-type]
    latents, _ = from_tokens(laid.tokens[None])
    assert laid.pitch.shape == (2, LATENTS_PER_TOKEN * len(laid.tokens))
    assert np.allclose(laid.pitch[0].numpy(), latents[0, :, 0].numpy())
    return latents[0, :, 0].numpy().round().astype(int)


def test_a_prompt_finds_its_recording_with_its_siblings() -> None:
    found = bank().pick(DOG, seed=0)
    assert found is not None and set(found.texture[:, 0]) == {1.0, 2.0}
    rain = bank().pick(RAIN, seed=0)
    assert rain is not None and set(rain.texture[:, 0]) == {3.0}
    assert set(found.credits) == {"bark", "yap"} and rain.credits == ("rain",)


def test_a_prompt_that_is_near_nothing_finds_nothing() -> None:
    assert bank().pick(NEITHER, seed=0) is None


def test_an_empty_bank_finds_nothing() -> None:
    assert NO_REFERENCES.pick(DOG, seed=0) is None


def test_the_seed_picks_among_the_near() -> None:
    firsts = {found.texture[0, 0] for seed in range(20) if (found := bank().pick(DOG, seed)) is not None}
    assert firsts == {1.0, 2.0}


def test_of_a_kind_that_shares_its_phrases_the_one_that_is_called_so_is_picked() -> None:
    # The first two are called otherwise, the last nearly what is asked for; all answer to the prompt itself.
    same_kind = bank(((0, 3), (1, 3), (2, 3)), groups=(0, 1, 2))
    for seed in range(20):
        found = same_kind.pick(GLASS_BREAKS, seed)
        assert found is not None and found.credits == ("rain",)


def test_while_the_line_is_up_a_short_event_ends_before_the_next_begins() -> None:
    found = bank().pick(DOG, seed=0)
    assert found is not None
    assert len(found.events) == 2, "two barks"
    for event in found.events:
        assert len(set(found.texture[event : event + HELD_LATENTS, 0])) == 1, "a bark is ten latents long"


def test_hits_are_found_where_a_level_jumps_and_not_on_a_ramp() -> None:
    assert list(hits(bursts(100, 220)[::2])) == pytest.approx([49, 109], abs=2)
    assert len(hits(np.linspace(-60, 0, 400))) == 0
    assert len(hits(np.full(400, -10.0))) == 0


def test_an_event_begins_at_every_hit() -> None:
    rows = rows_of(counting([0, 50]), bursts(100, 220))
    for hit in hits(bursts(100, 220)[::2]):
        assert rows[hit] in (0, 50)
        assert list(rows[hit : hit + 20]) == list(range(rows[hit], rows[hit] + 20))


def test_windows_of_a_take_lay_the_same() -> None:
    line = bursts(100, 220, 300)
    whole = rows_of(counting([0, 30, 60]), line)
    later = rows_of(counting([0, 30, 60]), line[160:], first=160, before=80)
    assert np.array_equal(whole[120:], later)


def test_where_nothing_is_drawn_the_recording_keeps_its_own_time_and_level() -> None:
    line = np.where(np.arange(400) < 200, -10.0, np.nan)
    laid = counting([0]).laid(line, 0, 0, loose=False, seed=1)
    latents, level = from_tokens(laid.tokens[None])
    assert latents[0, 150, 0] == 1000 + 150 % 100
    db = unscale_level(level)[0]
    assert torch.allclose(db[:200], torch.tensor(-10.0)) and torch.allclose(db[200:], torch.tensor(-30.0))


def test_a_loose_line_moves_the_recording_up_and_down_and_leaves_its_rhythm() -> None:
    natural = np.where(np.arange(200) % 50 < 10, -20.0, -60.0).astype(np.float32)
    rows = np.zeros((100, CHANNELS + 2), np.float32)
    laid = Reference(rows, np.array([0]), rows, natural).laid(np.full(400, -5.0), 0, 0, loose=True, seed=1)
    _, level = from_tokens(laid.tokens[None])
    db = unscale_level(level)[0].numpy()
    assert db.max() == pytest.approx(-5.0, abs=0.01) and db.min() == pytest.approx(-45.0, abs=0.01)
