"""Mask prompts in, one MaskTrack out: what in the picture should sound.

clip = open_clip("shot.mp4", 12.0, 6.0)
track = make_mask(clip, cue.masks)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from engine.cue import MaskPrompt
from engine.masks.drawn import BoxMaker, PointMaker, PolygonMaker, moment
from engine.masks.painted import PaintMaker
from engine.masks.text import TextMaker
from engine.masks.track import MaskTrack, from_masks, mask_size, union
from engine.video import Clip

__all__ = ["MAKERS", "MaskMaker", "MaskTrack", "make_mask", "whole_frame"]


class MaskMaker(Protocol):
    """Turns one kind of mask prompt into masks."""

    def make(self, clip: Clip, prompt: MaskPrompt, first: int) -> MaskTrack:
        """One mask per frame of ``clip``, empty before frame ``first``.

        Raises VideoError for a prompt that cannot be followed in this clip, MissingModel for absent weights.
        """


MAKERS: Mapping[str, MaskMaker] = {
    "text": TextMaker(),
    "box": BoxMaker(),
    "polygon": PolygonMaker(),
    "point": PointMaker(),
    "paint": PaintMaker(),
}
"""Kind of mask prompt -> its maker: the table to extend."""


def make_mask(
    clip: Clip,
    prompts: Sequence[MaskPrompt],
    *,
    whole_frame_if_empty: bool = False,
    makers: Mapping[str, MaskMaker] = MAKERS,
) -> MaskTrack:
    """The union of all ``prompts``; no prompts at all mean the whole frame.

    The earliest prompt holds from the clip's start, followed backwards from where it was drawn; each later
    one holds from its own moment on. Painted prompts are key frames of one mask. A query that finds nothing
    gives an empty mask and a warning, the whole frame only with ``whole_frame_if_empty``.

    Raises VideoError for a prompt that cannot be followed, MissingModel for weights that are absent.
    """
    if not prompts:
        return whole_frame(clip)
    earliest = min(prompt.time_s for prompt in prompts)
    tracks: list[MaskTrack] = []
    painted = [prompt for prompt in prompts if prompt.kind == "paint"]
    if painted:
        start = min(prompt.time_s for prompt in painted)
        first = 0 if start == earliest else moment(clip, min(painted, key=lambda p: p.time_s))
        tracks.append(PaintMaker().make_keyed(clip, painted, first))
    for prompt in prompts:
        if prompt.kind != "paint":
            first = 0 if prompt.time_s == earliest else moment(clip, prompt)
            tracks.append(makers[prompt.kind].make(clip, prompt, first))
    track = union(tracks)
    if track.masks.any() or not whole_frame_if_empty:
        return track
    return replace(whole_frame(clip), warnings=(*track.warnings, "mask: nothing found; the whole frame is used"))


def whole_frame(clip: Clip) -> MaskTrack:
    """Everything in the picture."""
    return from_masks(np.full((len(clip), *mask_size(*clip.shape)), 255, np.uint8))
