"""The picture in the generator: without one nothing changes, with one the sound does, and time is kept."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.cue import Cue, MaskPrompt, VideoRef
from engine.errors import MissingModel
from engine.generator import Generator
from engine.models.mam import MaskAttentionModule
from engine.models.store import REFERENCES, load, load_module, save
from engine.picture import Picture
from engine.training.scenes import make_scene
from engine.video import VideoError

BOX = MaskPrompt("box", box=(0.05, 0.2, 0.4, 0.6))


@pytest.fixture(name="video", scope="module")
def scene_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scene(1, duration_s=2.0).write(tmp_path_factory.mktemp("videos") / "scene.mp4", sound=False)


@pytest.fixture(scope="module")
def blind(small_weights: Path) -> Generator:
    return Generator.load(small_weights, "cpu")


@pytest.fixture(scope="module")
def seeing(small_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """The same small networks with a module that does something."""
    torch.manual_seed(3)
    models = load(small_weights)
    module = MaskAttentionModule(64, 1, 1)
    for attention in module.attentions:
        torch.nn.init.normal_(attention.out.weight, std=0.5)  # type: ignore[union-attr, arg-type]
    # An untrained denoiser answers with nothing, whatever it sees.
    torch.nn.init.normal_(models.denoiser.output.weight, std=0.2)
    folder = tmp_path_factory.mktemp("seeing")
    references = load_file(small_weights / REFERENCES)
    save(
        folder,
        models.codec,
        models.denoiser,
        models.contacts,
        models.phrases,
        models.phrase_vectors,
        references,
        module,
    )
    return Generator.load(folder, "cpu")


def cue(video: Path | None = None, **changes: object) -> Cue:
    given = {"prompt": "dog barking", "duration_s": 2.0, "seed": 5, "tail_s": 0.5, "handles_s": [0.3, 0.2]}
    asked = replace(Cue.from_json({**given, "start": {"samples": 48_000, "rate": 48_000}}), **changes)  # type: ignore[arg-type]
    return asked if video is None else replace(asked, video=VideoRef(str(video)))


def sound(generator: Generator, asked: Cue) -> np.ndarray:
    return generator.render(asked)[0].audio


def test_without_a_module_the_picture_changes_nothing(blind: Generator, video: Path) -> None:
    assert not blind.uses_video
    assert np.array_equal(sound(blind, cue()), sound(blind, cue(video, masks=(BOX,))))


def test_with_a_module_picture_and_mask_shape_the_sound(seeing: Generator, video: Path) -> None:
    assert seeing.uses_video
    plain, seen, masked = (sound(seeing, asked) for asked in (cue(), cue(video), cue(video, masks=(BOX,))))
    assert not np.allclose(plain, seen, atol=1e-4)
    assert not np.allclose(seen, masked, atol=1e-4)
    assert np.array_equal(sound(seeing, cue(video, masks=(BOX,))), masked)


def test_the_sound_stays_as_it_is_where_there_is_no_picture(seeing: Generator, video: Path) -> None:
    picture = seeing.picture(cue(video))
    assert isinstance(picture, Picture) and picture.sight.shown == 50
    assert picture.looks(20.0, 50) == [] and picture.looks(-9.0, 50) == []
    assert len(picture.looks(0.0, 50)) == len(picture.looks(1.9, 50)) == 1


def test_windows_see_the_same_moment_alike(seeing: Generator, video: Path) -> None:
    seen = seeing.picture(cue(video))
    assert seen is not None
    picture, x = replace(seen, module=copy.deepcopy(seen.module).float()), torch.zeros(1, 50, 64)
    whole, later = picture.looks(0.0, 50)[0](x), picture.looks(0.4, 50)[0](x)
    assert torch.allclose(whole[:, 10:], later[:, :40], atol=1e-3)
    assert not torch.allclose(whole[:, :40], later[:, :40], atol=1e-1)


def test_a_picture_that_ends_early_is_told(seeing: Generator, video: Path) -> None:
    (take,) = seeing.render(replace(cue(video), video=VideoRef(str(video), 1.2)))
    assert any("the picture ends 1.20 s before the cue" in line for line in take.report.warnings)


def test_a_part_made_anew_looks_at_the_remembered_picture(seeing: Generator, video: Path) -> None:
    (take,) = seeing.render(cue(video))
    seen = seeing.picture(cue(video))
    assert seen is not None and seeing.picture(cue(video)).sight is seen.sight  # type: ignore[union-attr]
    again = seeing.regenerate(take, 0.5, 1.0, seed=9)
    blindly = seeing.regenerate(replace(take, cue=cue()), 0.5, 1.0, seed=9)
    assert not np.array_equal(again.audio, blindly.audio)


def test_a_video_that_is_none_is_refused(seeing: Generator, tmp_path: Path) -> None:
    (tmp_path / "shot.mp4").write_text("no video")
    with pytest.raises(VideoError, match="not a video"):
        seeing.stream(cue(tmp_path / "shot.mp4"), [1])


def test_a_module_for_another_denoiser_is_refused(small_weights: Path, tmp_path: Path) -> None:
    models = load(small_weights)
    references, module = load_file(small_weights / REFERENCES), MaskAttentionModule(32, 1, 1)
    phrases = models.phrases, models.phrase_vectors
    save(tmp_path, models.codec, models.denoiser, models.contacts, *phrases, references, module)
    with pytest.raises(MissingModel, match="width 32, the denoiser 64"):
        load(tmp_path)
    assert load_module(small_weights, models.denoiser) is None
