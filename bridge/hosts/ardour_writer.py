"""An Ardour session with take tracks: every element that is there, and for each a route, a playlist and sources.

A new route is made after the audio track that was drawn on (or another one of the session), emptied: so it has the
form that the session's own version of Ardour writes, and is heard by the same way. The takes' files are used where they
lie (Ardour calls that external, or embedded).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from bridge.errors import UserError
from bridge.hosts.ardour_time import FIRST_SUPERCLOCK_VERSION, superclocks_per_second
from bridge.hosts.model import Project
from bridge.hosts.numbers import whole
from bridge.hosts.safe_xml import UnsafeXml, parse_xml
from bridge.hosts.write_back import PlacedTake, TakeTrack, overlap

#: Earlier sessions are built otherwise.
OLDEST_VERSION = 3000
#: Every Ardour names its main bus so, the oldest in small letters.
MASTER = "master"
#: Processors a new track keeps; plug-ins, sends and inserts belong to the track it was modelled on.
KEPT_PROCESSORS = ("amp", "trim", "polarity", "meter", "diskreader", "diskwriter", "main-outs")
#: What else of the model a take track never takes over: its group, its frozen state, its VCAs, where it is panned.
LEFT_ATTRIBUTES = ("route-group",)
LEFT_ELEMENTS = ("freeze-info", "Comment")
LEFT_FLAGS = ("Selected", "Hidden", "TriggerTrack")
#: A control of a take track -> its value, and what else the session says of it.
NEUTRAL = {
    "gaincontrol": "1",
    "trimcontrol": "1",
    "mute": "0",
    "solo": "0",
    "solo-iso": "0",
    "solo-safe": "0",
    "phase": "0",
    "monitor": "0",
    "rec-enable": "0",
    "rec-safe": "0",
}
NEUTRAL_STATES = {
    "self-solo": "0",
    "soloed-by-upstream": "0",
    "soloed-by-downstream": "0",
    "solo-isolated": "0",
    "solo-safe": "0",
    "monitoring": "",
    "recording": "0",
}


def write_ardour(project: Project, tracks: tuple[TakeTrack, ...]) -> bytes:
    """The session's XML with `tracks` added. Raises `UserError` where the session gives no model for a track."""
    try:
        session = parse_xml(project.path.read_bytes())
    except UnsafeXml as error:
        raise UserError(f"{project.path.name}: {error}; save the session again in Ardour") from None
    writer = _Writer(session, project)
    for track in tracks:
        writer.add(track)
    writer.finish()
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(session, "utf-8") + b"\n"


