"""An Ardour session with take tracks: every element that is there, and for each a route, a playlist and sources.

A new route is made after an audio track of the same session, emptied: so it has the form that the session's own
version of Ardour writes. The takes' files are used where they lie (Ardour calls that external, or embedded).
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
from bridge.hosts.write_back import PlacedTake, TakeTrack

#: Earlier sessions are built otherwise.
OLDEST_VERSION = 3000
#: Every Ardour names its main bus so.
MASTER = "Master"
#: Processors a new track keeps; plug-ins, sends and inserts belong to the track it was modelled on.
KEPT_PROCESSORS = ("amp", "trim", "polarity", "meter", "diskreader", "diskwriter", "main-outs", "triggerbox")


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
        self.names = {route.get("name", "") for route in session.iterfind("./Routes/Route")}
        self.model = self._model()

    def _model(self) -> Element:
        """The audio track that new ones are made after."""
        where = f"{self.project.path.name}: --write-back"
        if self.major < OLDEST_VERSION:
            raise UserError(f"{where} needs a session of Ardour 3 or later; open and save it in a newer Ardour")
        for route in self.session.iterfind("./Routes/Route"):
            # What records to disk is a track; buses, master and monitor have no mode.
            if route.get("default-type") == "audio" and route.get("mode") is not None:
                return route
        raise UserError(f"{where} needs an audio track to model the take track on; add one in Ardour and save")

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def finish(self) -> None:
        self.session.set("id-counter", str(self.last_id + 1))

    # ----------------------------------------------------------------------------------------------------- a track

    def add(self, track: TakeTrack) -> None:
        name = self._free_name(track.name)
        route = self._route(name)
        playlist = Element("Playlist", {
            "id": self.new_id(), "name": name, "type": "audio", "orig-track-id": route.get("id", ""),
            "pgroup-id": "", "shared-with-ids": "", "frozen": "0", "combine-ops": "0",
        })  # fmt: skip
        route.set("audio-playlist", playlist.get("id", ""))
        for stream in route.findall("Diskstream"):  # until version 5 the playlist was the diskstream's
            stream.set("playlist", name)
        layer = 0
        for takes in track.cues:
            for take in takes:
                # The newest lies on top; those below it are muted and kept.
                playlist.append(self._region(take, layer, muted=take is not takes[-1]))
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

    def _route(self, name: str) -> Element:
        """The model track, emptied and renamed, with ids of its own."""
        old = self.model.get("name", "")
        route = copy.deepcopy(self.model)
        for processor in route.findall("Processor"):
            if processor.get("type") not in KEPT_PROCESSORS:
                route.remove(processor)
        for element in route.iter():
            if "id" in element.attrib and element.tag not in ("Port", "Connection"):
                element.set("id", self.new_id())
            for key in ("name", "output", "input"):
                value = element.get(key)
                if value is not None and element.tag in ("Route", "IO", "Port", "Processor", "Diskstream"):
                    element.set(key, _renamed(value, old, name))
            if element.tag == "AutomationList":
                element.set("state", "Off")
                for events in element.findall("events"):
                    element.remove(events)
            elif element.tag == "Controllable":
                neutral = {"gaincontrol": "1", "trimcontrol": "1", "mute": "0", "solo": "0", "rec-enable": "0"}
                if element.get("name", "") in neutral and "value" in element.attrib:
                    element.set("value", neutral[element.get("name", "")])
            elif element.tag == "MuteMaster":
                element.set("muted", "0")
        for io in route.findall("IO"):
            self._connect(io)
        info = route.find("PresentationInfo")
        if info is not None:
            info.set("order", str(self._last_order() + 1))
            info.set("flags", ",".join(f for f in info.get("flags", "").split(",") if f != "Selected"))
        route.attrib.pop("route-group", None)
        return route

    def _connect(self, io: Element) -> None:
        """A take track records nothing, and is heard: as its model is, or through the master where that is not."""
        ports = io.findall("Port")
        if io.get("direction") == "Input":
            for port in ports:
                for connection in port.findall("Connection"):
                    port.remove(connection)
        elif not any(port.find("Connection") is not None for port in ports):
            inputs = self.session.findall(f"./Routes/Route[@name='{MASTER}']/IO[@direction='Input']/Port")
            for index, port in enumerate(ports):
                if inputs:
                    SubElement(port, "Connection", {"other": inputs[min(index, len(inputs) - 1)].get("name", "")})

    def _last_order(self) -> int:
        infos = self.session.iterfind("./Routes/Route/PresentationInfo")
        return max((order for info in infos if (order := whole(info.get("order"), 0)) < 1_000_000), default=0)

    # ----------------------------------------------------------------------------------------------------- a region

    def _region(self, take: PlacedTake, layer: int, *, muted: bool) -> Element:
        sources = list(self._sources(take))
        rate = whole(self.session.get("sample-rate"), take.rate)
        start, length = round(take.time_s * rate), take.samples
        region = Element("Region", {
            "name": take.name, "muted": str(int(muted)), "opaque": "1", "locked": "0", "video-locked": "0",
            "automatic": "0", "whole-file": "0", "import": "0", "external": "1", "sync-marked": "0",
            "left-of-split": "0", "right-of-split": "0", "hidden": "0", "position-locked": "0",
            "valid-transients": "0", "stretch": "1", "shift": "1", "layering-index": str(layer), "tags": "",
            "contents": "0", "envelope-active": "0", "default-fade-in": "0", "default-fade-out": "0",
            "fade-in-active": "0", "fade-out-active": "0", "scale-amplitude": "1", "id": self.new_id(),
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


def _renamed(value: str, old: str, new: str) -> str:
    """ "Guide", "recorder:Guide" and "Guide/audio_out 1" with the new track's name."""
    if value == old:
        return new
    for opening in ("recorder:", "player:", "meter-"):
        if value == opening + old:
            return opening + new
    return new + value[len(old) :] if value.startswith(f"{old}/") else value
