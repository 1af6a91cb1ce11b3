"""REAPER projects (.rpp): versions 3 to 7."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.hosts.model import (
    GUIDE_PARAMETER,
    GUIDE_PLUGIN,
    Lane,
    LanePoint,
    Marker,
    Project,
    ProjectError,
    TempoPoint,
    Track,
    VideoItem,
)
from bridge.hosts.numbers import in_order, number, seconds, whole
from bridge.hosts.reaper_items import AutomationItem, Pool, Tempo, draw_items
from bridge.hosts.rpp_text import Block, RppError, decode_rpp, parse_rpp
from bridge.hosts.tempo import BPM
from bridge.timecode import FRAME_RATES, FrameRate

#: Tag of an envelope block -> what it controls. VOLENV is before the effects, VOLENV2 the fader, VOLENV3 the trim.
TRACK_ENVELOPES = {
    "VOLENV": "volume",
    "VOLENV2": "volume",
    "VOLENV3": "trim",
    "MASTERVOLENV": "volume",
    "MASTERVOLENV2": "volume",
    "MASTERVOLENV3": "trim",
    "PANENV": "pan",
    "PANENV2": "pan",
    "MASTERPANENV": "pan",
    "MASTERPANENV2": "pan",
    "DUALPANENVL": "pan",
    "DUALPANENV": "pan",
    "DUALPANENVL2": "pan",
    "DUALPANENV2": "pan",
    "WIDTHENV": "param",
    "WIDTHENV2": "param",
    "MASTERWIDTHENV": "param",
    "MASTERWIDTHENV2": "param",
    "MUTEENV": "param",
    "AUXVOLENV": "send",
    "AUXPANENV": "param",
    "AUXMUTEENV": "param",
    "HWVOLENV": "send",
    "HWPANENV": "param",
    "HWMUTEENV": "param",
    "PARMENV": "param",
}
TAKE_ENVELOPES = {"VOLENV": "take", "PANENV": "param", "MUTEENV": "param", "PITCHENV": "param", "PARMENV": "param"}
MASTER_PREFIX = "MASTER"

#: Number in a PT line -> shape.
SHAPES = {0: "linear", 1: "hold", 2: "slow", 3: "fast_start", 4: "fast_end", 5: "bezier"}
#: The frame-rate preset of the TIMEMODE line.
FRAME_PRESETS = {
    0: "23.976", 1: "24", 2: "25", 3: "29.97DF", 4: "29.97NDF", 5: "30", 7: "48", 8: "50", 9: "60",
}  # fmt: skip
FX_CHAINS = ("FXCHAIN", "FXCHAIN_REC", "MASTERFXLIST", "TAKEFX")


@dataclass(frozen=True)
class _Context:
    """What every envelope of the project is read against."""

    pools: dict[str, Pool]
    tempo: Tempo
    warnings: list[str]


def read_reaper(data: bytes, path: Path) -> Project:
    """The project in `data`; raises `ProjectError`."""
    try:
        project, warnings = parse_rpp(decode_rpp(data))
    except RppError as error:
        raise ProjectError(f"{path.name}: no REAPER project ({error}); save it again in REAPER") from None
    tempo = _tempo(project, warnings)
    context = _Context(_pools(project, warnings), tempo, warnings)
    tracks = []
    master = _lanes(project, TRACK_ENVELOPES, context, where="master", only=MASTER_PREFIX)
    for chain in project.blocks("MASTERFXLIST"):
        master += _effect_lanes(chain, context, where="master")
    if master:
        tracks.append(Track("MASTER", tuple(master)))
    video: list[VideoItem] = []
    for index, block in enumerate(project.blocks("TRACK"), 1):
        tracks.append(_track(block, index, context, video))
    head = project.words()
    sample_rate = project.line("SAMPLERATE")
    return Project(
        format="rpp",
        version=head[2] if len(head) > 2 else "",
        path=path,
        sample_rate=whole(sample_rate[0], 0) or None if sample_rate else None,
        frame_rate=_frame_rate(project.line("TIMEMODE")),
        start_s=number((project.line("PROJOFFS") or ["0"])[0], 0.0),
        tracks=tuple(tracks),
        markers=tuple(_markers(project, warnings)),
        tempo=tempo.points,
        video=tuple(video),
        warnings=tuple(warnings),
    )


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


def _pools(project: Block, warnings: list[str]) -> dict[str, Pool]:
    pools = {}
    for block in project.blocks("POOLEDENV"):
        points = []
        for fields in block.lines("PPT", "PT"):
            point = _point(fields, warnings, "automation item")
            if point is not None:
                points.append(point)
        key = (block.line("ID") or [""])[0]
        length = number((block.line("SRCLEN") or ["0"])[0], 0.0)
        pools[key] = Pool(in_order(points), length)
    return pools


def _track(block: Block, index: int, context: _Context, video: list[VideoItem]) -> Track:
    name = (block.line("NAME") or [""])[0]
    where = f"track {index} ({name})" if name else f"track {index}"
    lanes = _lanes(block, TRACK_ENVELOPES, context, where=where)
    for chain in block.blocks(*FX_CHAINS):
        lanes += _effect_lanes(chain, context, where=where)
    for item in block.blocks("ITEM"):
        lanes += _item(item, context, video, where=where)
    return Track(name, tuple(lanes), selected=(block.line("SEL") or ["0"])[0] == "1")


def _item(item: Block, context: _Context, video: list[VideoItem], *, where: str) -> list[Lane]:
    """The lanes of an item's takes, in project time; video sources are added to `video`."""
    position = number((item.line("POSITION") or ["0"])[0], 0.0)
    length = number((item.line("LENGTH") or ["0"])[0], 0.0)
    lanes: list[Lane] = []
    offset, rate, name = 0.0, 1.0, ""
    for part in item.items:
        if isinstance(part, str):
            fields = part.split(None, 1)
            if fields[0] == "TAKE":
                offset, rate, name = 0.0, 1.0, ""
            elif fields[0] == "SOFFS" and len(fields) > 1:
                offset = number(fields[1].split()[0], 0.0)
            elif fields[0] == "PLAYRATE" and len(fields) > 1:
                rate = number(fields[1].split()[0], 1.0)
                rate = rate if rate > 0.0 else 1.0
            elif fields[0] == "NAME":
                name = next(iter(Block("", [part]).line("NAME")), "")
            continue
        if part.name in TAKE_ENVELOPES:
            lane = _lane(part, TAKE_ENVELOPES[part.name], context, f"{where}, item {name!r}", position, rate)
            if lane is not None:
                lanes.append(lane)
        elif part.name == "TAKEFX":
            lanes += _effect_lanes(part, context, where=where, offset_s=position, rate=rate)
        elif part.name == "SOURCE":
            file = _video_file(part)
            if file:
                video.append(VideoItem(file, position, offset, length or None, rate))
    return lanes


