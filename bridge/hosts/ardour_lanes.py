"""The lanes of an Ardour session: which list controls what, and the lists of one control as one lane."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from bridge.hosts.ardour_time import ArdourClock, counts_beats
from bridge.hosts.beat_lines import BeatLines
from bridge.hosts.model import (
    GUIDE_PARAMETER,
    GUIDE_PLUGIN,
    MAX_FILE_POINTS,
    Lane,
    LanePoint,
    ProjectError,
    Track,
)
from bridge.hosts.numbers import in_order, number

#: automation-id of a list -> what it controls, where its place in the file does not say more.
CONTROLS = {"gain": "volume", "trim": "trim", "send": "send", "pan-azimuth": "pan", "envelope": "take"}
SEND_TYPES = ("send", "intsend", "aux-send", "listen")
#: States in which Ardour plays the lane; one saved as "Write" it opens as "Off".
PLAYED_STATES = ("Play", "Touch", "Latch")
#: interpolation-style -> (domain of a gain lane, shape of its segments).
STYLES = {
    "Linear": ("gain", "linear"),
    "Discrete": ("gain", "hold"),
    "Logarithmic": ("db", "linear"),
    "Exponential": ("ardour_fader", "linear"),
    "Curved": ("gain", "linear"),
}


@dataclass(frozen=True)
class _List:
    """One AutomationList and where it stands."""

    element: Element
    controls: str
    name: str
    #: Lists of one control share it.
    key: tuple[object, ...]
    active: bool
    guide: bool = False
    #: Where its times count from, as the file writes it; None: from the session's start.
    position: str | None = None


class LaneReader:
    """Reads the tracks of one session; what is odd is told in `warnings`."""

    def __init__(self, session: Element, clock: ArdourClock, file: str, warnings: list[str]) -> None:
        self.session = session
        self.clock = clock
        self.file = file
        self.warnings = warnings
        self.points_left = MAX_FILE_POINTS
        self.beat_lines = BeatLines.of(clock.tempo)

    def tracks(self) -> Iterator[Track]:
        chosen = {
            element.get("stripable") for element in self.session.iterfind("./Selection/StripableAutomationControl")
        }
        routes = self.session.findall("./Routes/Route")
        takes = self._takes(routes)
        for index, route in enumerate(routes):
            lists = [*self._lists(route, "", False), *takes.get(index, [])]
            yield Track(_route_name(route), tuple(self._lanes(lists)), route.get("id") in chosen)
        for vca in self.session.iterfind("./VCAManager/VCA"):
            lists = [replace(one, controls="vca") if one.controls == "volume" else one
                     for one in self._lists(vca, "", False)]  # fmt: skip
            yield Track(vca.get("name", "VCA"), tuple(self._lanes(lists)), vca.get("id") in chosen)

    # ----------------------------------------------------------------------------------------------------- lists

    def _lists(self, element: Element, owner: str, in_send: bool) -> Iterator[_List]:
        """The automation lists under `element`, each with what it controls."""
        for child in element:
            if child.tag == "AutomationList":
                yield _one_list(child, owner, element, in_send)
            elif child.tag in ("Processor", "Insert", "Send", "Redirect", "IO"):
                name = child.get("name") or owner
                sends = in_send or child.tag == "Send" or child.get("type") in SEND_TYPES
                if child.tag == "Processor" and not in_send:
                    yield from self._processor(child, name, sends)
                else:
                    inserted = child.tag in ("Insert", "Redirect") or bool(owner)
                    yield from self._lists(child, name if inserted or sends else owner, sends)
            elif child.tag == "StreamPanner":
                yield from (replace(one, controls="pan") for one in self._lists(child, "panner", in_send))
            else:
                yield from self._lists(child, owner, in_send)

    def _processor(self, processor: Element, name: str, sends: bool) -> Iterator[_List]:
        owner = "" if processor.get("type") == "amp" else name
        parameters = {c.get("parameter"): c.get("name", "") for c in processor.findall("Controllable")}
        for one in self._lists(processor, owner, sends):
            index = one.element.get("automation-id", "").partition("parameter-")[2]
            parameter = parameters.get(index, "")
            if index and _is_guide(processor, parameter, index):
                one = replace(one, guide=True)
            yield replace(one, name=f"{name}: {parameter}" if parameter else one.name)

    def _takes(self, routes: list[Element]) -> dict[int | None, list[_List]]:
        """The gain envelopes of regions, by the index of their track's route; None: of no track that is there."""
        takes: dict[int | None, list[_List]] = {}
        owners = {key: index for index, route in enumerate(routes) for key in _route_keys(route)}
        for playlist in self.session.iterfind("./Playlists/Playlist"):
            track = next((owners[key] for key in _playlist_keys(playlist) if key in owners), None)
            for region in playlist.findall("Region"):
                # Until version 2 the switch was one of the region's flags.
                active = region.get("envelope-active", "") in ("1", "yes") or "EnvelopeActive" in region.get(
                    "flags", ""
                )
                name, position = f"region {region.get('name', '')}", _region_position(region)
                for envelope in region.findall("Envelope"):
                    # The oldest sessions have the points in the envelope itself.
                    for element in envelope.findall("AutomationList") or [envelope]:
                        one = _List(element, "take", name, ("take", id(element)), active, position=position)
                        takes.setdefault(track, []).append(one)
        return takes

    # ----------------------------------------------------------------------------------------------------- lanes

    def _lanes(self, lists: list[_List]) -> Iterator[Lane]:
        """Lanes of those lists that hold points; lists of one control are merged."""
        lanes: dict[tuple[object, ...], Lane] = {}
        for one in lists:
            lane = self._lane(one)
            if lane is None:
                continue
            before = lanes.get(one.key)
            if before is None:
                lanes[one.key] = lane
            else:
                known = set(before.points)
                new = [point for point in lane.points if point not in known]
                merged = in_order([*before.points, *new])
                lanes[one.key] = replace(before, points=merged, active=before.active or lane.active)
                self.warnings.append(f"{one.name}: two lists of one control were merged")
        yield from lanes.values()

    def _lane(self, one: _List) -> Lane | None:
        words = _event_words(one.element)
        if not words:
            return None
        style = one.element.get("interpolation-style", "Linear")
        if style not in STYLES or style == "Curved":
            self.warnings.append(f"{one.name}: interpolation {style!r} is read as linear")
        domain, shape = STYLES.get(style, STYLES["Linear"])
        scale = 1.0
        if one.controls in ("cc7", "cc11"):
            domain, scale = "midi_cc", 127.0
        elif one.guide:
            domain = "db"
        elif one.controls in ("pan", "param"):
            domain = "gain"
        in_beats = one.position is None and all(map(counts_beats, words[::2]))
        points = in_order(self._points(one, words, shape, scale, in_beats))
        if not points:
            return None
        lane = Lane(one.controls, points, one.active, domain, one.name, one.guide)
        return replace(lane, points=self.beat_lines.in_seconds(lane)) if in_beats else lane

    def _points(self, one: _List, words: list[str], shape: str, scale: float, in_beats: bool) -> Iterator[LanePoint]:
        """The points of a list; with `in_beats` their times are beats."""
        if len(words) % 2:
            self.warnings.append(f"{one.name}: the list of points ends in the middle")
        bad = 0
        for when, value in zip(words[::2], words[1::2], strict=False):
            self.points_left -= 1
            if self.points_left < 0:
                raise ProjectError(f"{self.file}: more than {MAX_FILE_POINTS} points; thin the automation first")
            try:
                if in_beats:
                    time = self.clock.beats(when)
                elif one.position is None:
                    time = self.clock.seconds(when)
                else:
                    time = self.clock.within(one.position, when)
                yield LanePoint(time, number(value) / scale, shape)
            except ValueError:
                bad += 1
        if bad:
            self.warnings.append(f"{one.name}: {bad} point(s) could not be read and are left out")