class _Writer:
    def __init__(self, session: Element, project: Project) -> None:
        self.session = session
        self.project = project
        self.major = whole(session.get("version", "0").partition(".")[0], 0)
        self.superclocks = superclocks_per_second(session)
        # Not by way of floats: an id may be larger than they hold exactly.
        written = [session.get("id-counter", ""), *(element.get("id", "") for element in session.iter())]
        self.last_id = max((int(one) for one in written if re.fullmatch("[0-9]{1,19}", one)), default=0)
        # Until version 5 a track names its playlist, and that of a track which is gone may lie about unused.
        named = (one for path in ("./Routes/Route", "./*/Playlist") for one in session.iterfind(path))
        self.names = {one.get("name", "") for one in named}
        self.models = self._models()

    def _models(self) -> list[Element]:
        """The audio tracks that new ones can be made after."""
        where = f"{self.project.path.name}: --write-back"
        if self.major < OLDEST_VERSION:
            raise UserError(f"{where} needs a session of Ardour 3 or later; open and save it in a newer Ardour")
        # What records to disk is a track; buses, master and monitor have no mode.
        routes = self.session.iterfind("./Routes/Route")
        found = [one for one in routes if one.get("default-type") == "audio" and one.get("mode") is not None]
        if not found:
            raise UserError(f"{where} needs an audio track to model the take track on; add one in Ardour and save")
        return found

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def finish(self) -> None:
        self.session.set("id-counter", str(self.last_id + 1))

    # ----------------------------------------------------------------------------------------------------- a track

    def add(self, track: TakeTrack) -> None:
        name = self._free_name(track.name)
        channels = max((take.channels for takes in track.cues for take in takes), default=1)
        route = self._route(track.beside, name, channels)
        playlist = Element("Playlist", {
            "id": self.new_id(), "name": name, "type": "audio", "orig-track-id": route.get("id", ""),
            "pgroup-id": "", "shared-with-ids": "", "frozen": "0", "combine-ops": "0",
        })  # fmt: skip
        route.set("audio-playlist", playlist.get("id", ""))
        for stream in route.findall("Diskstream"):  # until version 5 the playlist was the diskstream's
            stream.set("playlist", name)
        layer = 0
        for takes in track.cues:
            # An opaque region silences those under it: one cue's take would cut off the tail of another's.
            opaque = not any(other is not takes and overlap(takes[-1], other[-1]) for other in track.cues)
            for take in takes:
                # The newest lies on top; those below it are muted and kept.
                playlist.append(self._region(take, layer, muted=take is not takes[-1], opaque=opaque))
                layer += 1
        self._section("Routes").append(route)
        self._section("Playlists").append(playlist)
        self.names.add(name)

    def _section(self, tag: str) -> Element:
        found = self.session.find(tag)
        return SubElement(self.session, tag) if found is None else found

    def _free_name(self, wanted: str) -> str:
        # Ports are named "track/audio_out 1": the name itself must hold neither.
        wanted = re.sub(r"[/:]", "_", wanted)
        name, number = wanted, 1
        while name in self.names:
            number += 1
            name = f"{wanted} {number}"
        return name

    def _route(self, beside: str, name: str, channels: int) -> Element:
        """The track `beside` or, where that is none, the first one: emptied and renamed, with ids of its own."""
        model = next((one for one in self.models if one.get("name") == beside), None)
        route = copy.deepcopy(self.models[0] if model is None else model)
        old = route.get("name", "")
        for child in list(route):
            if child.tag in LEFT_ELEMENTS or (child.tag == "Processor" and child.get("type") not in KEPT_PROCESSORS):
                route.remove(child)
        for key in LEFT_ATTRIBUTES:
            route.attrib.pop(key, None)
        route.attrib.update({"active": "1", "mode": "Normal"})
        if "disk-io-point" in route.attrib:
            route.set("disk-io-point", "DiskIOPreFader")
        for element in route.iter():
            if "id" in element.attrib and element.tag not in ("Port", "Connection"):
                element.set("id", self.new_id())
            for key in ("name", "output", "input"):
                value = element.get(key)
                if value is not None and element.tag in ("Route", "IO", "Port", "Processor", "Diskstream"):
                    element.set(key, _renamed(value, old, name))
            _make_neutral(element)
        for io in route.findall("IO"):
            if io.get("direction") == "Input":
                # A track plays as many channels as it has inputs; these are connected to nothing.
                _new_ports(io, f"{name}/audio_in", channels)
            else:
                self._connect(io, name, as_model=model is not None)
        for stream in route.findall("Diskstream"):
            stream.set("channels", str(channels))
        info = route.find("PresentationInfo")
        if info is not None:
            info.set("order", str(self._last_order() + 1))
            info.set("flags", ",".join(f for f in info.get("flags", "").split(",") if f not in LEFT_FLAGS))
        return route

    def _connect(self, io: Element, name: str, *, as_model: bool) -> None:
        """A take track is heard by the way of the track that was drawn on, or in the middle of the master."""
        if as_model and any(connection.get("other") for connection in io.iterfind("./Port/*")):
            return
        routes = self.session.iterfind("./Routes/Route")
        master = next((route for route in routes if route.get("name", "").lower() == MASTER), None)
        inputs = [] if master is None else master.findall("./IO[@direction='Input']/Port")
        if inputs:
            for index, port in enumerate(_new_ports(io, f"{name}/audio_out", len(inputs))):
                SubElement(port, "Connection", {"other": inputs[index].get("name", "")})

    def _last_order(self) -> int:
        infos = self.session.iterfind("./Routes/Route/PresentationInfo")
        return max((order for info in infos if (order := whole(info.get("order"), 0)) < 1_000_000), default=0)

    # ----------------------------------------------------------------------------------------------------- a region

    def _region(self, take: PlacedTake, layer: int, *, muted: bool, opaque: bool) -> Element:
        sources = list(self._sources(take))
        rate = whole(self.session.get("sample-rate"), take.rate)
        start, length = round(take.time_s * rate), take.samples
        region = Element("Region", {
            "name": take.name, "muted": str(int(muted)), "opaque": str(int(opaque)), "locked": "0",
            "video-locked": "0", "automatic": "0", "whole-file": "0", "import": "0", "external": "1",
            "sync-marked": "0", "left-of-split": "0", "right-of-split": "0", "hidden": "0",
            "position-locked": "0", "valid-transients": "0", "stretch": "1", "shift": "1",
            "layering-index": str(layer), "tags": "", "contents": "0", "envelope-active": "0",
            "default-fade-in": "0", "default-fade-out": "0", "fade-in-active": "0", "fade-out-active": "0",
            "scale-amplitude": "1", "id": self.new_id(),
            "type": "audio", "first-edit": "nothing", "channels": str(len(sources)),
        })  # fmt: skip
        if self.major >= FIRST_SUPERCLOCK_VERSION:
            at, long = (samples * self.superclocks // rate for samples in (start, length))
            times = {"start": "a0", "length": f"a{long}@a{at}", "sync-position": "a0",
                     "ancestral-start": "a0", "ancestral-length": "a0@a0"}  # fmt: skip
        else:
            times = {"start": "0", "length": str(length), "position": str(start), "beat": "0", "sync-position": "0",
                     "ancestral-start": "0", "ancestral-length": "0", "positional-lock-style": "AudioTime"}  # fmt: skip
        region.attrib.update(times)
        for index, source in enumerate(sources):
            region.set(f"source-{index}", source)
            region.set(f"master-source-{index}", source)
        SubElement(region, "Envelope", {"default": "yes"})
        for fade in ("FadeIn", "FadeOut"):
            SubElement(region, fade, {"default": "yes", "active": "0"})
        return region

    def _sources(self, take: PlacedTake) -> Iterator[str]:
        """One source per channel of the take's file; gives their ids."""
        for channel in range(take.channels):
            identity = self.new_id()
            SubElement(self._section("Sources"), "Source", {
                "name": str(take.path), "take-id": "", "type": "audio", "flags": "", "id": identity,
                "channel": str(channel), "origin": str(take.path), "gain": "1",
            })  # fmt: skip
            yield identity


def _make_neutral(element: Element) -> None:
    """What of a copied element would change how a take sounds, or follow another's control, undone."""
    if element.tag == "AutomationList":
        element.set("state", "Off")
        for events in element.findall("events"):
            element.remove(events)
    elif element.tag == "Controllable":
        value = NEUTRAL.get(element.get("name", ""))
        if value is not None and "value" in element.attrib:
            element.set("value", value)
        if "phase-invert" in element.attrib:
            element.set("phase-invert", "0")
        for key in NEUTRAL_STATES.keys() & element.attrib.keys():
            element.set(key, NEUTRAL_STATES[key])
        for masters in element.findall("masters"):  # the controls of its VCAs
            element.remove(masters)
    elif element.tag == "Slavable":
        for master in element.findall("Master"):
            element.remove(master)
    elif element.tag == "Pannable":  # without these Ardour pans to the middle
        for control in element.findall("Controllable"):
            element.remove(control)
    elif element.tag == "MuteMaster":
        element.set("muted", "0")
    elif element.tag == "PannerShell":
        element.set("bypassed", "0")
    elif element.tag == "Processor":
        element.set("active", "1")
        for key in {"user-latency", "use-user-latency"} & element.attrib.keys():
            element.set(key, "0")


def _new_ports(io: Element, name: str, count: int) -> list[Element]:
    """Ports instead of those that are there, connected to nothing."""
    for port in io.findall("Port"):
        io.remove(port)
    return [SubElement(io, "Port", {"type": "audio", "name": f"{name} {index + 1}"}) for index in range(count)]


def _renamed(value: str, old: str, new: str) -> str:
    """ "Guide", "recorder:Guide" and "Guide/audio_out 1" with the new track's name."""
    if value == old:
        return new
    for opening in ("recorder:", "player:", "meter-"):
        if value == opening + old:
            return opening + new
    return new + value[len(old) :] if value.startswith(f"{old}/") else value
