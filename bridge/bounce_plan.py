"""From a project to cues: which regions are meant, on which track, drawn by which lane."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bridge.errors import UserError
from bridge.hosts.curves import lane_curve
from bridge.hosts.formats import FORMATS
from bridge.hosts.model import Lane, Marker, Project, Track, VideoItem
from bridge.hosts.time_axis import clock
from bridge.marker_grammar import MarkerCue, MarkerError, parse_marker, split_track
from engine.cue import Cue, CueError, MaskPrompt, Span, VideoRef
from engine.curve import CurvePoint, LoudnessCurve

#: Rate of a session whose file does not say it (DAWproject, Live, edit lists).
DEFAULT_RATE = 48_000
#: Which lane of a track draws the loudness, after the guide plug-in's: the fader, then MIDI expression, then volume.
LANE_ORDER = ("volume", "cc11", "cc7")
#: Why a range that is no region is never a cue.
NOT_CUES = {"session": "the session's range", "loop": "the loop range", "punch": "the punch range"}


@dataclass(frozen=True)
class PlannedCue:
    """A region that becomes takes."""

    track: str
    region: Marker
    cue: Cue
    #: What the designer should know about it.
    notes: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The region, for messages and tables."""
        return _where(self.region)


@dataclass(frozen=True)
class Plan:
    """What a bounce of a project will do."""

    project: Project
    cues: tuple[PlannedCue, ...]
    #: Ranges that are not cues, and why.
    left_out: tuple[tuple[Marker, str], ...]


def plan(project: Project, *, track: str | None = None, region: str | None = None) -> Plan:
    """The cues of a project: its selected regions, those written "TRACK: prompt", or those named `region`.

    `track` limits the cues to one track, and says on whose lane a region without "TRACK:" is drawn. Raises `UserError`
    for a region or track that is not there, a marker that cannot be parsed, a lane that is off, and for no cue at all.
    """
    names = [one.name for one in project.tracks]
    if track is not None:
        track = _known(track, names, project)
    cues: list[PlannedCue] = []
    left_out: list[tuple[Marker, str]] = []
    for marker in project.markers:
        if marker.kind == "marker":
            continue
        owner, text = split_track(marker.name, names)
        reason = _left_out(marker, owner, text, track, region)
        if reason is not None:
            left_out.append((marker, reason))
            continue
        chosen = owner or track or _guess_track(project, marker)
        planned = _planned(project, chosen, marker, text)
        if any((one.track, one.cue) == (planned.track, planned.cue) for one in cues):
            left_out.append((marker, "the same as a region before it"))  # its take twice would be twice as loud
        else:
            cues.append(planned)
    if not cues:
        raise UserError(_nothing(project, track, region, left_out))
    return Plan(project, tuple(cues), tuple(left_out))


def _where(marker: Marker) -> str:
    return f"region {marker.name!r} at {clock(marker.time_s)}"


def _known(track: str, names: Sequence[str], project: Project) -> str:
    """The project's spelling of a track's name; raises `UserError`."""
    found = [name for name in names if name == track] or [name for name in names if name.casefold() == track.casefold()]
    if not found:
        known = ", ".join(repr(name) for name in names if name)[:200] or "none"
        raise UserError(f"{project.path.name}: no track {track!r}; its tracks are {known}")
    return found[0]


def _left_out(marker: Marker, owner: str | None, text: str, track: str | None, region: str | None) -> str | None:
    """Why a range is not a cue; None of one that is."""
    if marker.kind in NOT_CUES:
        return NOT_CUES[marker.kind]
    if marker.section:
        return "a song section"
    if region is not None:
        wanted = region.casefold()
        if wanted not in (marker.name.casefold(), text.casefold()):
            return "not the region asked for"
    elif owner is None and not marker.selected:
        return 'neither selected nor written "TRACK: prompt"'
    if track is not None and owner is not None and owner != track:
        return f"belongs to the track {owner!r}"
    if marker.end_s is None or marker.end_s <= marker.time_s:
        return "has no length"
    return None


def _nothing(project: Project, track: str | None, region: str | None, left_out: list[tuple[Marker, str]]) -> str:
    name = project.path.name
    if region is not None and not any(region.casefold() in marker.name.casefold() for marker, _ in left_out):
        known = ", ".join(repr(marker.name) for marker, why in left_out if marker.kind == "region")[:200]
        return f"{name}: no region {region!r}; its regions are {known or 'none'}"
    regions = sum(marker.kind == "region" and not marker.section for marker, _ in left_out)
    on_track = f" for the track {track!r}" if track is not None else ""
    if not regions:
        return (
            f"{name}: no region to bounce{on_track}; make a region, write the prompt as its name and select it, "
            'or put two markers "TRACK: prompt>" and "TRACK: prompt<" around the span'
        )
    return (
        f"{name}: none of its {regions} region(s) is a cue{on_track}: "
        'select one and save, write "TRACK: prompt", or use --region NAME'
    )


def _guess_track(project: Project, marker: Marker) -> str:
    """The one track that a region without "TRACK:" can mean; raises `UserError` where there are several."""
    tracks = project.tracks
    ways = (
        [one for one in tracks if one.selected],
        [one for one in tracks if any(lane.guide and lane.points for lane in one.lanes)],
        [one for one in tracks if any(lane.controls in LANE_ORDER and lane.active for lane in one.lanes)],
        list(tracks),
    )
    for found in ways:
        if len({one.name for one in found}) == 1:
            return found[0].name
    if not tracks:
        return project.path.stem
    mend = f'write "TRACK: {marker.name}" as its name, select the track, or use --track NAME'
    raise UserError(f"{_where(marker)}: on which track? {mend}")