def _route_name(route: Element) -> str:
    inner = route.find("IO")  # until version 2 only the inputs and outputs have the name
    own = route.get("name", "")
    return own if own or inner is None else inner.get("name", "")


def _route_keys(route: Element) -> list[tuple[str, str]]:
    """What the playlists of a route may name it by; until version 2 it had no id of its own."""
    ids = [("id", identity) for identity in (route.get("id"), route.get("diskstream-id")) if identity]
    return [*ids, ("name", _route_name(route))]


def _playlist_keys(playlist: Element) -> list[tuple[str, str]]:
    ids = (playlist.get("orig-track-id"), playlist.get("orig-diskstream-id"), playlist.get("orig_diskstream_id"))
    name = playlist.get("name", "")  # the track's, or "track.1" and so on
    return [*(("id", one) for one in ids if one), ("name", name), ("name", name.rpartition(".")[0])]


def _one_list(element: Element, owner: str, parent: Element, in_send: bool) -> _List:
    identity = element.get("automation-id", "")
    controls = CONTROLS.get(identity, "param")
    if not identity:  # until version 2: the list of a route's or send's own gain, or of a plug-in's port
        controls = "param" if parent.tag == "port" else "volume"
    controller = re.fullmatch(r"midicc-\d+-(7|11)", identity)
    if controller:
        controls = f"cc{controller.group(1)}"
    if controls == "volume" and in_send:
        controls = "send"
    elif controls == "volume" and owner:
        controls = "param"  # the gain of something inserted: not the fader
    elif controls == "pan" and in_send:
        controls = "param"
    key: tuple[object, ...] = (controls, owner, identity, id(parent))
    if controls in ("volume", "trim", "pan") and not in_send:
        key = (controls, identity if controls != "volume" else "gain")
    name = f"{owner}: {identity}" if owner else identity or "gain"
    return _List(element, controls, name, key, element.get("state", "Off") in PLAYED_STATES)


def _event_words(element: Element) -> list[str]:
    """Times and values by turns; a session saved under a locale with decimal commas has them."""
    text = element.findtext("events") or " ".join(f"{p.get('x')} {p.get('y')}" for p in element if p.get("x"))
    return text.replace(",", ".").split()


def _is_guide(processor: Element, parameter: str, index: str) -> bool:
    return processor.get("name") == GUIDE_PLUGIN and (parameter == GUIDE_PARAMETER or (not parameter and index == "0"))


def _region_position(region: Element) -> str:
    """Where a region lies: its own attribute, since version 7 behind the @ of its length."""
    length = region.get("length", "")
    if "@" in length:
        return length.partition("@")[2]
    return region.get("position") or "0"
