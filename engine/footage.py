"""A span of video, what a mask follows in it and what moves there: each found once, for all who ask.

seen = footage("shot.mp4", 12.0, 6.0, cue.masks)     # remembered: a second take of it costs nothing
seen.clip, seen.mask, seen.motion
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cue import Cue, MaskPrompt
from engine.masks import make_mask
from engine.masks.track import MaskTrack
from engine.motion import Motion, measure_all
from engine.video import Clip, VideoError, gathered, open_clip


@dataclass(frozen=True, eq=False)
class Footage:
    """Pictures, the mask over them (None: all of them) and what a designer should hear about both, one line each."""

    clip: Clip
    mask: MaskTrack | None = None
    warnings: Sequence[str] = ()

    @functools.cached_property
    def motions(self) -> tuple[Motion, Motion]:
        """Motion of the whole picture and of what the mask covers; the same one without a mask."""
        found = measure_all(self.clip, [None] if self.mask is None else [None, self.mask])
        return found[0], found[-1]

    @property
    def motion(self) -> Motion:
        """Motion of what is asked for."""
        return self.motions[1]


def footage(
    path: Path | str, start_s: float = 0.0, duration_s: float | None = None, masks: tuple[MaskPrompt, ...] = ()
) -> Footage:
    """The footage of a video from ``start_s`` on, the same as last time if no file has changed.

    Raises VideoError for a video or mask that cannot be used, MissingModel for a mask without its weights.
    """
    files = (str(path), *(mask.path for mask in masks if mask.path is not None))
    return _remembered(str(path), tuple(map(_changed, files)), start_s, duration_s, masks)


def footage_of(cue: Cue) -> Footage:
    """The footage of a cue's span and its masks; raises VideoError where it has no video, and as `footage` does."""
    if cue.video is None:
        raise VideoError("cue: has no video; name one, or draw the curve by hand")
    return footage(cue.video.path, cue.video.offset_s, cue.span.duration_s, cue.masks)


def _changed(path: str) -> int:
    """When a file was last written, 0 for one that is not there."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=8)
def _remembered(
    path: str, _changed: tuple[int, ...], start_s: float, duration_s: float | None, masks: tuple[MaskPrompt, ...]
) -> Footage:
    lines: list[str] = []
    with gathered() as told:
        clip = open_clip(path, start_s, duration_s)
        seen = Footage(clip, make_mask(clip, masks) if masks else None, lines)
        _ = seen.motions  # now: that a file is cut off shows only when it has been read to its end
    lines += [*told, *(seen.mask.warnings if seen.mask is not None else ())]
    return seen
