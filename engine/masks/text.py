"""Masks from words: key phrases, YOLO-World's boxes in some frames, joined over time.

YOLO-World is loaded through ultralytics. Its own `set_classes` wants a CLIP package that is not on PyPI;
the same text features come from CLIP in transformers, so they are computed there and handed over.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.cue import MaskPrompt
from engine.errors import MissingModel
from engine.masks.keyphrase import key_phrases
from engine.masks.track import MaskTrack, from_boxes, from_moment, mask_size, union
from engine.video import GRID_HZ, Clip

YOLO_WORLD = "yolov8s-worldv2.pt"
CLIP_NAME = "openai/clip-vit-base-patch32"
EVERY = 5
"""The detector looks at every fifth frame of the grid, 5 Hz; boxes move in straight lines in between."""
CONFIDENCE = 0.05
"""YOLO-World is modest about free words; a track must still gather this on average per look."""
JOIN_OVERLAP = 0.25
LONGEST_GAP = 5
"""Looks in a row that may miss an object before its track ends: 1 s."""
FEWEST_LOOKS = 2
LOOK_SIDE = 640


@dataclass(frozen=True)
class Detection:
    """A box in fractions of the frame, left, top, width, height, with its phrase and the detector's confidence."""

    box: tuple[float, float, float, float]
    phrase: str
    confidence: float


class Detector(Protocol):
    """Finds phrases in a picture."""

    def detect(self, image: np.ndarray, phrases: Sequence[str]) -> list[Detection]:
        """(height, width, 3) uint8 RGB -> what of ``phrases`` is in it."""


class TextMaker:
    """``@dog``: every object that the key phrases of the query name."""

    def __init__(self, load: Callable[[], Detector] | None = None) -> None:
        self._load = load or YoloWorld.load

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """Look in frames ``first`` to the end. Raises MissingModel where the weights are not there.

        Nothing found is not an error: the mask is empty, lost throughout, and a warning says so.
        """
        query = prompt.query or ""
        phrases = key_phrases(query) or [query.strip().lower()]
        detector = self._load()
        last = clip.frames_shown - 1
        looks = sorted({*range(first, last + 1, EVERY), last}) if first <= last else []
        found = [(index, detector.detect(clip[index], phrases)) for index in looks]
        tracks = [t for t in join(found) if len(t.looks) >= min(FEWEST_LOOKS, len(looks)) and t.confidence > CONFIDENCE]
        size = mask_size(*clip.shape)
        if not tracks:
            words = f"mask '{query}': nothing in the picture looks like {' or '.join(phrases)}; draw a box instead"
            return from_boxes(np.full((len(clip), 4), np.nan), np.ones(len(clip), bool), size, [words])
        masks = [from_boxes(*_filled(track, len(clip), last), size) for track in tracks]
        return from_moment(union(masks), first)


@dataclass
class Joined:
    """One object over time. looks: (frame, detection), in order."""

    looks: list[tuple[int, Detection]] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        return float(np.mean([detection.confidence for _, detection in self.looks]))


def join(found: Sequence[tuple[int, Sequence[Detection]]]) -> list[Joined]:
    """Detections of each look -> objects: the surest first takes the box that overlaps its predicted place most."""
    open_tracks: list[Joined] = []
    closed: list[Joined] = []
    for number, (frame, detections) in enumerate(found):
        left = sorted(detections, key=lambda d: -d.confidence)
        for track in sorted(open_tracks, key=lambda t: -t.confidence):
            same = [d for d in left if d.phrase == track.looks[-1][1].phrase]
            overlaps = [overlap(_predicted(track, frame), np.asarray(d.box)) for d in same]
            if overlaps and max(overlaps) >= JOIN_OVERLAP:
                best = same[int(np.argmax(overlaps))]
                track.looks.append((frame, best))
                left.remove(best)
        open_tracks += [Joined([(frame, detection)]) for detection in left]
        oldest = found[max(0, number - LONGEST_GAP)][0]
        closed += [t for t in open_tracks if t.looks[-1][0] < oldest]
        open_tracks = [t for t in open_tracks if t.looks[-1][0] >= oldest]
    return closed + open_tracks


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes left, top, width, height."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.clip(high - low, 0, None).prod())
    whole = float(one[2:].prod() + other[2:].prod()) - shared
    return shared / whole if whole > 0 else 0.0


