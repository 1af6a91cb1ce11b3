"""A DAWproject with take tracks: every member as it is, the takes as audio files, tracks with clips that play them."""

from __future__ import annotations

import io
import shutil
import zipfile
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from bridge.errors import UserError
from bridge.hosts.dawproject_time import tempo_of
from bridge.hosts.model import Project
from bridge.hosts.packed import ARCHIVE_DAMAGE, unzip_member, zip_members
from bridge.hosts.safe_xml import UnsafeXml, parse_xml
from bridge.hosts.write_back import PlacedTake, TakeTrack, overlap

#: Members get this date, so that the same bounce gives the same file.
_DATE = (2020, 1, 1, 0, 0, 0)

#: The order in which the schema wants the parts of a project and of its arrangement.
_ORDER = ("Application", "Transport", "Structure", "Arrangement", "Scenes",
          "Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation")  # fmt: skip


def write_dawproject(project: Project, tracks: tuple[TakeTrack, ...]) -> bytes:
    """The project's zip with `tracks` added. Raises `UserError`."""
    data = project.path.read_bytes()
    try:
        root = parse_xml(unzip_member(project.path, data, "project.xml"))
    except UnsafeXml as error:
        raise UserError(f"{project.path.name}: project.xml {error}; export it again") from None
    writer = _Writer(root, set(zip_members(project.path, data)))
    for track in tracks:
        writer.add(track)
    ElementTree.indent(root)
    xml = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + ElementTree.tostring(root, "utf-8") + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        try:
            _copy(data, new, xml)
        except ARCHIVE_DAMAGE as error:
            raise UserError(f"{project.path.name}: a file in it cannot be copied ({error}); export it again") from None
        for member, take in writer.files.items():
            with take.path.open("rb") as source, new.open(_info(member), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
    return out.getvalue()


def _copy(data: bytes, new: zipfile.ZipFile, xml: bytes) -> None:
    """Every member of the zip file in `data`, with `xml` for the project's."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        for info in old.infolist():
            if info.filename == "project.xml":
                new.writestr(_info("project.xml"), xml)
            else:
                with old.open(info) as source, new.open(_info(info.filename), "w") as target:
                    shutil.copyfileobj(source, target)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


class _Writer:
    def __init__(self, root: Element, members: set[str]) -> None:
        self.root = root
        #: Names that the zip holds already.
        self.members = members
        self.tempo = tempo_of(root, [])
        self.ids = {element.get("id") for element in root.iter()}
        self.last_id = 0
        #: Member of the zip -> the take it holds.
        self.files: dict[str, PlacedTake] = {}

    def new_id(self) -> str:
        while (identity := f"foley{self.last_id}") in self.ids:
            self.last_id += 1
        self.ids.add(identity)
        return identity

    def add(self, track: TakeTrack) -> None:
        """The newest takes on one track; each older row on a muted track of its own, as the format knows no takes."""
        rows = max(len(takes) for takes in track.cues)
        for age in range(rows):
            takes = [takes[-1 - age] for takes in track.cues if len(takes) > age]
            name = track.name if age == 0 else f"{track.name} ({age} older)"
            for number, row in enumerate(_rows(takes), 1):
                self._row(name if number == 1 else f"{name} {number}", row, muted=age > 0)

    def _row(self, name: str, takes: list[PlacedTake], *, muted: bool) -> None:
        identity = self.new_id()
        structure = self._child(self.root, "Structure")
        track = Element("Track", {"contentType": "audio", "loaded": "true", "id": identity, "name": name})
        channels = max(take.channels for take in takes)
        channel = SubElement(track, "Channel", {"audioChannels": str(max(channels, 2)), "role": "regular",
                                                "solo": "false", "id": self.new_id()})  # fmt: skip
        master = self._master()
        if master:
            channel.set("destination", master)
        SubElement(channel, "Mute", {"value": str(muted).lower(), "id": self.new_id(), "name": "Mute"})
        SubElement(channel, "Pan", {"max": "1.000000", "min": "0.000000", "unit": "normalized", "value": "0.500000",
                                    "id": self.new_id(), "name": "Pan"})  # fmt: skip
        SubElement(channel, "Volume", {"max": "2.000000", "min": "0.000000", "unit": "linear", "value": "1.000000",
                                       "id": self.new_id(), "name": "Volume"})  # fmt: skip
        structure.append(track)
        lanes = self._arrangement_lanes()
        unit = lanes.get("timeUnit", self._child(self.root, "Arrangement").get("timeUnit", "beats"))
        own = SubElement(lanes, "Lanes", {"track": identity, "id": self.new_id()})
        clips = SubElement(own, "Clips", {"id": self.new_id()})
        for take in takes:
            self._clip(clips, take, unit)

    def _clip(self, clips: Element, take: PlacedTake, unit: str) -> None:
        start, end = take.time_s, take.time_s + take.length_s
        if unit == "beats":
            start, end = self.tempo.beats(start), self.tempo.beats(end)
        clip = SubElement(clips, "Clip", {
            "time": f"{start:.15g}", "duration": f"{end - start:.15g}", "contentTimeUnit": "seconds",
            "playStart": "0.0", "enable": "true", "name": take.name,
        })  # fmt: skip
        member = self._member(take)
        self.files[member] = take
        audio = SubElement(clip, "Audio", {
            "channels": str(take.channels), "sampleRate": str(take.rate), "duration": f"{take.length_s:.15g}",
            "timeUnit": "seconds", "algorithm": "raw", "id": self.new_id(),
        })  # fmt: skip
        SubElement(audio, "File", {"path": member})

    def _member(self, take: PlacedTake) -> str:
        """A name in the zip that is still free."""
        member, number = f"audio/{take.path.name}", 1
        while member in self.members:
            number += 1
            member = f"audio/{take.path.stem} {number}{take.path.suffix}"
        self.members.add(member)
        return member

    def _child(self, parent: Element, tag: str) -> Element:
        found = parent.find(tag)
        if found is None:
            found = Element(tag)
            place = _ORDER.index(tag)
            parent.insert(sum(child.tag in _ORDER[:place] for child in parent), found)
        return found

    def _arrangement_lanes(self) -> Element:
        arrangement = self._child(self.root, "Arrangement")
        if arrangement.find("Lanes") is None:
            self._child(arrangement, "Lanes").set("timeUnit", arrangement.get("timeUnit", "beats"))
        return self._child(arrangement, "Lanes")

    def _master(self) -> str | None:
        for channel in self.root.iterfind("./Structure//Channel"):
            if channel.get("role") == "master":
                return channel.get("id")
        return None


def _rows(takes: list[PlacedTake]) -> list[list[PlacedTake]]:
    """As few rows as let none lie over another: of two clips at one place on one track only one would sound."""
    rows: list[list[PlacedTake]] = []
    for take in sorted(takes, key=lambda take: take.time_s):
        row = next((row for row in rows if not overlap(row[-1], take)), None)
        if row is None:
            rows.append([take])
        else:
            row.append(take)
    return rows
