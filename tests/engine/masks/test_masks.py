"""Mask prompts become masks: drawn, tracked, painted, in words; joined, soft at the edge, honest about what is lost."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.cue import MaskPrompt
from engine.errors import MissingModel
from engine.masks import make_mask, whole_frame
from engine.masks.drawn import around_point
from engine.masks.flow_tracker import track_box
from engine.masks.text import Detection, TextMaker, YoloWorld, join, overlap
from engine.masks.track import MaskTrack
from engine.training.scenes import make_scene
from engine.video import Clip, VideoError
from engine.video_writer import write_video

WIDTH, HEIGHT = 320, 180


def moving_square(path: Path, frames: int = 50, hidden: range = range(0)) -> Path:
    """A textured 40 px square that moves 3 px per frame to the right over a textured ground."""
    random = np.random.default_rng(0)
    ground = cv2.GaussianBlur(random.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), (0, 0), 2)
    square = cv2.resize(random.integers(0, 255, (8, 8, 3), np.uint8), (40, 40), interpolation=cv2.INTER_NEAREST)

    def pictures() -> object:
        for index in range(frames):
            picture = ground.copy()
            if index not in hidden:
                picture[70:110, 30 + 3 * index : 70 + 3 * index] = square
            yield Fraction(index, 25), picture

    return write_video(path, pictures())  # type: ignore[arg-type]


def square_box(index: int) -> tuple[float, float, float, float]:
    return (30 + 3 * index) / WIDTH, 70 / HEIGHT, 40 / WIDTH, 40 / HEIGHT


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return Clip(moving_square(tmp_path_factory.mktemp("clips") / "square.mp4"))


def mean_overlap(track: MaskTrack, frames: Sequence[int]) -> float:
    return float(np.mean([overlap(track.boxes[i], np.array(square_box(i))) for i in frames]))


@pytest.mark.parametrize("drawn_at", [0, 25, 49])
def test_box_is_followed_forwards_and_backwards(clip: Clip, drawn_at: int) -> None:
    track = make_mask(clip, [MaskPrompt("box", box=square_box(drawn_at), time_s=drawn_at / 25)])
    assert mean_overlap(track, range(50)) > 0.85
    assert not track.lost.any() and track.warnings == ()


def test_polygon_moves_with_what_is_in_it(clip: Clip) -> None:
    left, top, width, height = square_box(0)
    corners = ((left, top), (left + width, top), (left + width / 2, top + height))
    track = make_mask(clip, [MaskPrompt("polygon", points=corners)])
    assert mean_overlap(track, range(50)) > 0.75
    share = track.masks[25].astype(float).mean() / 255
    assert share == pytest.approx(width * height / 2, rel=0.45)
    assert share < 0.75 * width * height


def test_point_takes_the_patch_of_one_look() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    cv2.rectangle(picture, (100, 50), (159, 99), (200, 60, 60), -1)
    assert overlap(np.array(around_point(picture, 0.4, 0.4)), np.array([100 / 320, 50 / 180, 60 / 320, 50 / 180])) > 0.9
    random = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    left, top, width, height = around_point(random, 0.5, 0.5)
    assert width * WIDTH == pytest.approx(27, abs=2) and left + width / 2 == pytest.approx(0.5)
    assert top + height / 2 == pytest.approx(0.5)


def test_point_is_followed(clip: Clip) -> None:
    left, top, width, height = square_box(0)
    track = make_mask(clip, [MaskPrompt("point", points=((left + width / 2, top + height / 2),))])
    for index in (10, 30, 49):
        x, y = track.boxes[index, :2] + track.boxes[index, 2:] / 2
        wanted = square_box(index)
        assert wanted[0] < x < wanted[0] + wanted[2] and wanted[1] < y < wanted[1] + wanted[3]


def test_lost_object_is_told_and_found_again(tmp_path: Path) -> None:
    clip = Clip(moving_square(tmp_path / "hidden.mp4", frames=80, hidden=range(20, 45)))
    track = make_mask(clip, [MaskPrompt("box", box=square_box(0))])
    assert not track.lost[:20].any() and track.lost[30:44].all() and not track.lost[60:].any()
    assert mean_overlap(track, range(60, 80)) > 0.6
    assert len(track.warnings) == 1 and "lost sight of its object at" in track.warnings[0]


def test_later_prompt_holds_from_its_moment_on(clip: Clip) -> None:
    later = MaskPrompt("box", box=(0.0, 0.0, 0.2, 0.2), time_s=1.0)
    track = make_mask(clip, [MaskPrompt("box", box=square_box(0)), later])
    corner = track.masks[:, :8, :8].astype(float).mean(axis=(1, 2))
    assert corner[24] == 0 and corner[26] > 200
    assert mean_overlap(track, range(20)) > 0.75


def test_edges_are_soft(clip: Clip) -> None:
    track = make_mask(clip, [MaskPrompt("box", box=(0.25, 0.25, 0.5, 0.5))])
    row = track.masks[0, track.masks.shape[1] // 2].astype(int)
    assert row[len(row) // 2] == 255 and row[2] == 0
    assert len(np.unique(row)) > 4


@pytest.mark.parametrize("suffix", ["grey", "alpha", "sixteen bits"])
def test_painted_picture_of_any_size_and_depth(clip: Clip, tmp_path: Path, suffix: str) -> None:
    painted = np.zeros((90, 160), np.uint8)
    painted[20:40, 40:80] = 255
    picture = {
        "grey": painted,
        "alpha": np.dstack([np.full((90, 160, 3), 77, np.uint8), painted]),
        "sixteen bits": painted.astype(np.uint16) * 257,
    }[suffix]
    path = tmp_path / "lake.png"
    cv2.imwrite(str(path), picture)
    track = make_mask(clip, [MaskPrompt("paint", path=str(path))])
    assert track.boxes[30] == pytest.approx([0.25, 20 / 90, 0.25, 20 / 90], abs=0.02)
    assert track.warnings == ()


def test_painted_key_frames_change_over(clip: Clip, tmp_path: Path) -> None:
    prompts = []
    for name, left, time_s in (("a.png", 20, 0.0), ("b.png", 100, 1.6)):
        painted = np.zeros((90, 160), np.uint8)
        painted[30:60, left : left + 30] = 255
        cv2.imwrite(str(tmp_path / name), painted)
        prompts.append(MaskPrompt("paint", path=str(tmp_path / name), time_s=time_s))
    track = make_mask(clip, prompts)
    centres = track.boxes[:, 0] + track.boxes[:, 2] / 2
    assert centres[20] == pytest.approx(75 / 160, abs=0.03)
    assert centres[45] == pytest.approx(115 / 160, abs=0.03)
    assert (np.diff(centres) >= -0.02).all()


def test_painted_video_and_wrong_shape(clip: Clip, tmp_path: Path) -> None:
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[:, 32:] = 255
    path = write_video(tmp_path / "mask.mp4", [(Fraction(i, 10), np.roll(mask, 32 * i, axis=1)) for i in range(4)])
    track = make_mask(clip, [MaskPrompt("paint", path=str(path))])
    assert [round(track.boxes[i, 0], 1) for i in (0, 3, 6, 49)] == [0.5, 0.0, 0.5, 0.0]
    cv2.imwrite(str(tmp_path / "square.png"), np.full((50, 50), 255, np.uint8))
    track = make_mask(clip, [MaskPrompt("paint", path=str(tmp_path / "square.png"))])
    assert "stretched" in track.warnings[0]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (MaskPrompt("paint", path="nowhere.png"), "no such mask picture"),
        (MaskPrompt("box", box=(0.1, 0.1, 0.2, 0.2), time_s=9.0), "the picture ends at 2.00 s"),
        (MaskPrompt("box", box=(0.5, 0.5, 0.001, 0.2)), "outside the frame or is empty"),
    ],
)
def test_bad_prompts_give_one_clear_line(clip: Clip, prompt: MaskPrompt, words: str) -> None:
    with pytest.raises(VideoError, match=words) as caught:
        make_mask(clip, [prompt])
    assert "\n" not in str(caught.value)


def test_no_prompts_mean_the_whole_frame(clip: Clip) -> None:
    assert make_mask(clip, []).masks.min() == 255


class KnowsSquares:
    """A detector that sees where the square is, misses now and then, and sees a false one once."""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, image: np.ndarray, phrases: Sequence[str]) -> list[Detection]:
        number, self.looks = self.looks, self.looks + 1
        if phrases != ["square"] or number in (3, 4):
            return []
        found = [Detection(square_box(min(5 * number, 49)), "square", 0.5)]
        return found + [Detection((0.8, 0.0, 0.1, 0.1), "square", 0.9)] * (number == 5)


def test_words_are_found_joined_and_filled_in(clip: Clip) -> None:
    maker = TextMaker(KnowsSquares)
    track = make_mask(clip, [MaskPrompt("text", query="the square is sliding")], makers={"text": maker})
    assert mean_overlap(track, range(48)) > 0.85


def test_query_that_finds_nothing_warns_and_takes_the_frame_only_if_told(clip: Clip) -> None:
    makers = {"text": TextMaker(KnowsSquares)}
    prompt = MaskPrompt("text", query="a dog")
    track = make_mask(clip, [prompt], makers=makers)
    assert track.masks.max() == 0 and "nothing in the picture looks like dog" in track.warnings[0]
    track = make_mask(clip, [prompt], makers=makers, whole_frame_if_empty=True)
    assert np.array_equal(track.masks, whole_frame(clip).masks) and len(track.warnings) == 2


def test_joining_keeps_two_crossing_kinds_apart() -> None:
    def at(x: float, phrase: str) -> Detection:
        return Detection((x, 0.4, 0.2, 0.2), phrase, 0.5)

    found = [(5 * n, [at(0.1 + 0.05 * n, "cat"), at(0.6 - 0.05 * n, "dog")]) for n in range(10)]
    tracks = join(found)
    assert sorted(len(t.looks) for t in tracks) == [10, 10]
    assert all(len({d.phrase for _, d in t.looks}) == 1 for t in tracks)


def test_absent_weights_are_one_line_with_the_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DRAWAUDIO_MODELS", str(tmp_path))
    with pytest.raises(MissingModel, match="drawaudio models pull yolo-world"):
        YoloWorld.load()


@pytest.mark.slow
def test_yolo_world_end_to_end_with_random_weights(clip: Clip) -> None:
    """Load from ultralytics' own description, set classes from CLIP's text model, predict, track, mask."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection
    from ultralytics import YOLOWorld

    torch.manual_seed(0)
    config = CLIPTextConfig(hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
    text_model = CLIPTextModelWithProjection(config).eval()

    def embed(phrases: Sequence[str]) -> torch.Tensor:
        words = torch.tensor([[49406, 100 + len(phrase), 49407] for phrase in phrases])
        with torch.no_grad():
            return text_model(input_ids=words).text_embeds

    detector = YoloWorld(YOLOWorld("yolov8s-worldv2.yaml"), embed)
    seen = detector.detect(clip[0], ["square", "dog"])
    network = detector._model.model
    assert network.txt_feats.shape == (1, 2, 512) and network.model[-1].nc == 2
    assert all(d.phrase in ("square", "dog") for d in seen)
    # Random weights see nothing they are sure of; every box they do report lies in the frame.
    assert all(-1e-3 <= v <= 1.001 for d in seen for v in d.box)
    track = make_mask(clip, [MaskPrompt("text", query="a square")], makers={"text": TextMaker(lambda: detector)})
    assert len(track) == len(clip)


@pytest.mark.weights
def test_yolo_world_finds_a_person() -> None:
    """Needs `drawaudio models pull yolo-world` and ultralytics' sample picture."""
    from ultralytics.utils import ASSETS

    picture = cv2.imread(str(ASSETS / "zidane.jpg"))[..., ::-1]
    assert any(d.phrase == "person" and d.confidence > 0.3 for d in YoloWorld.load().detect(picture, ["person"]))


def test_box_is_followed_on_held_out_scenes(tmp_path: Path) -> None:
    overlaps = []
    for seed in (100, 103, 105, 106, 107, 111):
        scene = make_scene(seed, duration_s=5.0, held_out=True)
        clip = Clip(scene.write(tmp_path / f"{seed}.mp4", sound=False))
        times = np.array([float(clip.frame(i).time_s) for i in range(clip.frames_shown)])
        for number, thing in enumerate(scene.objects):
            if thing.action_name in ("shatter", "pour"):
                continue
            truth = scene.boxes(number, times)
            found = track_box(clip, tuple(truth[0]), 0).boxes
            overlaps.append(np.mean([overlap(f, t) for f, t in zip(found, truth, strict=False)]))
    assert np.mean(overlaps) >= 0.7