class YoloWorld:
    """YOLO-World through ultralytics, its words through transformers' CLIP."""

    def __init__(self, model: Any, embed: Callable[[Sequence[str]], Any]) -> None:
        """model: an ultralytics YOLOWorld; embed: phrases -> (phrases, 512) tensor of text features."""
        self._model, self._embed = model, embed
        self._phrases: tuple[str, ...] = ()

    @classmethod
    def load(cls) -> "YoloWorld":
        """The fetched weights. Raises MissingModel with the one-line mend where they are not there."""
        folder = models_folder()
        weights, clip = folder / YOLO_WORLD, folder / "clip-vit-base-patch32"
        if not weights.is_file() or not clip.is_dir():
            raise MissingModel(
                f"masks from words need {weights}: run 'drawaudio models pull yolo-world', or draw a box"
            )
        from ultralytics import YOLOWorld

        return cls(YOLOWorld(str(weights)), _clip_text(clip))

    def detect(self, image: np.ndarray, phrases: Sequence[str]) -> list[Detection]:
        """Boxes of what looks like any of ``phrases``; image: (height, width, 3) uint8 RGB."""
        if tuple(phrases) != self._phrases:
            self.set_classes(phrases)
        height, width = image.shape[:2]
        blue_first = np.ascontiguousarray(image[..., ::-1])
        boxes = self._model.predict(blue_first, imgsz=LOOK_SIDE, conf=CONFIDENCE / 2, verbose=False)[0].boxes
        found = []
        for (x0, y0, x1, y1), confidence, number in zip(
            boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True
        ):
            box = (x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height)
            found.append(Detection(box, phrases[int(number)], confidence))
        return found

    def set_classes(self, phrases: Sequence[str]) -> None:
        """As YOLOWorld.set_classes does, with the text features made here."""
        features = self._embed(phrases)
        network = self._model.model
        network.txt_feats = (features / features.norm(dim=-1, keepdim=True))[None]
        network.model[-1].nc = len(phrases)
        network.names = dict(enumerate(phrases))
        self._model.predictor = None
        self._phrases = tuple(phrases)


def models_folder() -> Path:
    """Where fetched models lie: DRAWAUDIO_MODELS, else a folder in the user's cache."""
    given = os.environ.get("DRAWAUDIO_MODELS")
    return Path(given) if given else Path.home() / ".cache" / "drawaudio" / "models"


def fetch() -> Path:
    """Download YOLO-World and CLIP's text half into ``models_folder``; raises MissingModel where that fails."""
    from huggingface_hub import snapshot_download
    from ultralytics.utils.downloads import attempt_download_asset

    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        attempt_download_asset(str(folder / YOLO_WORLD))
        wanted = ["*.json", "merges.txt", "model.safetensors"]
        snapshot_download(CLIP_NAME, local_dir=folder / "clip-vit-base-patch32", allow_patterns=wanted)
    except Exception as error:
        raise MissingModel(f"yolo-world could not be fetched ({type(error).__name__}); check the network") from error
    if not (folder / YOLO_WORLD).is_file():
        raise MissingModel("yolo-world could not be fetched; check the network and try again")
    return folder


def _clip_text(folder: Path) -> Callable[[Sequence[str]], Any]:
    import torch
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    model = CLIPTextModelWithProjection.from_pretrained(folder).eval()

    @torch.no_grad()
    def embed(phrases: Sequence[str]) -> Any:
        return model(**tokenizer(list(phrases), padding=True, return_tensors="pt")).text_embeds

    return embed


def _predicted(track: Joined, frame: int) -> np.ndarray:
    """The box carried on at the speed of its last two looks."""
    (last, now) = track.looks[-1]
    box = np.asarray(now.box, float)
    if len(track.looks) > 1:
        earlier, before = track.looks[-2]
        box[:2] += (box[:2] - np.asarray(before.box)[:2]) * min(2.0, (frame - last) / max(1, last - earlier))
    return box


def _filled(track: Joined, frames: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (frames, 4) in straight lines between looks, NaN before the first and after the last; lost: (frames,)."""
    at = np.array([frame for frame, _ in track.looks])
    seen = np.array([detection.box for _, detection in track.looks])
    grid = np.arange(frames)
    boxes = np.stack([np.interp(grid, at, seen[:, side]) for side in range(4)], axis=1)
    # An object is as good as there for one look before and after it was seen.
    outside = (grid < at[0] - EVERY) | (grid > min(at[-1] + EVERY, last + GRID_HZ))
    boxes[outside] = np.nan
    return boxes, outside
