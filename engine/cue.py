"""The cue: what to make. Frozen value objects and their strict JSON form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from engine.curve import MAX_POINTS, CurvePoint, LoudnessCurve
from engine.mask_prompt import MaskPrompt
from engine.place import DISTANCE_DB, MASK, PAN, PlacePath, check_path, path_json, read_path
from engine.strict import (
    CueError,
    as_integer,
    as_items,
    as_number,
    as_numbers,
    as_text,
    in_range,
    inside,
    members,
    shown,
)

__all__ = ["MAX_POINTS", "Cue", "CueError", "CurvePoint", "LoudnessCurve", "MaskPrompt", "Source", "Span", "VideoRef"]

VERSION = 1
DURATION_S = (0.1, 1800.0)
RATE = (8_000, 192_000)
HANDLE_S = (0.0, 60.0)
TAIL_S = (0.0, 60.0)
OFFSET_S = (-1e6, 1e6)
GAIN_DB = (-60.0, 60.0)
MAX_TAKES = 64
MAX_SEED = 2**53 - 1
MAX_PROMPT = 2_000
MAX_MASKS = 1_000
MAX_SOURCES = 64
MAX_SAMPLES = 2**53 - 1
#: The largest cue file that is read at all, bytes.
MAX_FILE = 64 * 2**20

T = TypeVar("T")


def _optional(given: dict[str, object], key: str, read: Callable[[object], T]) -> T | None:
    """The member `key` through `read`, errors prefixed with its name; None where absent or null."""
    if given.get(key) is None:
        return None
    with inside(key):
        return read(given[key])


@dataclass(frozen=True)
class Span:
    """Where the cue lies on the host's timeline and how long it is."""

    #: Samples at `rate` from timecode midnight, the session's start included.
    start_samples: int
    #: The session's sample rate; takes are written at it.
    rate: int
    duration_s: float

    def __post_init__(self) -> None:
        in_range(self.start_samples, (0, MAX_SAMPLES), "start.samples")
        in_range(self.rate, RATE, "start.rate", "Hz")
        in_range(self.duration_s, DURATION_S, "duration_s", "s")

    @property
    def samples(self) -> int:
        """Length in samples at `rate`, without handles and tail."""
        return round(Fraction(self.duration_s) * self.rate)

    @property
    def start_s(self) -> Fraction:
        """Start in seconds from timecode midnight, exactly."""
        return Fraction(self.start_samples, self.rate)


@dataclass(frozen=True)
class VideoRef:
    """The picture the sound belongs to."""

    path: str
    #: The video's own time at the cue's first sample.
    offset_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise CueError("path", "is no path", "name the video file")
        in_range(self.offset_s, OFFSET_S, "offset_s", "s")

    @classmethod
    def from_json(cls, obj: object) -> VideoRef:
        given = members(obj, {"path": True, "offset_s": False})
        return cls(as_text(given["path"], "path"), as_number(given.get("offset_s", 0.0), "offset_s"))

    def to_json(self) -> dict[str, object]:
        return {"path": self.path, "offset_s": self.offset_s}


def _check_prompt(prompt: str, field: str = "prompt") -> None:
    if not prompt.strip():
        raise CueError(field, "is empty", 'say what is to be heard, e.g. "footsteps on gravel"')
    _check_text(prompt, field)


def _check_text(text: str, field: str) -> None:
    if len(text) > MAX_PROMPT:
        raise CueError(field, f"has {len(text)} characters", f"at most {MAX_PROMPT} are allowed")
    if any(ord(character) < 32 and character not in "\t\n\r" for character in text):
        raise CueError(field, "holds a control character", "leave it out")


