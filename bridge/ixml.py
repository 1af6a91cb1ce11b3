"""iXML: what a sound editor reads about a take (scene, take, note, timecode), as text and back."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bridge.timecode import FrameRate

#: Characters XML 1.0 cannot hold, however they are written.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def build_ixml(
    *,
    rate: int,
    channels: int,
    time_reference: int,
    take: int,
    scene: str,
    note: str,
    frame_rate: FrameRate | None,
    originator: str,
    file_uid: str,
) -> bytes:
    """An iXML 2.10 document. ``rate`` in Hz, ``time_reference`` in samples since midnight."""
    fields: dict[str, object] = {
        "IXML_VERSION": "2.10",
        "PROJECT": originator,
        "SCENE": scene,
        "TAKE": take,
        "NOTE": note,
        "FILE_UID": file_uid,
    }
    if frame_rate is not None:
        fps = f"{frame_rate.fps.numerator}/{frame_rate.fps.denominator}"
        fields |= {"SPEED/MASTER_SPEED": fps, "SPEED/CURRENT_SPEED": fps, "SPEED/TIMECODE_RATE": fps}
        fields["SPEED/TIMECODE_FLAG"] = "DF" if frame_rate.drop else "NDF"
    fields |= {
        "SPEED/FILE_SAMPLE_RATE": rate,
        "SPEED/AUDIO_BIT_DEPTH": 24,
        "SPEED/DIGITIZER_SAMPLE_RATE": rate,
        "SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI": time_reference >> 32,
        "SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO": time_reference & 0xFFFFFFFF,
        "SPEED/TIMESTAMP_SAMPLE_RATE": rate,
        "TRACK_LIST/TRACK_COUNT": channels,
    }
    root = ElementTree.Element("BWFXML")
    for path, value in fields.items():
        parent = root
        *folders, name = path.split("/")
        for folder in folders:
            found = parent.find(folder)
            parent = ElementTree.SubElement(parent, folder) if found is None else found
        ElementTree.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", str(value))
    tracks = root.find("TRACK_LIST")
    assert tracks is not None
    for index in range(1, channels + 1):
        track = ElementTree.SubElement(tracks, "TRACK")
        ElementTree.SubElement(track, "CHANNEL_INDEX").text = str(index)
        ElementTree.SubElement(track, "INTERLEAVE_INDEX").text = str(index)
        ElementTree.SubElement(track, "NAME").text = "Mono" if channels == 1 else ("Left", "Right")[index - 1]
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def parse_ixml(document: bytes) -> dict[str, str]:
    """``{"NOTE": "…", "SPEED/TIMECODE_RATE": "25/1", …}``: every leaf by its path, the first of equals.

    A document that is not XML, or declares entities, gives an empty mapping: metadata never keeps audio from loading.
    """
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        return {}
    try:
        root = ElementTree.fromstring(document.rstrip(b"\0"))
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    leaves: dict[str, str] = {}

    def visit(element: ElementTree.Element, path: str) -> None:
        for child in element:
            name = f"{path}{child.tag}"
            if len(child):
                visit(child, name + "/")
            else:
                leaves.setdefault(name, child.text or "")

    try:
        visit(root, "")
    except RecursionError:
        return {}
    return leaves
