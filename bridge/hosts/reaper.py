"""REAPER projects (.rpp): versions 3 to 7."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import Lane, Marker, Project, ProjectError, TempoPoint, Track, VideoItem
from bridge.hosts.numbers import LONGEST_S, number, seconds, whole
from bridge.hosts.reaper_envelopes import (
    MASTER_ENVELOPES,
    TAKE_ENVELOPES,
    TRACK_ENVELOPES,
    Context,
    Place,
    effect_lanes,
    envelope_lanes,
    read_pools,
)
from bridge.hosts.reaper_items import MAX_POINTS, Painter, Tempo
from bridge.hosts.rpp_text import Block, RppError, decode_rpp, parse_rpp
from bridge.hosts.tempo import BPM
from bridge.timecode import FRAME_RATES, FrameRate

#: The frame-rate preset of the TIMEMODE line.
FRAME_PRESETS = {
    0: "23.976", 1: "24", 2: "25", 3: "29.97DF", 4: "29.97NDF", 5: "30", 7: "48", 8: "50", 9: "60",
}  # fmt: skip


def read_reaper(data: bytes, path: Path) -> Project:
    """The project in `data`; raises `ProjectError`."""
    try:
        project, warnings = parse_rpp(decode_rpp(data))
    except RppError as error:
        raise ProjectError(f"{path.name}: no REAPER project ({error}); save it again in REAPER") from None
    tempo = _tempo(project, warnings)
    attach = whole((project.line("POOLEDENVATTACH") or ["0"])[0], 0)
    context = Context(Painter(read_pools(project, warnings), tempo, attach), warnings)
    tracks = []
    place = Place("master")
    master = envelope_lanes(project, MASTER_ENVELOPES, context, place) + effect_lanes(project, context, place)
    if master:
        tracks.append(Track("MASTER", tuple(master)))
    video: list[VideoItem] = []
    for index, block in enumerate(project.blocks("TRACK"), 1):
        tracks.append(_track(block, index, context, video))
    if context.painter.full:
        warnings.append(f"the automation items draw more than {MAX_POINTS} points: the rest of them is left out")
    head = project.words()
    sample_rate = project.line("SAMPLERATE")
    return Project(
        format="rpp",
        version=head[2] if len(head) > 2 else "",
        path=path,
        sample_rate=whole(sample_rate[0], 0) or None if sample_rate else None,
        frame_rate=_frame_rate(project.line("TIMEMODE")),
        start_s=_start(project.line("PROJOFFS")),
        tracks=tuple(tracks),
        markers=tuple(_markers(project, warnings)),
        tempo=tempo.points,
        video=tuple(video),
        warnings=tuple(warnings),
    )


def _start(fields: list[str]) -> float:
    try:
        return seconds(number(fields[0]))
    except (ValueError, IndexError):
        return 0.0


def _frame_rate(fields: list[str]) -> FrameRate | None:
    if len(fields) > 1 and whole(fields[1], -1) in FRAME_PRESETS:
        return FRAME_RATES[FRAME_PRESETS[whole(fields[1])]]
    own = number(fields[3], 0.0) if len(fields) > 3 else 0.0
    return FrameRate(Fraction(own).limit_denominator(1001)) if 1.0 <= own <= 1000.0 else None


def _tempo(project: Block, warnings: list[str]) -> Tempo:
    base = number((project.line("TEMPO") or ["120"])[0], 120.0)
    points = []
    for block in project.blocks("TEMPOENVEX"):
        for fields in block.lines("PT"):
            try:
                point = TempoPoint(seconds(number(fields[1])), number(fields[2]), whole(fields[3], 1) == 0)
            except (ValueError, IndexError):
                point = TempoPoint(0.0, 0.0)
            if BPM[0] <= point.bpm <= BPM[1]:
                points.append(point)
            else:
                warnings.append(f"tempo marker {' '.join(fields)[:60]!r} could not be read and is left out")
    points.sort(key=lambda point: point.time_s)
    if not points or points[0].time_s > 0.0:
        points.insert(0, TempoPoint(0.0, base if BPM[0] <= base <= BPM[1] else 120.0))
    return Tempo(tuple(points))


def _track(block: Block, index: int, context: Context, video: list[VideoItem]) -> Track:
    name = (block.line("NAME") or [""])[0]
    place = Place(f"track {index} ({name})" if name else f"track {index}")
    lanes = envelope_lanes(block, TRACK_ENVELOPES, context, place) + effect_lanes(block, context, place)
    for item in block.blocks("ITEM"):
        lanes += _item(item, context, video, place.where)
    return Track(name, tuple(lanes), selected=(block.line("SEL") or ["0"])[0] == "1")


def _item(item: Block, context: Context, video: list[VideoItem], where: str) -> list[Lane]:
    """The lanes of an item's takes, in project time; what the picture shows is added to `video`."""
    position = number((item.line("POSITION") or ["0"])[0], 0.0)
    length = number((item.line("LENGTH") or ["0"])[0], 0.0)
    muted = item.line("MUTE")[:1] == ["1"]
    lanes: list[Lane] = []
    for take, plays in _takes(item):
        name = (take.line("NAME") or [""])[0]
        offset = number((take.line("SOFFS") or ["0"])[0], 0.0)
        rate = number((take.line("PLAYRATE") or ["1"])[0], 1.0)
        place = Place(f"{where}, item {name!r}", position, rate if rate > 0.0 else 1.0)
        lanes += envelope_lanes(take, TAKE_ENVELOPES, context, place) + effect_lanes(take, context, place)
        for file, start in map(_video_file, take.blocks("SOURCE")):
            if file and plays and not muted and abs(position) <= LONGEST_S:
                video.append(VideoItem(file, position, offset + start, length or None, place.rate))
    return lanes