@dataclass(frozen=True)
class Source:
    """One source of a scene of several: it becomes a stem."""

    prompt: str
    loudness: LoudnessCurve | None = None
    masks: tuple[MaskPrompt, ...] = ()
    #: Its level in the mix.
    gain_db: float = 0.0
    #: Where it stands in stereo, -1 left to 1 right: points, "mask" to go where its mask goes, () as it comes.
    pan: PlacePath = ()
    #: dB by distance: points, "mask" to go by its mask's size, () none.
    distance: PlacePath = ()

    def __post_init__(self) -> None:
        _check_prompt(self.prompt)
        in_range(self.gain_db, GAIN_DB, "gain_db", "dB")
        check_path(self.pan, PAN, "pan")
        check_path(self.distance, DISTANCE_DB, "distance")
        for field in ("pan", "distance"):
            if getattr(self, field) == MASK and not self.masks:
                raise CueError(field, "follows a mask, and the source has none", "give it masks, or draw points")

    @classmethod
    def from_json(cls, obj: object) -> Source:
        known = {"loudness": False, "masks": False, "gain_db": False, "pan": False, "distance": False}
        given = members(obj, {"prompt": True, **known})
        return cls(
            prompt=as_text(given["prompt"], "prompt"),
            loudness=_optional(given, "loudness", LoudnessCurve.from_json),
            masks=as_items(given.get("masks", []), "masks", MaskPrompt.from_json, most=MAX_MASKS),
            gain_db=as_number(given.get("gain_db", 0.0), "gain_db"),
            pan=read_path(given.get("pan"), "pan"),
            distance=read_path(given.get("distance"), "distance"),
        )

    def to_json(self) -> dict[str, object]:
        obj: dict[str, object] = {"prompt": self.prompt, "gain_db": self.gain_db}
        if self.loudness is not None:
            obj["loudness"] = self.loudness.to_json()
        if self.masks:
            obj["masks"] = [mask.to_json() for mask in self.masks]
        obj |= {field: path_json(path) for field, path in (("pan", self.pan), ("distance", self.distance)) if path}
        return obj


