"""Video in: exact presentation times, any rate and orientation, a 25 Hz view of it in bounded memory.

Time zero is the container's start, the clock that picture and sound share. Every time here is a
presentation time, so a variable frame rate, a 10 fps camera and a 240 fps one look alike from outside.
"""

import functools
import math
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

GRID_HZ = 25
CHUNK_FRAMES = 50
"""Grid frames decoded at a time: 2 s, so a seek is paid for rarely and a chunk stays small."""
CACHE_BYTES = 192 * 2**20
"""What one clip keeps decoded: about 45 s at the default size; longer clips are decoded again where needed."""
DEFAULT_SIDE = 320
SHORTFALL_S = 0.25
"""A picture that ends this much before its own header says so has been cut off."""


class VideoError(ValueError):
    """A video that cannot be used; ``str()`` is one line: what, where, how to mend it."""


class VideoWarning(UserWarning):
    """Something about the picture that a designer should hear about, in one line."""


@contextmanager
def gathered() -> Iterator[list[str]]:
    """Collects the lines of the VideoWarnings raised within, each once, in place of letting them be printed."""
    lines: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", VideoWarning)
        try:
            yield lines
        finally:
            lines += dict.fromkeys(str(warning.message) for warning in caught)


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself.

    width, height: pixels as shown, rotation applied. rate: mean frames per second. duration_s: from
    time zero to the picture's end, by the header or, where it does not say, by its last packet.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    duration_s: float
    rotation: int
    has_audio: bool


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture. time_s: exact presentation time; image: (height, width, 3) uint8 RGB."""

    time_s: Fraction
    image: np.ndarray


def probe(path: Path | str) -> VideoInfo:
    """Read what the header says, and the first frame.

    Raises VideoError for an absent file, one that is no video, and one without pictures.
    """
    with _open(path) as container:
        stream = _video_stream(container, path)
        duration_s = _header_duration_s(container, stream) or _scanned_duration_s(container, stream)
        rate = Fraction(stream.average_rate or stream.guessed_rate or GRID_HZ)
        has_audio = bool(container.streams.audio)
    for decoded, _, _ in _decoded(path, 0.0):
        turned = _rotation(decoded) in (90, 270)
        width, height = (decoded.height, decoded.width) if turned else (decoded.width, decoded.height)
        return VideoInfo(Path(path), width, height, rate, duration_s, _rotation(decoded), has_audio)
    raise VideoError(f"{path}: has a video stream but not one frame; export it again")


def read_frames(
    path: Path | str, start_s: float = 0.0, duration_s: float | None = None, *, side: int | None = None
) -> Iterator[Frame]:
    """Stream the frames shown during [start_s, start_s + duration_s), in order, one in memory at a time.

    The first is the one on screen at ``start_s``. ``side`` shrinks the longer edge to that many pixels.

    Raises VideoError as ``probe`` does, and where ``start_s`` lies beyond the picture's end; a file that
    ends before its header says so gives a VideoWarning.
    """
    for decoded, time_s in _on_screen(path, start_s, duration_s):
        yield Frame(time_s, _image(decoded, side))


class Clip:
    """A span of a video on a 25 Hz grid: ``clip[i]`` is the picture on screen i/25 s after its start.

    Pictures are decoded when asked for, forwards in one go, and kept within CACHE_BYTES. A negative start
    means that the video begins later than the span: its first picture stands until then. Where it ends
    before the span does, its last one stays; ``frames_shown`` tells from where on.
    """

    def __init__(
        self, path: Path | str, start_s: float = 0.0, duration_s: float | None = None, *, side: int = DEFAULT_SIDE
    ) -> None:
        """Open ``path``; raises VideoError as ``read_frames`` does, warns if the span is longer than the video."""
        self.info = probe(path)
        if not math.isfinite(start_s) or (duration_s is not None and start_s + duration_s <= 0):
            raise VideoError(f"{path}: with an offset of {start_s} s the cue ends before the picture begins; raise it")
        self.start_s, self.side = start_s, side
        left_s = self.info.duration_s - start_s
        if duration_s is None:
            duration_s = max(left_s, 1 / GRID_HZ)
        elif 0 < left_s < duration_s - 2 / GRID_HZ:
            warnings.warn(
                VideoWarning(
                    f"{path}: the picture ends {duration_s - left_s:.2f} s before the cue does; "
                    "nothing is read from it after that"
                ),
                stacklevel=2,
            )
        self.frames = max(1, math.ceil(duration_s * GRID_HZ - 1e-6))
        self.frames_shown = max(1, min(self.frames, math.ceil(left_s * GRID_HZ - 1e-6)))
        self._chunks: OrderedDict[int, list[Frame]] = OrderedDict()
        self._reader: Iterator[list[Frame]] | None = None
        self._next = 0
        self._chunk(0)

    def __len__(self) -> int:
        return self.frames

    @property
    def times_s(self) -> np.ndarray:
        """(frames,) seconds from the clip's start."""
        return np.arange(self.frames) / GRID_HZ

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the pictures as decoded here."""
        height, width = self[0].shape[:2]
        return int(height), int(width)

    def __getitem__(self, index: int) -> np.ndarray:
        """(height, width, 3) uint8 RGB on screen at grid time ``index``."""
        return self.frame(index).image

    def frame(self, index: int) -> Frame:
        """The picture on screen at grid time ``index`` with its own presentation time in the file."""
        if not 0 <= index < self.frames:
            raise IndexError(index)
        return self._chunk(index // CHUNK_FRAMES)[index % CHUNK_FRAMES]

    def _chunk(self, number: int) -> list[Frame]:
        if number in self._chunks:
            self._chunks.move_to_end(number)
            return self._chunks[number]
        if self._reader is None or number != self._next:
            self._reader = self._read_from(number)
        chunk = next(self._reader)
        self._next = number + 1
        self._chunks[number] = chunk
        kept = max(2, CACHE_BYTES // max(1, chunk[0].image.nbytes * CHUNK_FRAMES))
        while len(self._chunks) > kept:
            self._chunks.popitem(last=False)
        return chunk

    def _read_from(self, number: int) -> Iterator[list[Frame]]:
        """Chunks from ``number`` on; frames between two grid times are never converted."""
        first = number * CHUNK_FRAMES
        # A chunk that begins after the picture's end holds the last picture.
        start_s = self.start_s + min(first, self.frames_shown - 1) / GRID_HZ
        source = _on_screen(self.info.path, max(0.0, start_s), None)
        shown = upcoming = next(source, None)
        if shown is None:
            raise VideoError(f"{self.info.path}: nothing can be decoded at {start_s:.3f} s; export it again")
        upcoming = next(source, None)
        frame = Frame(shown[1], _image(shown[0], self.side))
        chunk: list[Frame] = []
        for index in range(first, -(-self.frames // CHUNK_FRAMES) * CHUNK_FRAMES):
            now = self.start_s + index / GRID_HZ + 1e-4
            while upcoming is not None and upcoming[1] <= now:
                shown, upcoming = upcoming, next(source, None)
            if shown[1] != frame.time_s:
                frame = Frame(shown[1], _image(shown[0], self.side))
            chunk.append(frame)
            if len(chunk) == CHUNK_FRAMES:
                yield chunk
                chunk = []


def open_clip(
    path: Path | str, start_s: float = 0.0, duration_s: float | None = None, *, side: int = DEFAULT_SIDE
) -> Clip:
    """A Clip, the same one as last time if the file has not changed: what makes a regenerate cheap."""
    try:
        stat = Path(path).stat()
    except OSError:
        return Clip(path, start_s, duration_s, side=side)
    return _remembered(str(path), stat.st_mtime_ns, stat.st_size, start_s, duration_s, side)


@functools.lru_cache(maxsize=2)
def _remembered(path: str, _changed: int, _size: int, start_s: float, duration_s: float | None, side: int) -> Clip:
    return Clip(path, start_s, duration_s, side=side)


def _on_screen(path: Path | str, start_s: float, duration_s: float | None) -> Iterator[tuple[VideoFrame, Fraction]]:
    if not math.isfinite(start_s) or start_s < 0:
        raise VideoError(f"{path}: offset {start_s} s is before the picture's start; use 0 or more")
    end_s = math.inf if duration_s is None else start_s + duration_s
    held: tuple[VideoFrame, Fraction] | None = None
    picture_end = Fraction(0)
    for decoded, time_s, length_s in _decoded(path, start_s):
        picture_end = time_s + length_s
        if time_s <= start_s + 1e-4:
            held = decoded, time_s
            continue
        if held is not None:
            yield held
            held = None
        if time_s >= end_s:
            return
        yield decoded, time_s
    if not picture_end:
        raise VideoError(f"{path}: has a video stream but not one frame; export it again")
    if held is not None and picture_end <= start_s:
        raise VideoError(
            f"{path}: the offset {start_s:.3f} s lies beyond the picture's end at {float(picture_end):.3f} s; lower it"
        )
    if held is not None:
        yield held


def _decoded(path: Path | str, start_s: float) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
    """(frame, presentation time, nominal length) from the key frame at or before ``start_s`` on."""
    with _open(path) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        zero = Fraction(container.start_time or 0, av.time_base)
        length_s = 1 / Fraction(stream.average_rate or stream.guessed_rate or GRID_HZ)
        counted, latest = 0, Fraction(-1)
        # A second of slack: an index may point at a key frame whose leading pictures come later.
        if start_s > 1:
            container.seek(int((start_s - 1 + float(zero)) * av.time_base), backward=True)
        try:
            for frame in container.decode(stream):
                time_s = counted * length_s if frame.pts is None else frame.pts * Fraction(frame.time_base or 1) - zero
                counted += 1
                if time_s > latest:
                    latest = time_s
                    yield frame, time_s, length_s
        except av.error.FFmpegError as error:
            if not counted:
                raise VideoError(f"{path}: cannot be decoded ({_reason(error)}); export it again") from None
        promised = _header_duration_s(container, stream)
        if counted and promised and promised - float(latest + length_s) > SHORTFALL_S:
            warnings.warn(
                VideoWarning(
                    f"{path}: is cut off at {float(latest + length_s):.2f} s of {promised:.2f} s; copy it again"
                ),
                stacklevel=2,
            )


def _open(path: Path | str) -> InputContainer:
    if not Path(path).is_file():
        raise VideoError(f"{path}: no such video file; check the cue's video path")
    try:
        return av.open(str(path))
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: is truncated or not a video ({_reason(error)}); copy or export it again") from None


def _video_stream(container: InputContainer, path: Path | str) -> VideoStream:
    for stream in container.streams.video:
        # A cover picture in a music file is a "video stream" of one frame.
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise VideoError(f"{path}: holds no video stream; name a file with a picture")


def _header_duration_s(container: InputContainer, stream: VideoStream) -> float:
    zero = Fraction(container.start_time or 0, av.time_base)
    if stream.duration and stream.time_base:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base - zero)
    return (container.duration or 0) / av.time_base


def _scanned_duration_s(container: InputContainer, stream: VideoStream) -> float:
    """For live recordings, whose header knows no length: read the packets, decode none."""
    zero = Fraction(container.start_time or 0, av.time_base)
    base = Fraction(stream.time_base or 0)
    ends = [(p.pts + (p.duration or 0)) * base - zero for p in container.demux(stream) if p.pts is not None]
    return float(max(ends, default=Fraction(0)))


def _rotation(frame: VideoFrame) -> int:
    """Quarter turns to the left, in degrees, that show the picture upright."""
    return round(frame.rotation / 90) * 90 % 360


def _image(frame: VideoFrame, side: int | None) -> np.ndarray:
    scale = min(1.0, side / max(frame.width, frame.height)) if side else 1.0
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    picture = frame.reformat(width, height, "rgb24", interpolation=Interpolation.AREA).to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, _rotation(frame) // 90))


def _reason(error: av.error.FFmpegError) -> str:
    return str(error.strerror or type(error).__name__).lower()