# ----------------------------------------------------------------------------------------------------------- one cue


def _planned(project: Project, track: str, region: Marker, text: str) -> PlannedCue:
    where = _where(region)
    assert region.end_s is not None, "regions without an end are left out before"
    try:
        said = parse_marker(text, where=where)
        rate = project.sample_rate or DEFAULT_RATE
        first, last = (FORMATS[project.format].sample(time_s, rate) for time_s in (region.time_s, region.end_s))
        start, duration = first / rate, (last - first) / rate
        at = first + round(project.start_s * rate)
        if at < 0:
            raise CueError("start", "lies before 0:00 of the timecode", "move the region, or the project's start")
        curve, notes = _curve(project, track, start, duration, said, where)
        masks = said.masks + tuple(_masks_inside(project, start, duration))
        video, video_notes = _video(project, start, bool(masks))
        cue = Cue(
            prompt=said.prompt or track,
            negative_prompt=said.negative_prompt,
            span=Span(at, rate, duration),
            loudness=curve,
            video=video,
            masks=tuple(_relative_paths(masks, project.path.parent)),
            seed=_own_seed(track, region) if said.seed is None else said.seed,
            takes=said.takes or 1,
        )
    except MarkerError as error:
        raise UserError(str(error)) from None
    except CueError as error:
        raise UserError(f"{where}: {error}") from None
    return PlannedCue(track, region, cue, tuple(notes + video_notes))


def _own_seed(track: str, region: Marker) -> int:
    """A seed that is the same in every bounce of this region, and another for every region."""
    identity = f"{track}\0{region.name}\0{region.time_s:.6f}".encode()
    return int.from_bytes(hashlib.sha256(identity).digest()[:4]) >> 1


def drawing_lane(track: Track) -> Lane | None:
    """The lane that draws a track's loudness: the guide plug-in's, else the fader's, else MIDI expression or volume."""
    drawn = [lane for lane in track.lanes if lane.points]
    for lane in drawn:
        if lane.guide:
            return lane
    for controls in LANE_ORDER:
        found = [lane for lane in drawn if lane.controls == controls]
        active = next((lane for lane in found if lane.active), None)
        if found:
            return active or found[0]
    return None


def _curve(
    project: Project, name: str, start_s: float, duration_s: float, said: MarkerCue, where: str
) -> tuple[LoudnessCurve, list[str]]:
    # Hosts let several tracks have one name: the selected one is meant, else one whose lane plays.
    drawn = [(lane, one.selected) for one in project.tracks if one.name == name and (lane := drawing_lane(one))]
    lanes = [lane for lane, selected in drawn if selected] or [lane for lane, _ in drawn]
    if not lanes:
        point = CurvePoint(0.0, 0.0)
        return LoudnessCurve((point,), follow=said.follow or "loose"), ["no lane is drawn: loose at 0 dB"]
    playing = [lane for lane in lanes if lane.active]
    if not playing:
        off = lanes[0].name
        raise UserError(f"{where}: the lane {off!r} of {name!r} is switched off; switch it on, or clear it")
    several = (
        f"{len(playing)} tracks named {name!r} have a lane: the first one's is taken; select the one that is meant"
    )
    curve = lane_curve(playing[0], start_s, duration_s, follow=said.follow or "tight")
    return curve, [several] if playing[1:] else []


def _masks_inside(project: Project, start_s: float, duration_s: float) -> list[MaskPrompt]:
    """Masks of the plain markers inside the span, each from its moment on."""
    masks = []
    for marker in project.markers:
        if marker.kind == "marker" and start_s <= marker.time_s < start_s + duration_s:
            said = parse_marker(marker.name, where=f"marker {marker.name!r} at {clock(marker.time_s)}")
            masks += [replace(mask, time_s=marker.time_s - start_s) for mask in said.masks]
    return masks


def _relative_paths(masks: Sequence[MaskPrompt], folder: Path) -> list[MaskPrompt]:
    """Painted masks are named relative to the project."""
    return [mask if mask.path is None else replace(mask, path=str(folder / mask.path)) for mask in masks]


def _video(project: Project, start_s: float, needed: bool) -> tuple[VideoRef | None, list[str]]:
    """The video under a span; one that is not there is told, and an error only where masks need it."""
    item = next((item for item in reversed(project.video) if _covers(item, start_s)), None)
    if item is None:
        if needed:
            raise CueError("masks", "need a video", "put the video on the timeline, or remove the masks")
        return None, []
    path = project.path.parent / _file_path(item.path)
    offset = item.offset_s + (start_s - item.time_s) * item.rate
    if not path.is_file():
        if needed:
            raise CueError("video.path", f"there is no file {path}", "put the video back, or remove the masks")
        return None, [f"the video {path.name} is not there: rendered without it"]
    return VideoRef(str(path), offset), []


def _file_path(path: str) -> str:
    """A path, or what a file: URL (Final Cut's, Resolve's) stands for."""
    return url2pathname(urlsplit(path).path) if path.startswith("file:") else path


def _covers(item: VideoItem, time_s: float) -> bool:
    end = math.inf if item.length_s is None else item.time_s + item.length_s
    return item.time_s <= time_s < end
