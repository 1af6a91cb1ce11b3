"""Weights on disk: loaded as diffusers would load them, refused in one line where they do not fit."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from engine.errors import MissingModel
from engine.models.codec import Codec
from engine.models.denoiser import Denoiser
from engine.models.store import MANIFEST, load, load_network


def public(config: Mapping[str, object]) -> dict[str, object]:
    """A configuration without diffusers' own notes."""
    return {key: value for key, value in config.items() if not key.startswith("_")}


def test_a_network_is_loaded_as_from_pretrained_loads_it(small_weights: Path) -> None:
    networks = {"codec": Codec, "denoiser": Denoiser}
    for name, kind in networks.items():
        ours, theirs = load_network(kind, small_weights / name), kind.from_pretrained(small_weights / name)
        assert public(ours.config) == public(theirs.config)
        found, expected = ours.state_dict(), theirs.state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_weights_of_another_shape_are_refused(small_weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "denoiser"
    shutil.copytree(small_weights / "denoiser", folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"width": 64', '"width": 32'))
    with pytest.raises(MissingModel, match="denoiser are not those of this version's Denoiser"):
        load_network(Denoiser, folder)


def test_weights_run_in_the_precision_asked_for_and_windows_keep_theirs(small_weights: Path) -> None:
    models = load(small_weights, dtype=torch.bfloat16)
    assert {weight.dtype for weight in models.codec.parameters()} == {torch.bfloat16}
    assert {buffer.dtype for buffer in models.codec.buffers() if buffer.is_floating_point()} == {torch.float32}
    assert not models.codec.training and not models.denoiser.training


def test_saved_weights_may_be_read_by_every_user(small_weights: Path) -> None:
    files = [path for path in small_weights.rglob("*") if path.is_file()]
    assert files and all(path.stat().st_mode & 0o044 == 0o044 for path in files)


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", '{"phrases.safetensors": 1}', "\xff"])
def test_a_manifest_that_lacks_what_is_needed_is_refused(text: str, small_weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(small_weights, tmp_path / "weights")
    (folder / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(MissingModel, match=r"damaged: .*manifest\.json lacks"):
        load(folder)
