"""REAPER's envelope blocks as lanes: a track's, a take's, and those of the parameters in FX chains."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bridge.hosts.model import GAIN_CONTROLS, GUIDE_PARAMETER, GUIDE_PLUGIN, Lane, LanePoint
from bridge.hosts.numbers import in_order, number, seconds, whole
from bridge.hosts.reaper_items import AutomationItem, Painter, Pool
from bridge.hosts.rpp_text import Block

#: Tag of an envelope block -> what it controls. VOLENV is before the effects, VOLENV2 the fader, VOLENV3 the trim.
TRACK_ENVELOPES = {
    "VOLENV": "volume",
    "VOLENV2": "volume",
    "VOLENV3": "trim",
    "PANENV": "pan",
    "PANENV2": "pan",
    "DUALPANENVL": "pan",
    "DUALPANENV": "pan",
    "DUALPANENVL2": "pan",
    "DUALPANENV2": "pan",
    "WIDTHENV": "param",
    "WIDTHENV2": "param",
    "MUTEENV": "param",
    "AUXVOLENV": "send",
    "AUXPANENV": "param",
    "AUXMUTEENV": "param",
    "HWVOLENV": "send",
    "HWPANENV": "param",
    "HWMUTEENV": "param",
    "PARMENV": "param",
}
#: The master's envelopes stand in the project itself, under the same tags behind this word.
MASTER_PREFIX = "MASTER"
MASTER_ENVELOPES = {MASTER_PREFIX + tag: controls for tag, controls in TRACK_ENVELOPES.items()}
TAKE_ENVELOPES = {"VOLENV": "take", "PANENV": "param", "MUTEENV": "param", "PITCHENV": "param", "PARMENV": "param"}
#: The volume before the effects.
PRE_FX = ("VOLENV", "MASTERVOLENV")

#: Number in a PT line -> shape; the envelope's DEFSHAPE stands for any other.
SHAPES = {0: "linear", 1: "hold", 2: "slow", 3: "fast_start", 4: "fast_end", 5: "bezier"}
ENVELOPE_DEFAULT = -1
FX_CHAINS = ("FXCHAIN", "FXCHAIN_REC", "MASTERFXLIST", "TAKEFX")
#: What a chain holds; a container is a chain in a chain, and has parameters like a plug-in.
PLUGINS = ("VST", "AU", "JS", "DX", "LV2", "CLAP", "VIDEO_EFFECT", "CONTAINER")


@dataclass(frozen=True)
class Context:
    """What every envelope of the project is read against."""

    painter: Painter
    warnings: list[str]


@dataclass(frozen=True)
class Place:
    """Whose envelopes are read, for people, and how their time runs: at 0 and by 1 unless they are a take's."""

    where: str
    position_s: float = 0.0
    rate: float = 1.0


def read_pools(project: Block, warnings: list[str]) -> dict[str, Pool]:
    """The shared contents of automation items, by their id."""
    pools = {}
    for block in project.blocks("POOLEDENV"):
        points = (_point(fields, block, warnings, "automation item") for fields in block.lines("PPT", "PT"))
        length = number((block.line("SRCLEN") or ["0"])[0], 0.0)
        key = (block.line("ID") or [""])[0]
        pools[key] = Pool(in_order(point for point in points if point is not None), length)
    return pools


def envelope_lanes(block: Block, table: dict[str, str], context: Context, place: Place) -> list[Lane]:
    """The lanes of the envelopes directly in a block."""
    lanes = (_lane(envelope, table[envelope.name], context, place) for envelope in block.blocks(*table))
    # The fader comes before the volume ahead of the effects: whoever wants "the" volume lane takes the first.
    return sorted((lane for lane in lanes if lane is not None), key=lambda lane: lane.name in PRE_FX)


def effect_lanes(block: Block, context: Context, place: Place) -> list[Lane]:
    """The parameter lanes of the FX chains in a block."""
    return [lane for chain in block.blocks(*FX_CHAINS) for lane in _chain_lanes(chain, context, place)]