@dataclass(frozen=True)
class Cue:
    """What to make. Validated at construction: a `Cue` that exists can be rendered (its files may still be missing)."""

    #: What is to be heard; "" only where `sources` say it.
    prompt: str
    span: Span
    negative_prompt: str = ""
    #: None: no line was drawn, the sound keeps its own dynamics.
    loudness: LoudnessCurve | None = None
    video: VideoRef | None = None
    masks: tuple[MaskPrompt, ...] = ()
    sources: tuple[Source, ...] = ()
    #: Extra sound before and after the span, outside the curve, seconds.
    handles_s: tuple[float, float] = (0.0, 0.0)
    #: How long the sound may ring out where the curve ends above silence.
    tail_s: float = 1.0
    channels: int = 1
    #: None: a random one is drawn.
    seed: int | None = None
    takes: int = 1

    def __post_init__(self) -> None:
        if self.sources:
            if self.prompt:
                raise CueError("prompt", "stands beside sources, which have their own", "give one of the two")
            if self.loudness is not None or self.masks:
                field = "loudness" if self.loudness is not None else "masks"
                raise CueError(field, "stands beside sources, which have their own", "move it into a source")
        else:
            _check_prompt(self.prompt)
        _check_text(self.negative_prompt, "negative_prompt")
        for index, handle in enumerate(self.handles_s):
            in_range(handle, HANDLE_S, f"handles_s[{index}]", "s")
        if round(Fraction(self.handles_s[0]) * self.span.rate) > self.span.start_samples:
            mend = f"at most {float(self.span.start_s):g} s fit before the cue"
            raise CueError("handles_s[0]", "reaches back beyond timecode midnight", mend)
        in_range(self.tail_s, TAIL_S, "tail_s", "s")
        in_range(self.channels, (1, 2), "channels")
        in_range(self.takes, (1, MAX_TAKES), "takes")
        if self.seed is not None:
            in_range(self.seed, (0, MAX_SEED), "seed")
        for field, masks in self.masks_by_field():
            for index, mask in enumerate(masks):
                in_range(mask.time_s, (0.0, self.span.duration_s), f"{field}[{index}].time_s", "s")
        for index, source in enumerate(self.sources):
            if MASK in (source.pan, source.distance) and self.video is None:
                field = "pan" if source.pan == MASK else "distance"
                raise CueError(f"sources[{index}].{field}", "follows a mask, and the cue has no video", "name a video")

    def masks_by_field(self) -> list[tuple[str, tuple[MaskPrompt, ...]]]:
        """All mask prompts, those of the sources too, with the names of their fields."""
        sources = [(f"sources[{index}].masks", source.masks) for index, source in enumerate(self.sources)]
        return [("masks", self.masks), *sources]

    @classmethod
    def from_json(cls, obj: object) -> Cue:
        """The cue that `obj`, parsed JSON, describes; raises `CueError` naming the field."""
        given = members(obj, CUE_FIELDS)
        if as_integer(given.get("version", VERSION), "version") != VERSION:
            raise CueError("version", f"is {shown(given['version'])}", f"this program reads version {VERSION}")
        if not given.get("sources") and "prompt" not in given:
            raise CueError("prompt", "is missing", 'say what is to be heard, e.g. "footsteps on gravel"')
        start: dict[str, object] = {}
        with inside("start"):
            if "start" in given:
                start = members(given["start"], {"samples": True, "rate": True})
            samples = as_integer(start.get("samples", 0), "samples")
            rate = as_integer(start.get("rate", 48_000), "rate")
        before, after = as_numbers(given.get("handles_s", [0.0, 0.0]), "handles_s", 2)
        return cls(
            prompt=as_text(given.get("prompt", ""), "prompt"),
            span=Span(samples, rate, as_number(given["duration_s"], "duration_s")),
            negative_prompt=as_text(given.get("negative_prompt", ""), "negative_prompt"),
            loudness=_optional(given, "loudness", LoudnessCurve.from_json),
            video=_optional(given, "video", VideoRef.from_json),
            masks=as_items(given.get("masks", []), "masks", MaskPrompt.from_json, most=MAX_MASKS),
            sources=as_items(given.get("sources", []), "sources", Source.from_json, most=MAX_SOURCES),
            handles_s=(before, after),
            tail_s=as_number(given.get("tail_s", 1.0), "tail_s"),
            channels=as_integer(given.get("channels", 1), "channels"),
            seed=None if given.get("seed") is None else as_integer(given["seed"], "seed"),
            takes=as_integer(given.get("takes", 1), "takes"),
        )

    @classmethod
    def load(cls, path: Path | str) -> Cue:
        """The cue in the JSON file `path`; files it names are taken relative to that file's folder.

        Raises `CueError` for what is no cue and `OSError` for what cannot be read.
        """
        path = Path(path)
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)  # and no more: of a device or a pipe nobody knows the size
        if len(data) > MAX_FILE:
            raise CueError("", f"file is larger than {MAX_FILE // 2**20} MiB", "simplify the curve")
        try:
            # utf-8-sig: Windows editors put a byte-order mark in front.
            obj = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
        except CueError:
            raise
        except UnicodeDecodeError:
            raise CueError("", "is not UTF-8 text", "save the file as UTF-8") from None
        except RecursionError:
            raise CueError("", "is nested too deeply", "a cue is a flat object") from None
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise CueError("", f"is not JSON ({error.msg} at {where})", "mend it there") from None
        except ValueError as error:  # a number of thousands of digits
            raise CueError("", f"holds an unreadable number ({error})", "shorten it") from None
        return cls.from_json(obj).relative_to(path.parent)

    def relative_to(self, folder: Path) -> Cue:
        """The same cue with the paths of its video and painted masks taken relative to `folder`."""

        def there(mask: MaskPrompt) -> MaskPrompt:
            return mask if mask.path is None else replace(mask, path=str(folder / mask.path))

        return replace(
            self,
            video=None if self.video is None else replace(self.video, path=str(folder / self.video.path)),
            masks=tuple(map(there, self.masks)),
            sources=tuple(replace(source, masks=tuple(map(there, source.masks))) for source in self.sources),
        )

    def to_json(self) -> dict[str, object]:
        """The JSON form; `Cue.from_json` of it equals this cue."""
        obj: dict[str, object] = {"version": VERSION}
        if self.prompt:
            obj["prompt"] = self.prompt
        if self.negative_prompt:
            obj["negative_prompt"] = self.negative_prompt
        obj["start"] = {"samples": self.span.start_samples, "rate": self.span.rate}
        obj["duration_s"] = self.span.duration_s
        if self.loudness is not None:
            obj["loudness"] = self.loudness.to_json()
        if self.video is not None:
            obj["video"] = self.video.to_json()
        if self.masks:
            obj["masks"] = [mask.to_json() for mask in self.masks]
        if self.sources:
            obj["sources"] = [source.to_json() for source in self.sources]
        obj["handles_s"] = list(self.handles_s)
        obj["tail_s"] = self.tail_s
        obj["channels"] = self.channels
        if self.seed is not None:
            obj["seed"] = self.seed
        obj["takes"] = self.takes
        return obj


#: The members of a cue file and whether each must be there.
CUE_FIELDS = {
    "version": False,
    "prompt": False,
    "negative_prompt": False,
    "start": False,
    "duration_s": True,
    "loudness": False,
    "video": False,
    "masks": False,
    "sources": False,
    "handles_s": False,
    "tail_s": False,
    "channels": False,
    "seed": False,
    "takes": False,
}


def _refuse_constant(name: str) -> object:
    raise CueError("", f"holds {name}, which is not JSON", 'write a number, or "-inf" for silence')


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CueError(twice[:60], "is given twice", "keep one of the two")
    return obj
