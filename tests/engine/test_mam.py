"""MAM and visual encoder: nothing changes at first, dropped pictures leave no trace, time is kept, all else frozen."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.cue import MaskPrompt
from engine.footage import Footage, footage
from engine.models.denoiser import Condition, Denoiser
from engine.models.mam import MaskAttention, MaskAttentionModule, freeze_all_but, guided
from engine.models.visual import FEATURES, MOTION_WIDTH, VisualEncoder, clip_sight, mirrored, motion_sight, see
from engine.training.scenes import make_scene
from engine.video import Clip
from engine.video_writer import write_video

WIDTH, DEPTH, HEADS = 64, 2, 4


def tiny_denoiser() -> Denoiser:
    torch.manual_seed(0)
    network = Denoiser(8, WIDTH, DEPTH, HEADS)
    torch.nn.init.normal_(network.output.weight, std=0.02)
    return network


def condition(tokens: int) -> Condition:
    return Condition(
        torch.randn(2, 3, 384),
        torch.ones(2, 3, dtype=torch.bool),
        torch.randn(2, 384) / 20,
        torch.randn(2, 4 * tokens),
        torch.ones(2, 4 * tokens),
        torch.zeros(2),
    )


def trained_module() -> MaskAttentionModule:
    module = MaskAttentionModule(WIDTH, DEPTH, HEADS, 32)
    for attention in module.attentions:
        torch.nn.init.normal_(attention.out.weight, std=0.5)
    return module


def test_untrained_module_and_dropped_picture_change_nothing() -> None:
    network, asked = tiny_denoiser(), condition(50)
    noisy, time = torch.randn(2, 50, 20), torch.tensor([0.3, 0.8])
    full, masked = torch.randn(2, 2, 50, MOTION_WIDTH)
    plain = network(noisy, time, asked)
    fresh = MaskAttentionModule(WIDTH, DEPTH, HEADS, 32)
    assert torch.equal(network(noisy, time, asked, fresh.looks(full, masked)), plain)
    trained = trained_module()
    half = network(noisy, time, asked, trained.looks(full, masked, keep=torch.tensor([[1.0], [0.0]]).expand(2, 50)))
    assert not torch.allclose(half[0], plain[0]) and torch.allclose(half[1], plain[1], atol=1e-6)


def test_picture_half_a_second_later_is_heard_half_a_second_later() -> None:
    torch.manual_seed(1)
    attention = MaskAttention(WIDTH, HEADS, 32)
    torch.nn.init.normal_(attention.out.weight, std=0.5)
    still = torch.zeros(1, 100, WIDTH)
    video, times = torch.zeros(1, 100, 32), (torch.arange(100) + 0.5) / 25
    video[0, 40] = torch.randn(32)
    heard = attention(still, video, times).abs().sum(-1)[0]
    later = attention(still, video, times + 0.5).abs().sum(-1)[0]
    assert abs(int(heard.argmax()) - 40) <= 1
    assert int(later.argmax()) - int(heard.argmax()) in (12, 13)
    moved_window = attention(still, video, times, start_s=0.4).abs().sum(-1)[0]
    assert int(heard.argmax()) - int(moved_window.argmax()) == 10


def test_only_the_module_learns() -> None:
    network, module = tiny_denoiser(), trained_module()
    parameters = freeze_all_but(module, [network])
    before = [p.clone() for p in network.parameters()]
    optimizer = torch.optim.AdamW(parameters, 1e-2)
    full, masked = torch.randn(2, 2, 50, MOTION_WIDTH)
    out = network(torch.randn(2, 50, 20), torch.rand(2), condition(50), module.looks(full, masked))
    out.square().mean().backward()
    assert all(p.grad is not None for p in parameters)
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_one_encoder_for_both_pictures() -> None:
    encoder = VisualEncoder(width=32)
    picture = torch.randn(1, 25, MOTION_WIDTH)
    tokens, times = encoder(picture, picture)
    assert tokens.shape == (1, 50, 32) and times.shape == (50,)
    assert torch.allclose(tokens[:, :25] - encoder.role[0], tokens[:, 25:] - encoder.role[1], atol=1e-6)
    assert times[0] == pytest.approx(0.02) and times[24] == pytest.approx(0.98) and times[25] == times[0]


def test_guidance_separates_words_and_picture() -> None:
    answers = torch.tensor(1.0), torch.tensor(3.0), torch.tensor(7.0)
    assert guided(*answers, 1, 1) == 7 and guided(*answers, 3, 0) == 7 and guided(*answers, 2, 2) == 13


def test_a_frame_that_is_not_there_leaves_no_trace() -> None:
    torch.manual_seed(2)
    module, x = trained_module(), torch.randn(1, 50, WIDTH)
    full, masked = torch.randn(2, 1, 50, MOTION_WIDTH)
    keep = torch.ones(1, 50)
    keep[:, 30:] = 0
    heard = module.looks(full, masked, keep=keep)[0](x)
    other = torch.randn(1, 20, MOTION_WIDTH)
    full, masked = (torch.cat([seen[:, :30], other], 1) for seen in (full, masked))
    assert torch.equal(module.looks(full, masked, keep=keep)[0](x), heard)
    assert not torch.allclose(module.looks(full, masked)[0](x), heard)


def test_module_is_saved_and_loaded_whole(tmp_path: Path) -> None:
    module = trained_module()
    module.save_pretrained(tmp_path)
    again = MaskAttentionModule.from_pretrained(tmp_path)
    full, masked = torch.randn(2, 1, 25, MOTION_WIDTH)
    x = torch.randn(1, 25, WIDTH)
    assert torch.equal(module.looks(full, masked)[1](x), again.looks(full, masked)[1](x))


def test_motion_features_show_events_where_they_are(tmp_path: Path) -> None:
    scene = next(s for s in map(lambda n: make_scene(n, duration_s=4.0), range(50)) if _has(s, "strike"))
    number = next(i for i, thing in enumerate(scene.objects) if thing.action_name == "strike")
    path = scene.write(tmp_path / "scene.mp4", sound=False)
    left, top, width, _ = np.clip(scene.boxes(number, np.array([0.0]))[0], 0.01, 0.99)
    box = (float(left), float(max(0.0, top - 0.1)), float(min(width, 0.99 - left)), float(min(0.6, 0.95 - top)))
    seen = footage(path, 0.0, 4.0, (MaskPrompt("box", box=box),))
    sight = see(seen)
    assert sight.full.shape == sight.masked.shape == (100, MOTION_WIDTH)
    assert np.isfinite(sight.full).all() and np.abs(sight.masked).max() < 12
    assert see(footage(path, 0.0, 4.0, (MaskPrompt("box", box=box),))) is sight


def _has(scene: object, name: str) -> bool:
    return any(thing.action_name == name for thing in scene.objects)  # type: ignore[attr-defined]


@pytest.fixture(name="clip")
def small_clip(tmp_path: Path) -> Clip:
    return Clip(make_scene(3, duration_s=1.0).write(tmp_path / "scene.mp4", sound=False))


def test_clip_features_with_random_weights(clip: Clip) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**shape, projection_dim=512)).eval()
    sight = clip_sight(Footage(clip), model=model)
    assert sight.full.shape == (len(clip), FEATURES["clip"][0])
    assert np.linalg.norm(sight.full, axis=1) == pytest.approx(np.ones(len(clip)), abs=1e-4)


def test_motion_sight_without_a_mask_sees_the_same_twice(clip: Clip) -> None:
    sight = motion_sight(Footage(clip))
    assert sight.full is sight.masked


def test_mirrored_features_are_those_of_the_mirrored_picture(tmp_path: Path) -> None:
    def film(name: str, flip: bool) -> Footage:
        ground = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
        thing = np.random.default_rng(1).integers(0, 255, (30, 30, 3), np.uint8)

        def pictures() -> object:
            for index in range(25):
                picture = cv2.GaussianBlur(ground, (0, 0), 3)
                picture[20 + index : 50 + index, 2 * index : 2 * index + 30] = thing
                yield index / 25, picture[:, ::-1] if flip else picture

        return Footage(Clip(write_video(tmp_path / name, pictures())))  # type: ignore[arg-type]

    straight, flipped = (torch.from_numpy(motion_sight(film(f"{f}.mp4", f)).full) for f in (False, True))
    away = (mirrored(straight) - flipped).abs().mean()
    assert away < 0.3 * (straight - flipped).abs().mean()
    assert torch.equal(mirrored(mirrored(straight)), straight)