def _chain_lanes(chain: Block, context: Context, place: Place) -> list[Lane]:
    """Each envelope stands behind the plug-in it belongs to, which a BYPASS line begins."""
    lanes: list[Lane | None] = []
    plugin = ""
    for part in chain.items:
        if isinstance(part, str):
            plugin = "" if part.startswith("BYPASS ") else plugin
        elif part.name == "PARMENV":
            lanes.append(_lane(part, "param", context, place, guide=_is_guide(part, plugin)))
        elif part.name in PLUGINS:
            plugin = part.head
            if part.name == "CONTAINER":
                lanes += _chain_lanes(part, context, place)
    return [lane for lane in lanes if lane is not None]


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


def _lane(block: Block, controls: str, context: Context, place: Place, *, guide: bool = False) -> Lane | None:
    """An envelope block as a lane in project time, automation items drawn in; None of an empty one."""
    where = f"{place.where}, {block.name}"
    read = (_point(fields, block, context.warnings, where) for fields in block.lines("PT"))
    points = in_order(point for point in read if point is not None)
    items = _items(block, context, where)
    head = block.words()
    name = head[5] if block.name == "PARMENV" and len(head) > 5 else block.name
    act = block.line("ACT")
    attach = whole(act[1], -1) if len(act) > 1 else -1
    volume = controls in GAIN_CONTROLS
    scaled = volume and any(whole(field, 0) for field in block.line("VOLTYPE")[:1])
    domain = "db" if guide else "reaper_fader" if scaled else "gain"
    if items:
        points = context.painter.draw(points, items, domain, None if volume else _range(block), attach)
        context.warnings.append(f"{place.where}, {name}: {len(items)} automation item(s) drawn into the lane")
    if place.position_s or place.rate != 1.0:
        points = in_order(replace(p, time_s=place.position_s + p.time_s / place.rate) for p in points)
    return Lane(controls, points, act[:1] != ["0"], domain, name, guide) if points else None


def _items(block: Block, context: Context, where: str) -> list[AutomationItem]:
    items = []
    for fields in block.lines("POOLEDENVINST"):
        item = AutomationItem.of(fields)
        if item is None or item.pool not in context.painter.pools:
            context.warnings.append(f"{where}: an automation item could not be read and is left out")
        elif not item.muted:
            items.append(item)
    return items


def _range(block: Block) -> tuple[float, float]:
    """What 0 and 1 in an automation item mean on an envelope that is no volume."""
    head = block.words()
    if block.name == "PARMENV" and len(head) > 3:
        low, high = number(head[2], 0.0), number(head[3], 1.0)
        return (low, high) if low < high else (0.0, 1.0)
    return (0.0, 1.0) if "MUTE" in block.name else (-1.0, 1.0)


def _point(fields: list[str], block: Block, warnings: list[str], where: str) -> LanePoint | None:
    """`PT time value shape [? selected ? tension]`, in a pool `PPT time value shape [tension]`; None if unreadable."""
    try:
        time_s, value = seconds(number(fields[1])), number(fields[2])
        code = whole(fields[3], 0) if len(fields) > 3 else ENVELOPE_DEFAULT
        place = 4 if fields[0] == "PPT" else 7
        tension = number(fields[place], 0.0) if len(fields) > place else 0.0
    except (ValueError, IndexError):
        warnings.append(f"{where}: point {' '.join(fields)[:60]!r} could not be read and is left out")
        return None
    if code == ENVELOPE_DEFAULT:
        code = whole((block.line("DEFSHAPE") or ["0"])[0], 0)
    if code not in SHAPES:
        warnings.append(f"{where}: unknown point shape {code}, read as linear")
    shape = SHAPES.get(code, "linear")
    return LanePoint(time_s, value, shape, max(-1.0, min(1.0, tension)) if shape == "bezier" else 0.0)
