"""FCPXML and OpenTimelineIO as picture editors really write them: one trap each."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from bridge.hosts import Project, read_project

Read = Callable[[str, bytes | str], Project]


def markers(project: Project) -> list[tuple[str, float]]:
    return [(m.name, round(m.time_s, 6)) for m in project.markers]


# ------------------------------------------------------------------------------------------------------------ FCPXML


def fcpxml(
    story: str, *, frame: str = "100/2400s", start: str = "3600s", resources: str = "", format: str = "NDF"
) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n<fcpxml version="1.11"><resources>'
        f'<format id="r1" name="F" frameDuration="{frame}"/>{resources}</resources>'
        '<library location="file:///x/"><event name="E"><project name="P">'
        f'<sequence format="r1" tcStart="{start}" tcFormat="{format}" audioRate="48k"><spine>{story}</spine></sequence>'
        "</project></event></library></fcpxml>"
    )


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        # Frames of 25 a second that are played at 24: what lies inside the clip takes longer.
        (
            '<asset-clip offset="3610s" start="684/25s" duration="9/4s"><conform-rate srcFrameRate="25"/>'
            '<marker start="137/5s" value="m"/></asset-clip>',
            10 + 1 / 24,
        ),
        (
            '<asset-clip offset="3610s" start="684/25s" duration="9/4s">'
            '<conform-rate scaleEnabled="0" srcFrameRate="29.97"/><marker start="137/5s" value="m"/></asset-clip>',
            10.04,
        ),
        (
            '<clip offset="3600s" duration="9s"><conform-rate srcFrameRate="25"/>'
            '<title lane="1" offset="4s" start="3600s" duration="1s"><marker start="3601s" value="m"/></title></clip>',
            5 * 25 / 24,
        ),
        (
            f'<clip offset="3600s" duration="9s"><conform-rate srcFrameRate="{"9" * 400}"/>'
            '<marker start="1s" value="m"/></clip>',
            1.0,
        ),
        # A transition counts from the hour, and takes no time of its own.
        (
            '<transition offset="3600s" duration="1s"><marker start="7201/2s" value="m"/></transition>'
            '<title start="3600s" duration="10s"/>',
            0.5,
        ),
        (
            '<transition offset="3600s" duration="1s"/><title duration="10s"/>'
            '<transition offset="3609s" duration="2s"/>'
            '<title duration="5s"><marker start="1s" value="m"/></title>',
            11.0,
        ),
        # Of an audition only the clip that was chosen.
        (
            '<audition offset="3602s">'
            '<asset-clip start="10s" duration="5s"><marker start="12s" value="m"/></asset-clip>'
            '<asset-clip duration="5s"><marker start="1s" value="other"/></asset-clip></audition>',
            4.0,
        ),
        (
            '<audition><clip offset="3600s" duration="5s"/><clip duration="9s"/></audition>'
            '<clip duration="5s"><marker start="1s" value="m"/></clip>',
            6.0,
        ),
        ('<mc-clip ref="r9" offset="3605s" start="20s" duration="9s"><marker start="21s" value="m"/></mc-clip>', 6.0),
        (
            '<sync-clip offset="3600s" duration="9s"><spine><clip offset="0s" start="5s" duration="9s">'
            '<marker start="8s" value="m"/></clip></spine></sync-clip>',
            3.0,
        ),
        # A storyline begins at 0 of its clip's time, which a trimmed clip does not show.
        (
            '<sync-clip offset="3600s" start="6s" duration="9s"><spine><clip offset="0s" start="5s" duration="20s">'
            '<marker start="14s" value="m"/></clip></spine></sync-clip>',
            3.0,
        ),
        # Outside what is seen of its clip.
        ('<clip offset="3640s" start="3571900/1000000s" duration="9s"><marker start="2s" value="m"/></clip>', 38.4281),
        (
            '<gap offset="3600s" start="86400314/24000s" duration="9s">'
            '<marker start="86424314/24000s" value="m"/></gap>',
            1.0,
        ),
    ],
)  # fmt: skip
def test_where_a_marker_lies(read: Read, story: str, wanted: float) -> None:
    assert markers(read("t.fcpxml", fcpxml(story))) == [("m", pytest.approx(wanted, abs=1e-6))]


@pytest.mark.parametrize(
    ("frame", "format", "rate"),
    [
        ("1001/24000s", "NDF", "23.976"),
        ("15015/360000s", "NDF", "23.976"),
        ("100/2500s", "NDF", "25"),
        ("200/5000s", "NDF", "25"),
        ("1001/30000s", "DF", "29.97DF"),
        ("1001/60000s", "NDF", "59.94NDF"),
        ("1001/24000s", "DF", "23.976"),
        ("1/120s", "NDF", "120"),
        ("0s", "NDF", "None"),
    ],
)
def test_frame_durations(read: Read, frame: str, format: str, rate: str) -> None:
    assert str(read("t.fcpxml", fcpxml("", frame=frame, format=format)).frame_rate) == rate


ASSET = '<asset id="r2" src="file:///a.mov" start="7200s" duration="20s" hasVideo="1" hasAudio="1"/>'
ASSET += '<asset id="r3" src="file:///music.wav" start="0s" duration="20s" hasAudio="1"/>'


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        # The file's first frame has the timecode 02:00:00:00.
        ('<asset-clip ref="r2" offset="3602s" start="7210s" duration="5s"/>', [(2.0, 10.0, 5.0)]),
        # Where a clip does not say it, its media says where it begins and how long it is.
        ('<asset-clip ref="r2"/><asset-clip ref="r2"/>', [(0.0, 0.0, 20.0), (20.0, 0.0, 20.0)]),
        # Of the picture in a clip no more is seen than the clip shows, be it media or a storyline.
        (
            '<clip offset="3600s" start="7204s" duration="5s">'
            '<video ref="r2" offset="7200s" start="7200s" duration="20s"/></clip>',
            [(0.0, 4.0, 5.0)],
        ),
        (
            '<sync-clip offset="3605s" start="6s" duration="3s"><spine>'
            '<asset-clip ref="r2" offset="0s" start="7200s" duration="5s"/>'
            '<asset-clip ref="r2" offset="5s" start="7205s" duration="9s"/></spine></sync-clip>',
            [(5.0, 6.0, 3.0)],
        ),
        # Sound has no picture, nor has a clip of which only the sound is used, nor one that is switched off.
        (
            '<asset-clip ref="r2" offset="3600s" start="7200s" duration="9s">'
            '<asset-clip ref="r3" lane="-1" offset="7200s" duration="9s"/>'
            '<asset-clip ref="r2" lane="-2" offset="7200s" start="7200s" duration="9s" srcEnable="audio"/>'
            '<clip lane="1" offset="7200s" duration="9s" enabled="0"><video ref="r2" offset="0s" duration="9s"/></clip>'
            "</asset-clip>",
            [(0.0, 0.0, 9.0)],
        ),
        # What is only connected to a clip may go on beyond it.
        (
            '<gap offset="3600s" start="3600s" duration="2s">'
            '<asset-clip ref="r2" lane="1" offset="3601s" start="7200s" duration="9s"/></gap>',
            [(1.0, 0.0, 9.0)],
        ),
    ],
)
def test_where_a_file_is_seen(read: Read, story: str, wanted: list[tuple[float, ...]]) -> None:
    project = read("t.fcpxml", fcpxml(story, resources=ASSET))
    assert [(v.time_s, v.offset_s, v.length_s) for v in project.video] == wanted and not project.warnings


@pytest.mark.parametrize(
    ("frame", "duration", "end"),
    [("100/2400s", "", None), ("1001/60000s", "1001/24000s", None), ("100/2400s", "1/48000s", None),
     ("1s", "1s", None), ("100/2400s", "2s", 3.0)],
)  # fmt: skip
def test_a_marker_longer_than_a_frame_is_a_region(read: Read, frame: str, duration: str, end: float | None) -> None:
    duration = f'duration="{duration}"' if duration else ""
    story = f'<gap offset="3600s" duration="9s"><marker start="1s" value="m" {duration}/></gap>'
    (marker,) = read("t.fcpxml", fcpxml(story, frame=frame)).markers
    assert (marker.kind, marker.time_s, marker.end_s) == ("region" if end else "marker", 1.0, end)


def test_a_start_at_the_hour_of_timecode(read: Read) -> None:
    story = '<title offset="108108000/30000s" start="108108000/30000s" duration="9s">'
    story += '<marker start="27248221/7500s" duration="1001/30000s" value="m" completed="1"/></title>'
    project = read("t.fcpxml", fcpxml(story, frame="1001/30000s", start="8648640000/2400000s"))
    assert project.start_s == pytest.approx(3603.6)
    assert markers(project) == [("m", round(float(Fraction(27248221, 7500) - Fraction(36036, 10)), 6))]


@pytest.mark.parametrize(
    ("inside", "wanted"),
    [
        ('<event><asset-clip start="10s" duration="9s"><marker start="12s" value="m"/></asset-clip></event>', 2.0),
        ('<asset-clip duration="9s"><marker start="1s" value="m"/></asset-clip>', 1.0),
        ('<event><ref-clip ref="r1" duration="9s"/></event>', 3.0),
    ],
)
def test_clips_and_compounds_of_the_browser_without_a_project(read: Read, inside: str, wanted: float) -> None:
    media = (
        '<media id="r1" name="C"><sequence tcStart="0s"><spine><clip offset="2s" duration="5s">'
        '<marker start="1s" value="m"/></clip></spine></sequence></media>'
    )
    resources = f"<resources>{media if 'ref-clip' in inside else ''}</resources>"
    assert markers(read("t.fcpxml", f'<fcpxml version="1.8">{resources}{inside}</fcpxml>')) == [("m", wanted)]


# ---------------------------------------------------------------------------------------------------- OpenTimelineIO


def time_of(value: float, rate: float) -> dict[str, object]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def range_of(start: float, duration: float, rate: float = 24.0) -> dict[str, object]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time_of(start, rate), "duration": time_of(duration, rate)}


def item(schema: str, span: dict[str, object] | None = None, **more: object) -> dict[str, object]:
    return {"OTIO_SCHEMA": schema, "name": "x", "source_range": span, **more}


def mark(
    schema: str = "Marker.2", key: str = "marked_range", span: dict[str, object] | None = None
) -> dict[str, object]:
    return {"OTIO_SCHEMA": schema, "name": "m", "color": "RED", key: span or range_of(48, 0)}


GAP = item("Gap.1", range_of(0, 24))
CLIP = item("Clip.2", range_of(24, 48), markers=[mark()])


@pytest.mark.parametrize(
    ("children", "wanted"),
    [
        ([item("Track.1", children=[GAP, CLIP])], 2.0),
        # The first versions' names of a track, a gap and a marker's range.
        ([item("Sequence.1", children=[item("Filler.1", range_of(0, 24)), CLIP])], 2.0),
        ([item("Track.1", children=[item("Clip.1", range_of(24, 48), markers=[mark("Marker.1", "range")])])], 1.0),
        # A marker at 25 on a clip at 24 on a gap at 30.
        (
            [item("Track.1", children=[
                item("Gap.1", range_of(0, 60, 30)),
                item("Clip.2", range_of(24, 48), markers=[mark(span=range_of(50, 0, 25))]),
            ])],
            3.0,
        ),
        # Trimmed compositions begin inside, transitions take no time.
        (
            [item("Track.1", range_of(12, 96), children=[
                GAP, item("Transition.1", in_offset=time_of(6, 24), out_offset=time_of(6, 24)), CLIP,
            ])],
            1.5,
        ),
        ([item("Track.1", children=[GAP, item("Stack.1", range_of(24, 48), markers=[mark()], children=[])])], 2.0),
        (
            [item("Track.1", children=[GAP, item("Stack.1", None, children=[item("Track.1", children=[GAP, CLIP])])])],
            3.0,
        ),
        # Where no source_range says how long an item is, its media or what it holds does.
        (
            [item("Track.1", children=[
                item("Clip.2", None, active_media_reference_key="hi", media_references={
                    "lo": {"available_range": range_of(0, 240)}, "hi": {"available_range": range_of(0, 24)},
                }),
                item("Stack.1", None, children=[item("Track.1", children=[GAP, GAP])]), CLIP,
            ])],
            4.0,
        ),
        ([item("Track.1", None, children=[GAP], enabled=False), item("Track.1", None, children=[CLIP])], 1.0),
    ],
)  # fmt: skip
def test_where_an_otio_marker_lies(read: Read, children: list[object], wanted: float) -> None:
    timeline = {"OTIO_SCHEMA": "Timeline.1", "global_start_time": None, "tracks": item("Stack.1", children=children)}
    assert markers(read("t.otio", json.dumps(timeline))) == [("m", wanted)]
    collection = {"OTIO_SCHEMA": "SerializeableCollection.1", "children": [timeline]}
    assert markers(read("t.otio", json.dumps(collection))) == [("m", wanted)]


@pytest.mark.parametrize(("frames", "kind"), [(0.0, "marker"), (1.0, "marker"), (2.0, "region"), (48.0, "region")])
def test_one_frame_is_no_region(read: Read, frames: float, kind: str) -> None:
    track = item("Track.1", children=[], markers=[mark(span=range_of(24, frames, 24000 / 1001))])
    (marker,) = read(
        "t.otio", json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": item("Stack.1", children=[track])})
    ).markers
    assert marker.kind == kind and (marker.end_s is None) == (kind == "marker")


@pytest.mark.parametrize(
    ("color", "wanted"),
    [("PINK", "PINK"), ({"OTIO_SCHEMA": "Color.1", "name": "RED"}, "RED"), (None, None), ({}, None)],
)
def test_colours_by_name_and_by_object(read: Read, color: object, wanted: str | None) -> None:
    stack = item("Stack.1", children=[], markers=[{**mark(), "color": color}])
    assert read("t.otio", json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": stack})).markers[0].color == wanted


@pytest.mark.parametrize(
    ("folder", "name", "text"),
    [
        (
            "cut.fcpxmld",
            "Info.fcpxml",
            fcpxml('<gap offset="3600s" duration="9s"><marker start="1s" value="m"/></gap>'),
        ),
        (
            "cut.otiod",
            "content.otio",
            json.dumps(
                {
                    "OTIO_SCHEMA": "Timeline.1",
                    "tracks": item("Stack.1", markers=[mark(span=range_of(24, 0))], children=[]),
                }
            ),
        ),
    ],
)
def test_bundles_that_are_folders(tmp_path: Path, folder: str, name: str, text: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / name).write_text(text, encoding="utf-8")
    assert markers(read_project(tmp_path / folder)) == [("m", 1.0)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_and_without_its_mark(read: Read, encoding: str) -> None:
    text = fcpxml('<gap offset="3600s" duration="9s"><marker start="1s" value="Tür"/></gap>')
    assert markers(read("t.fcpxml", text.replace("UTF-8", "UTF-16").encode(encoding))) == [("Tür", 1.0)]


def test_a_start_out_of_reach_is_told_and_not_believed(read: Read) -> None:
    stack = item("Stack.1", children=[], markers=[mark()])
    timeline = {"OTIO_SCHEMA": "Timeline.1", "global_start_time": time_of(1e24, 24), "tracks": stack}
    cut = fcpxml("", start="99999999s")
    for project in (read("t.otio", json.dumps(timeline)), read("t.fcpxml", cut)):
        assert project.start_s == 0.0 and "0 is assumed" in project.warnings[-1]