def _video_file(source: Block) -> str | None:
    kind = source.words()[1:2]
    if kind == ["VIDEO"]:
        return next(iter(source.line("FILE")), None)
    if kind == ["SECTION"]:
        return next((file for inner in source.blocks("SOURCE") if (file := _video_file(inner))), None)
    return None


def _lanes(block: Block, table: dict[str, str], context: _Context, *, where: str, only: str = "") -> list[Lane]:
    lanes = []
    for envelope in block.blocks():
        if envelope.name in table and envelope.name.startswith(only):
            lane = _lane(envelope, table[envelope.name], context, where)
            if lane is not None:
                lanes.append(lane)
    # The fader comes before the volume ahead of the effects: whoever wants "the" volume lane takes the first.
    return sorted(lanes, key=lambda lane: lane.name in ("VOLENV", "MASTERVOLENV"))


def _effect_lanes(
    chain: Block, context: _Context, *, where: str, offset_s: float = 0.0, rate: float = 1.0
) -> list[Lane]:
    """The parameter envelopes of an FX chain; each stands after the plug-in it belongs to, containers nest chains."""
    lanes: list[Lane] = []
    plugin = ""
    for block in chain.blocks():
        if block.name == "PARMENV":
            lane = _lane(block, "param", context, where, offset_s, rate, guide=_is_guide(block, plugin))
            if lane is not None:
                lanes.append(lane)
        elif block.name == "CONTAINER":
            lanes += _effect_lanes(block, context, where=where, offset_s=offset_s, rate=rate)
        elif block.name in ("VST", "AU", "JS", "DX", "LV2", "CLAP", "VIDEO_EFFECT"):
            plugin = block.head
    return lanes


