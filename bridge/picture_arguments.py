"""What the commands about the picture share: the span of the video, the masks, and warnings in one line each."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bridge.errors import UserError
from bridge.marker_grammar import MarkerError, parse_marker
from engine.cue import OFFSET_S, CueError, MaskPrompt

#: Of the span that is looked at; the shortest is a picture, the longest a day.
LENGTH_S = (0.04, 86_400.0)


def _seconds(low: float, high: float) -> Callable[[str], float]:
    """Reads an argument as seconds within limits."""

    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"is {text} s; must lie between {low:g} and {high:g} s")
        return value

    read.__name__ = "number of seconds"  # argparse names it in its own refusals
    return read


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """VIDEO, its span, and --mask."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="the video file")
    parser.add_argument(
        "--offset", type=_seconds(*OFFSET_S), default=0.0, metavar="S", help="where in the video to begin (seconds)"
    )
    parser.add_argument(
        "--duration", type=_seconds(*LENGTH_S), metavar="S", help="how long (seconds; default: to the end)"
    )
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="MASK",
        help='what should sound, as in a marker: "@dog", "@box 0.5 0.2 0.3 0.4", "@point 0.4 0.6", "@paint lake.png"; '
        'a time before it ("1.5s @box …") says in which moment it was drawn; may be given several times',
    )


def read_masks(given: Sequence[str]) -> tuple[MaskPrompt, ...]:
    """The prompts of --mask; raises UserError for one that cannot be read."""
    prompts: list[MaskPrompt] = []
    for text in given:
        timed = re.fullmatch(r"\s*(?:(\d+(?:\.\d+)?)s\s+)?(.*)", text, re.DOTALL)
        time_s, mask = (float(timed[1] or 0), timed[2]) if timed else (0.0, text)
        try:
            found = parse_marker(mask, where=f"--mask {text!r}").masks
            prompts += [replace(prompt, time_s=time_s) for prompt in found]
        except (MarkerError, CueError) as error:
            raise UserError(str(error)) from None
        if not found:
            raise UserError(f"--mask {text!r}: names no mask; begin it with @, as in '@box 0.5 0.2 0.3 0.4'")
    return tuple(prompts)


@contextmanager
def told() -> Iterator[None]:
    """A video that cannot be used is a UserError; warnings about one go to stderr, one line each."""
    from engine.video import VideoError, gathered

    lines: list[str] = []
    try:
        with gathered() as lines:
            yield
    except VideoError as error:
        raise UserError(str(error)) from None
    finally:
        tell_warnings(lines)


def tell_warnings(lines: Iterable[str]) -> None:
    """Each line once, on stderr."""
    for line in dict.fromkeys(lines):
        print(f"warning: {line}", file=sys.stderr)
