"""What every test may use: the data folder, and weights of random numbers in the real networks' form."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure; what hangs is ended by the tests' own limits.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

# Run in the background, a shell has its children ignore Ctrl-C; what the tests start must hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder that DRAWAUDIO_DATA names (default: `shared` beside the checkout); skips where it is absent."""
    folder = Path(os.environ.get("DRAWAUDIO_DATA") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"needs the data folder; {folder} is not there, name one with DRAWAUDIO_DATA")
    return folder


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with small untrained networks: loads and renders fast, and goes every way the real one goes."""
    import numpy as np
    import torch

    from engine.models.codec import Codec
    from engine.models.contacts import ContactReader
    from engine.models.denoiser import Denoiser
    from engine.models.store import save
    from engine.references import packed
    from engine.text import TextEncoder

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("weights")
    phrases = ["dog barking", "footsteps on gravel"]
    codec = Codec(width=32, encoder_width=16, slow_blocks=1, fast_blocks=1)
    vectors = TextEncoder()(phrases).sentence
    latents, level = packed(rng.normal(size=(80, 32)), np.full(160, -20.0))
    references = {
        "latents": latents,
        "level": level,
        "pitch": torch.zeros(80, 2, dtype=torch.float16),
        "lengths": torch.tensor([30, 50]),
        "groups": torch.tensor([0, 1], dtype=torch.int16),
        "phrases": torch.tensor([[0], [1]], dtype=torch.int16),
        "vectors": vectors.to(torch.float16),
        "credits": torch.frombuffer(bytearray(b"dog by us, CC0\nsteps by us, CC0"), dtype=torch.uint8),
    }
    save(folder, codec, Denoiser(width=64, depth=1, heads=1), ContactReader(16, (1,)), phrases, vectors, references)
    return folder