def _is_guide(envelope: Block, plugin: str) -> bool:
    """Whether a PARMENV is "Loudness" of the guide plug-in; its head is `PARMENV 0:name min max center "label"`."""
    fields = envelope.words()
    label = fields[5] if len(fields) > 5 else ""
    # A JSFX is named by its file in the chain and by its description in the label; either will do.
    named = _letters(GUIDE_PLUGIN) in _letters(plugin) or _letters(GUIDE_PLUGIN) in _letters(label)
    if not named:
        return False
    index, _, own_name = fields[1].partition(":") if len(fields) > 1 else ("", "", "")
    return index == "0" or _letters(GUIDE_PARAMETER) in (_letters(own_name), _letters(label.partition(" / ")[0]))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _lane(
    block: Block,
    controls: str,
    context: _Context,
    where: str,
    offset_s: float = 0.0,
    rate: float = 1.0,
    *,
    guide: bool = False,
) -> Lane | None:
    """An envelope block as a lane in project time, automation items drawn in; None of an empty one."""
    points = []
    items = []
    for fields in block.lines("PT", "POOLEDENVINST"):
        if fields[0] == "PT":
            point = _point(fields, context.warnings, f"{where}, {block.name}")
            if point is not None:
                points.append(point)
        else:
            item = AutomationItem.of(fields)
            if item is None or item.pool not in context.pools:
                context.warnings.append(f"{where}, {block.name}: an automation item could not be read and is left out")
            elif not item.muted:
                items.append(item)
    scaled = any(whole(fields[1] if len(fields) > 1 else "0", 0) for fields in block.lines("VOLTYPE"))
    volume = controls in ("volume", "send", "trim", "take")
    domain = "db" if guide else "reaper_fader" if scaled and volume else "gain"
    lane_points = in_order(points)
    head = block.words()
    name = head[5] if block.name == "PARMENV" and len(head) > 5 else block.name
    if items:
        span = _range(block, volume)
        lane_points = draw_items(lane_points, items, context.pools, context.tempo, domain, span)
        context.warnings.append(f"{where}, {name}: {len(items)} automation item(s) drawn into the lane")
    if not lane_points:
        return None
    if offset_s or rate != 1.0:
        lane_points = in_order(
            LanePoint(offset_s + p.time_s / rate, p.value, p.shape, p.tension, p.control) for p in lane_points
        )
        if not lane_points:
            return None
    active = (block.line("ACT") or ["1"])[0] != "0"
    return Lane(controls, lane_points, active, domain, name, guide)


def _range(block: Block, volume: bool) -> tuple[float, float] | None:
    """What 0 and 1 in an automation item mean here; None for a volume, whose items carry their own top."""
    if volume:
        return None
    head = block.words()
    if block.name == "PARMENV" and len(head) > 3:
        low, high = number(head[2], 0.0), number(head[3], 1.0)
        return (low, high) if low < high else (0.0, 1.0)
    return (0.0, 1.0) if "MUTE" in block.name else (-1.0, 1.0)


def _point(fields: list[str], warnings: list[str], where: str) -> LanePoint | None:
    """`PT time value shape [? selected ? tension]`, in a pool `PPT time value shape [tension]`; None if unreadable."""
    try:
        time_s, value = seconds(number(fields[1])), number(fields[2])
        code = whole(fields[3], 0) if len(fields) > 3 else 0
        place = 4 if fields[0] == "PPT" else 7
        tension = number(fields[place], 0.0) if code == 5 and len(fields) > place else 0.0
    except (ValueError, IndexError):
        warnings.append(f"{where}: point {' '.join(fields)[:60]!r} could not be read and is left out")
        return None
    shape = SHAPES.get(code)
    if shape is None:
        warnings.append(f"{where}: unknown point shape {code}, read as linear")
        shape = "linear"
    return LanePoint(time_s, value, shape, max(-1.0, min(1.0, tension)))


def _markers(project: Block, warnings: list[str]) -> list[Marker]:
    """`MARKER index time name flags color ? R|B {GUID} lane`; a region is two lines of one index.

    The second line of a region comes in three spellings: as long as the first, without its GUID, or only
    `MARKER index time "" 1`.
    """
    markers: list[Marker] = []
    begun: dict[str, int] = {}
    for fields in project.lines("MARKER"):
        try:
            time_s = seconds(number(fields[2]))
        except (ValueError, IndexError):
            warnings.append(f"marker {' '.join(fields)[:60]!r} could not be read and is left out")
            continue
        index = fields[1]
        name = fields[3] if len(fields) > 3 else ""
        flags = whole(fields[4], 0) if len(fields) > 4 else 0
        if not flags & 1:
            markers.append(Marker("marker", name, time_s, None, _color(fields), bool(flags & 8)))
        elif index in begun:
            place = begun.pop(index)
            first = markers[place]
            low, high = sorted((first.time_s, time_s))
            markers[place] = Marker("region", first.name, low, high, first.color, first.selected)
        else:
            begun[index] = len(markers)
            markers.append(Marker("region", name, time_s, None, _color(fields), bool(flags & 8)))
    for place in begun.values():
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
