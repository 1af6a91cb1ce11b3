"""A cue as it comes from outside: with references to curves, names in marker grammar, and paths not yet trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bridge.refused import Refused
from engine.cue import Cue, CueError, MaskPrompt
from engine.strict import as_items, as_number, as_text, inside, members

EXTRA_KEYS = ("marker", "markers", "track")
MAX_MARKERS = 1000

CurveLookup = Callable[[str], object]
"""Id of a stored curve -> its JSON; raises Refused."""


def parse_json(text: str, where: str) -> object:
    """Parsed JSON. Raises Refused, naming line and column."""
    try:
        return json.loads(text, parse_constant=lambda name: _no_constant(name))
    except RecursionError:
        raise Refused("bad_cue", f"{where}: is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Refused(
            "bad_cue", f"{where}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except ValueError as error:
        raise Refused("bad_cue", f"{where}: {str(error)[:200]}") from None


def _no_constant(name: str) -> object:
    raise ValueError(f'{name} is not JSON; write a number, or "-inf" for silence')


def read_cue(obj: object, curve: CurveLookup, roots: Sequence[Path]) -> Cue:
    """The cue of a request, its paths absolute and inside one of `roots`. Raises Refused."""
    try:
        cue = Cue.from_json(_expand(obj, curve) if isinstance(obj, dict) else obj)
    except CueError as error:
        raise Refused("bad_cue", str(error)) from error
    return _with_safe_paths(cue, roots)


def _expand(given: dict[str, object], curve: CurveLookup) -> dict[str, object]:
    """A plain cue object: the extra keys resolved."""
    obj = {key: value for key, value in given.items() if key not in EXTRA_KEYS}
    obj["loudness"] = _fetch(obj.get("loudness"), curve)
    sources = obj.get("sources")
    if isinstance(sources, list):
        obj["sources"] = [
            {**source, "loudness": _fetch(source.get("loudness"), curve)} if isinstance(source, dict) else source
            for source in sources
        ]
    if any(key in given for key in EXTRA_KEYS):
        _apply_markers(obj, given)
    return obj


def _fetch(loudness: object, curve: CurveLookup) -> object:
    if isinstance(loudness, dict) and set(loudness) == {"curve"}:
        return curve(as_text(loudness["curve"], "loudness.curve"))
    return loudness


def _apply_markers(obj: dict[str, object], given: dict[str, object]) -> None:
    """Prompt, masks and options from a region's name, masks from the markers inside it, a prompt from the track."""
    from bridge.marker_grammar import MarkerError, parse_marker

    try:
        follow = None
        masks = list(obj.get("masks") or [])  # type: ignore[call-overload]
        if "marker" in given:
            marker = parse_marker(_wish(given), where="marker")
            follow = marker.follow
            words = {
                "prompt": marker.prompt,
                "negative_prompt": marker.negative_prompt,
                "seed": marker.seed,
                "takes": marker.takes,
            }
            for key, value in words.items():
                if value not in (None, ""):
                    obj.setdefault(key, value)
            masks += [mask.to_json() for mask in marker.masks]
        for mask in as_items(given.get("markers", []), "markers", _marker_masks, most=MAX_MARKERS):
            masks += mask
    except MarkerError as error:
        raise Refused("bad_cue", str(error)) from error
    if masks:
        obj["masks"] = masks
    if not obj.get("prompt") and "sources" not in obj and "track" in given:
        obj["prompt"] = as_text(given["track"], "track")
    loudness = obj.get("loudness")
    # A lane without points: loose at 0 dB, unless there is a picture to take a curve from.
    if loudness is None and "sources" not in obj and obj.get("video") is None:
        obj["loudness"] = {"follow": follow or "loose", "points": [{"time_s": 0.0, "value": 0.0}]}
    elif follow and isinstance(loudness, dict):
        obj["loudness"] = {**loudness, "follow": follow}


def _wish(given: dict[str, object]) -> str:
    """What the marker asks for, without the "TRACK: " by which `drawaudio bounce` knows whose it is."""
    from bridge.marker_grammar import split_track

    track = [as_text(given["track"], "track")] if "track" in given else []
    return split_track(_unpaired(as_text(given["marker"], "marker")), track)[1]


def _unpaired(text: str) -> str:
    """A name without the ">" or "<" by which two markers make a range."""
    text = text.rstrip()
    return text[:-1].rstrip() if text.endswith((">", "<")) else text


def _marker_masks(item: object) -> list[dict[str, object]]:
    """Masks of one plain marker, from its time on."""
    from bridge.marker_grammar import parse_marker

    given = members(item, {"time_s": True, "text": True})
    time_s = as_number(given["time_s"], "time_s")
    with inside("text"):
        text = as_text(given["text"], "")
    marker = parse_marker(_unpaired(text), where=f"marker at {time_s:g} s")
    return [replace(mask, time_s=time_s).to_json() for mask in marker.masks]


def _with_safe_paths(cue: Cue, roots: Sequence[Path]) -> Cue:
    def masks(old: tuple[MaskPrompt, ...]) -> tuple[MaskPrompt, ...]:
        return tuple(m if m.path is None else replace(m, path=str(safe_path(m.path, roots))) for m in old)

    video = cue.video and replace(cue.video, path=str(safe_path(cue.video.path, roots)))
    sources = tuple(replace(source, masks=masks(source.masks)) for source in cue.sources)
    return replace(cue, video=video, masks=masks(cue.masks), sources=sources)


def safe_path(text: str, roots: Sequence[Path]) -> Path:
    """An existing file inside one of `roots` (relative paths count from the first). Raises Refused."""
    try:
        path = (roots[0] / text).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise Refused("bad_path", f"{text[:200]!r}: there is no such file") from None
    if not any(path.is_relative_to(root) for root in roots):
        raise Refused(
            "bad_path", f"{text[:200]!r} lies outside the session folder; allow its folder with --allow-folder"
        )
    if not path.is_file():
        raise Refused("bad_path", f"{text[:200]!r} is no file")
    return path