def _takes(item: Block) -> Iterator[tuple[Block, bool]]:
    """Each take as a block of its own, and whether it plays; the first stands among the item's own lines."""
    takes = [Block("TAKE")]
    for part in item.items:
        if isinstance(part, str) and part.split(None, 1)[0] == "TAKE":
            takes.append(Block(part))
        else:
            takes[-1].items.append(part)
    chosen = next((take for take in takes if "SEL" in take.words()), takes[0])
    all_play = item.line("ALLTAKES")[:1] == ["1"]
    return ((take, all_play or take is chosen) for take in takes)


def _video_file(source: Block) -> tuple[str, float]:
    """The file of a video source and where in it a section of it begins; "" of any other source."""
    kind = source.words()[1:2]
    if kind == ["VIDEO"]:
        return (source.line("FILE") or [""])[0], 0.0
    if kind == ["SECTION"]:
        for file, start in map(_video_file, source.blocks("SOURCE")):
            return file, start + number((source.line("STARTPOS") or ["0"])[0], 0.0)
    return "", 0.0


def _markers(project: Block, warnings: list[str]) -> list[Marker]:
    """`MARKER index time name flags color ? R|B {GUID} lane`; a region is two lines of one index.

    The second line of a region comes in three spellings: as long as the first, without its GUID, or only
    `MARKER index time "" 1`. Two regions may share an index; a GUID of its own begins another.
    """
    markers: list[Marker] = []
    #: Index -> places of regions whose end is still to come, and their GUIDs.
    begun: dict[str, list[tuple[int, str]]] = {}
    for fields in project.lines("MARKER"):
        try:
            time_s = seconds(number(fields[2]))
        except (ValueError, IndexError):
            warnings.append(f"marker {' '.join(fields)[:60]!r} could not be read and is left out")
            continue
        open_ones = begun.setdefault(fields[1], [])
        name = fields[3] if len(fields) > 3 else ""
        guid = fields[8] if len(fields) > 8 else ""
        flags = whole(fields[4], 0) if len(fields) > 4 else 0
        begin = next((one for one in open_ones if guid in ("", one[1])), None)
        if not flags & 1:
            markers.append(Marker("marker", name, time_s, None, _color(fields), bool(flags & 8)))
        elif begin is not None:
            open_ones.remove(begin)
            place, _ = begin
            first = markers[place]
            low, high = sorted((first.time_s, time_s))
            markers[place] = Marker("region", first.name, low, high, first.color, first.selected)
        else:
            open_ones.append((len(markers), guid))
            markers.append(Marker("region", name, time_s, None, _color(fields), bool(flags & 8)))
    for place, _ in (one for open_ones in begun.values() for one in open_ones):
        warnings.append(f"region {markers[place].name!r} has no end")
    return markers


def _color(fields: list[str]) -> str | None:
    """The colour of a marker: 0x1RRGGBB where the line says B, 0x1BBGGRR where it says R."""
    value = whole(fields[5], 0) if len(fields) > 5 else 0
    if not value & 0x1000000:
        return None
    red, green, blue = value >> 16 & 255, value >> 8 & 255, value & 255
    if len(fields) > 7 and fields[7] == "R":
        red, blue = blue, red
    return f"#{red:02x}{green:02x}{blue:02x}"
