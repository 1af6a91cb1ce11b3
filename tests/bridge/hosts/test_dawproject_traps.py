"""DAWproject files as Bitwig, Studio One and Cubase may write them: one trap each."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable

import pytest

from bridge.hosts import Lane, Project, ProjectError
from bridge.hosts.curves import evaluate

Read = Callable[[str, bytes | str], Project]


def packed(xml: bytes, member: str = "project.xml", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(member, xml)
        archive.writestr("metadata.txt", "")
    return out.getvalue()


def document(lanes: str, *, volume: str = 'max="2" min="0" unit="linear"', arrangement: str = "", bpm: int = 60) -> str:
    return f"""<Project version="1.0"><Transport><Tempo unit="bpm" value="{bpm}" id="t0"/></Transport>
    <Structure><Track contentType="audio" id="tr1" name="Guide"><Channel role="regular" id="c1">
      <Pan max="1" min="0" unit="normalized" value="0.5" id="p1"/>
      <Sends><Send><Enable value="true" id="se1"/><Volume max="1" min="0" unit="linear" id="sv1"/></Send></Sends>
      <Volume {volume} value="1" id="v1"/>
      <Devices><BuiltinDevice deviceName="Tool"><Parameters><RealParameter name="Volume" id="dv1"/></Parameters>
        <Enabled value="true" id="e1"/></BuiltinDevice>
        <Compressor deviceName="Comp"><Threshold value="-6" unit="decibel" id="th1"/></Compressor></Devices>
    </Channel></Track></Structure>
    <Arrangement {arrangement}>{lanes}</Arrangement></Project>"""


def lane_of(project: Project) -> Lane:
    (lane,) = project.tracks[0].lanes
    return lane


def points(lane: Lane) -> list[tuple[float, float]]:
    """Those of the file."""
    return [(round(p.time_s, 9), round(p.value, 9)) for p in lane.points if not p.added]


TARGET = '<Target parameter="v1"/>'
LINE = TARGET + (
    '<RealPoint time="0" value="0" interpolation="linear"/><RealPoint time="4" value="1" interpolation="linear"/>'
)


@pytest.mark.parametrize(
    ("arrangement", "lanes", "last"),
    [
        ("", f"<Lanes><Points>{LINE}</Points></Lanes>", 2.0),  # beats are what is counted where nothing says so
        ('timeUnit="seconds"', f"<Lanes><Points>{LINE}</Points></Lanes>", 4.0),
        (
            'timeUnit="seconds"',
            f'<Lanes timeUnit="beats"><Lanes track="tr1"><Points>{LINE}</Points></Lanes></Lanes>',
            2,
        ),
        ("", f'<Lanes timeUnit="beats"><Lanes timeUnit="seconds"><Points>{LINE}</Points></Lanes></Lanes>', 4.0),
        ('timeUnit="seconds"', f'<Lanes><Points timeUnit="beats">{LINE}</Points></Lanes>', 2.0),
        ('timeUnit="beats"', f'<Points timeUnit="seconds">{LINE}</Points>', 4.0),
    ],
)
def test_the_unit_of_time_at_every_level(read: Read, arrangement: str, lanes: str, last: float) -> None:
    project = read("units.dawproject", packed(document(lanes, arrangement=arrangement, bpm=120).encode()))
    assert points(lane_of(project)) == [(0.0, 0.0), (last, 1.0)]


@pytest.mark.parametrize(
    ("volume", "unit", "value", "gain"),
    [
        ('max="2" min="0" unit="linear"', "", "0.5", 0.5),
        ('max="2" min="0" unit="linear"', 'unit="normalized"', "0.5", 1.0),
        ('max="2" min="0" unit="linear"', 'unit="percent"', "50", 0.5),
        ('max="2" min="0" unit="linear"', 'unit="decibel"', "-20", 0.1),
        ('max="2" min="0" unit="linear"', 'unit="decibel"', "-INF", 0.0),
        ('max="6" min="-60" unit="decibel"', "", "-40", 0.01),
        ('max="6" min="-60" unit="decibel"', 'unit="linear"', "0.25", 0.25),
        ('max="20" min="-60" unit="decibel"', 'unit="normalized"', "0.5", 0.1),
    ],
)
def test_a_gain_in_every_unit(read: Read, volume: str, unit: str, value: str, gain: float) -> None:
    lanes = f'<Lanes><Points {unit}>{TARGET}<RealPoint time="0" value="{value}"/></Points></Lanes>'
    project = read("gain.dawproject", packed(document(lanes, volume=volume).encode()))
    assert points(lane_of(project)) == [(0.0, gain)] and lane_of(project).controls == "volume"


@pytest.mark.parametrize(
    ("target", "point", "controls", "value"),
    [
        ("sv1", '<RealPoint time="0" value="0.5"/>', "send", 0.5),
        ("se1", '<BoolPoint time="0" value="true"/>', "param", 1.0),
        ("p1", '<RealPoint time="0" value="0.25"/>', "pan", 0.25),
        ("dv1", '<RealPoint time="0" value="0.75"/>', "param", 0.75),  # a device's parameter that is called Volume
        ("dv1", '<EnumPoint time="0" value="3"/>', "param", 3.0),
        ("e1", '<BoolPoint time="0" value="false"/>', "param", 0.0),
        ("th1", '<RealPoint time="0" value="-12"/>', "param", -12.0),
        ("dv1", '<IntegerPoint time="0" value="-2"/>', "param", -2.0),
    ],
)
def test_only_the_channels_volume_is_the_fader(
    read: Read, target: str, point: str, controls: str, value: float
) -> None:
    lanes = f'<Lanes><Points><Target parameter="{target}"/>{point}</Points></Lanes>'
    lane = lane_of(read("target.dawproject", packed(document(lanes).encode())))
    assert (lane.controls, lane.points[0].value, lane.points[0].shape) == (controls, value, "hold")


CLIPS = "<Lanes><Clips>{}</Clips></Lanes>"


@pytest.mark.parametrize(
    ("clips", "wanted"),
    [
        # Nested clips add their times, and each cuts what it holds.
        (
            '<Clip time="10" duration="4"><Clips><Clip time="1" duration="2" playStart="1"><Points>'
            f"{LINE}</Points></Clip></Clips></Clip>",
            [(11.0, 0.25), (13.0, 0.75)],
        ),
        (
            '<Clip time="10" duration="2"><Clips><Clip time="1" duration="9"><Points>'
            f"{LINE}</Points></Clip></Clips></Clip>",
            [(11.0, 0.0), (12.0, 0.25)],
        ),
        (f'<Clip time="10" duration="9" playStop="2"><Points>{LINE}</Points></Clip>', [(10.0, 0.0), (12.0, 0.5)]),
        (
            f'<Clip time="0" duration="3" playStart="3" loopStart="2" loopEnd="4"><Points>{LINE}</Points></Clip>',
            [(0.0, 0.75), (1.0, 1.0), (1.0, 0.5), (3.0, 1.0)],
        ),
        (f'<Clip time="3" loopEnd="4"><Points>{LINE}</Points></Clip>', [(3.0, 0.0), (7.0, 1.0)]),
        # A clip may play a timeline that stands elsewhere, and never itself.
        (
            f'<Clip time="0" duration="4"><Points id="x">{LINE}</Points></Clip>'
            '<Clip time="8" duration="4" reference="x"/>',
            [(0.0, 0.0), (4.0, 1.0), (8.0, 0.0), (12.0, 1.0)],
        ),
        (
            '<Clip time="0" duration="4"><Clips id="x"><Clip reference="x" time="0"/></Clips>'
            f"<Points>{LINE}</Points></Clip>",
            [(0.0, 0.0), (4.0, 1.0)],
        ),
        (
            f'<Clip time="0" duration="4"><Points>{LINE}</Points></Clip>'
            f'<Clip time="9" duration="4" enable="false"><Points>{LINE}</Points></Clip>',
            [(0.0, 0.0), (4.0, 1.0)],
        ),
    ],
    ids=["nested", "cut by its container", "playStop", "loop entered late", "endless", "alias", "itself", "disabled"],
)
def test_where_the_automation_in_clips_is_heard(read: Read, clips: str, wanted: list[tuple[float, float]]) -> None:
    assert points(lane_of(read("clip.dawproject", packed(document(CLIPS.format(clips)).encode())))) == wanted


@pytest.mark.parametrize(
    ("target", "controls", "domain"),
    [
        ('expression="gain"', "take", "gain"),
        ('expression="pan"', "param", "gain"),
        ('expression="transpose"', "param", "gain"),
        ('expression="channelController" channel="0" controller="7"', "cc7", "midi_cc"),
        ('expression="channelController" channel="0" controller="11"', "cc11", "midi_cc"),
        ('expression="channelController" channel="0" controller="74"', "param", "gain"),
    ],
)
def test_what_a_clip_shapes_of_its_own(read: Read, target: str, controls: str, domain: str) -> None:
    points = f'<Points unit="normalized"><Target {target}/><RealPoint time="1" value="0.5"/></Points>'
    clips = f'<Clip time="4" duration="4"><Lanes><Notes/>{points}</Lanes></Clip>'
    lanes = CLIPS.format(clips).replace("<Lanes>", '<Lanes track="tr1">', 1)
    lane = lane_of(read("own.dawproject", packed(document(lanes).encode())))
    assert (lane.controls, lane.domain, [(p.time_s, p.value) for p in lane.points]) == (controls, domain, [(5.0, 0.5)])


@pytest.mark.parametrize(
    ("clip", "inner", "wanted"),
    [
        ("beats", "seconds", [(2.0, 0.25), (4.0, 0.75)]),  # at 120 BPM, from the clip's second beat on
        ("seconds", "beats", [(2.0, 1.0)]),  # a line that is over before the clip begins to play, after two seconds
    ],
)
def test_a_timeline_in_another_unit_than_its_clip(
    read: Read, clip: str, inner: str, wanted: list[tuple[float, float]]
) -> None:
    clips = f'<Clip time="4" duration="4" contentTimeUnit="{clip}" playStart="2"><Points timeUnit="{inner}">'
    project = read(
        "units.dawproject", packed(document(CLIPS.format(f"{clips}{LINE}</Points></Clip>"), bpm=120).encode())
    )
    assert points(lane_of(project)) == wanted


@pytest.mark.parametrize("step", [1, -1])
def test_clips_in_any_order_with_a_gap_between_them(read: Read, step: int) -> None:
    clips = [f'<Clip time="{at}" duration="4"><Points>{LINE}</Points></Clip>' for at in (0, 4, 10)]
    lane = lane_of(read("order.dawproject", packed(document(CLIPS.format("".join(clips[::step]))).encode())))
    assert points(lane) == [(0.0, 0.0), (4.0, 1.0), (4.0, 0.0), (8.0, 1.0), (10.0, 0.0), (14.0, 1.0)]
    # Each keeps its own line, and behind its end the last value holds until the next one begins.
    assert [evaluate(lane, at) for at in (3.0, 5.0, 9.0, 11.0)] == [0.75, 0.25, 1.0, 0.25]


def test_before_the_first_point_of_a_clip_or_of_its_loop_that_value_holds(read: Read) -> None:
    late = LINE.replace('time="0"', 'time="2"')
    clips = f'<Clip time="0" duration="9" loopEnd="4"><Points>{late}</Points></Clip>'
    lane = lane_of(read("late.dawproject", packed(document(CLIPS.format(clips)).encode())))
    assert [evaluate(lane, at) for at in (1.0, 3.0, 5.0, 7.0, 8.5, 12.0)] == [0.0, 0.5, 0.0, 0.5, 0.0, 0.0]
    # A clip that ends before any of its points has nothing to show.
    short = clips.replace('duration="9"', 'duration="1"')
    assert not read("short.dawproject", packed(document(CLIPS.format(short)).encode())).tracks[0].lanes


@pytest.mark.parametrize("begin", [0.1, 0.45627, 0.61311, 0.81849])
@pytest.mark.parametrize("bpm", [60, 97, 133])
def test_a_clip_that_a_looped_one_cuts_has_its_own_line_in_every_round(read: Read, begin: float, bpm: int) -> None:
    inner = f'<Clips><Clip time="0" duration="9" playStart="0.7"><Points>{LINE}</Points></Clip></Clips>'
    outer = f'<Clip time="0" duration="40" playStart="{begin}" loopStart="{begin}" loopEnd="1.31446">{inner}</Clip>'
    lane = lane_of(read("rounds.dawproject", packed(document(CLIPS.format(outer), bpm=bpm).encode())))
    beats = [(index + 0.25) * (1.31446 - begin) for index in range(32)]
    heard = (begin + 0.7 + 0.25 * (1.31446 - begin)) / 4
    assert [evaluate(lane, beat * 60 / bpm) for beat in beats] == pytest.approx([heard] * 32)


def test_what_a_looped_clip_shapes_of_its_own_is_one_lane(read: Read) -> None:
    gain = LINE.replace(TARGET, '<Target expression="gain"/>')
    clips = f'<Clip time="0" duration="8" loopEnd="4"><Points>{gain}</Points></Clip>'
    lanes = CLIPS.format(clips).replace("<Lanes>", '<Lanes track="tr1">', 1)
    lane = lane_of(read("gain.dawproject", packed(document(lanes).encode())))
    assert points(lane) == [(0.0, 0.0), (4.0, 1.0), (4.0, 0.0), (8.0, 1.0)]


def test_a_share_of_a_range_in_decibels_is_straight_in_decibels(read: Read) -> None:
    shares = f'<Lanes><Points unit="normalized">{LINE}</Points></Lanes>'
    for low, heard in (("-60", 10 ** (-30 / 20)), ("-inf", None)):
        volume = f'unit="decibel" min="{low}" max="0"'
        project = read("share.dawproject", packed(document(shares, volume=volume).encode()))
        if heard is None:  # no share of an endless range is a level
            assert not project.tracks[0].lanes and "could not be read" in project.warnings[0]
        else:
            assert evaluate(lane_of(project), 2.0) == pytest.approx(heard)


def test_a_target_without_a_name_is_no_parameter_without_one(read: Read) -> None:
    nameless = document('<Lanes><Points><Target/><RealPoint time="1" value="1"/></Points></Lanes>')
    project = read("nameless.dawproject", packed(nameless.replace('id="v1"', "").encode()))
    assert not project.tracks[0].lanes and "unknown" in project.warnings[0]


def test_what_shapes_one_note_or_waits_to_be_launched_is_no_lane(read: Read) -> None:
    own = '<Points><Target expression="channelController" controller="11"/><RealPoint time="0" value="1"/></Points>'
    lanes = (
        f'<Lanes track="tr1"><Notes><Note time="1" duration="1" channel="0" key="60">{own}</Note></Notes>'
        f'<ClipSlot><Clip time="0" duration="4"><Points>{LINE}</Points></Clip></ClipSlot>'
        f'<Clips><Clip time="0" duration="4" enable="0"><Points>{LINE}</Points></Clip></Clips></Lanes>'
    )
    assert read("apart.dawproject", packed(document(lanes).encode())).tracks[0].lanes == ()


def test_the_automation_of_something_unknown_is_told(read: Read) -> None:
    lanes = '<Points><Target parameter="gone"/><RealPoint time="0" value="1"/></Points>'
    project = read("gone.dawproject", packed(document(lanes).encode()))
    assert not project.tracks[0].lanes and "'gone'" in project.warnings[0]


def test_endless_loops_end(read: Read) -> None:
    clip = '<Clip time="0" duration="8e6" loopEnd="1e-6" name="tiny"><Points>' + LINE + "</Points>{}</Clip>"
    for inner in ("", '<Clips><Clip time="0" duration="1" loopEnd="1e-9"/></Clips>'):
        project = read("loop.dawproject", packed(document(CLIPS.format(clip.format(inner))).encode()))
        assert len(project.warnings) == 1 and "comes round too often" in project.warnings[0]


def test_a_line_inside_a_clip_in_seconds_on_an_arrangement_in_beats(read: Read) -> None:
    clips = f'<Clip time="4" duration="4" contentTimeUnit="seconds" playStart="1"><Points>{LINE}</Points></Clip>'
    project = read("mixed.dawproject", packed(document(CLIPS.format(clips), bpm=120).encode()))
    assert points(lane_of(project)) == [(2.0, 0.25), (4.0, 0.75)]


@pytest.mark.parametrize(
    ("unit", "points", "wanted"),
    [
        # Beat 8, after 4 beats at 60 and then at 120; the points in either order.
        ("beats", [(0, 60, "hold"), (4, 120, "hold")], 6.0),
        ("beats", [(4, 120, ""), (0, 60, "")], 6.0),
        ("seconds", [(0, 60, "hold"), (4, 120, "hold")], 6.0),
        ("seconds", [(4, 120, "hold"), (0, 60, "hold")], 6.0),
        ("beats", [(0, 60, "linear"), (4, 120, "linear")], 4 * math.log(2) + 2),
        ("seconds", [(0, 60, "linear"), (4, 120, "linear")], 5.0),  # six beats in the first four seconds
        ("beats", [(4, 120, "hold")], 4.0),  # before its first point the tempo is that point's
    ],
)
def test_a_tempo_that_changes(read: Read, unit: str, points: list[tuple[float, float, str]], wanted: float) -> None:
    tempo = "".join(f'<RealPoint time="{t}" value="{v}" interpolation="{i}"/>' for t, v, i in points)
    automation = f'<TempoAutomation unit="bpm" timeUnit="{unit}"><Target parameter="t0"/>{tempo}</TempoAutomation>'
    markers = '<Lanes timeUnit="beats"><Markers><Marker time="8" name="m"/></Markers></Lanes>'
    (marker,) = read("tempo.dawproject", packed(document(automation + markers).encode())).markers
    assert marker.time_s == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("time", [0.0, 1.0, 2.5, 3.9, 4.0, 4.1, 7.0])
def test_a_glide_in_seconds_is_linear_in_seconds(read: Read, time: float) -> None:
    """From 60 to 120 BPM in four seconds, then 90 at once: after t seconds t + t²/8 beats."""
    tempo = "".join(
        f'<RealPoint time="{at}" value="{bpm}" interpolation="linear"/>' for at, bpm in ((0, 60), (4, 120), (4, 90))
    )
    beat = time + time**2 / 8 if time <= 4 else 6 + (time - 4) * 1.5
    markers = f'<Markers timeUnit="beats"><Marker time="{beat!r}" name="m"/></Markers>'
    lanes = f'{markers}<TempoAutomation timeUnit="seconds"><Target parameter="t0"/>{tempo}</TempoAutomation>'
    clip = f'<Lanes timeUnit="seconds"><Clips><Clip time="{time}" duration="1" contentTimeUnit="beats">'
    lanes = f"{clip}<Points>{LINE}</Points></Clip></Clips></Lanes>{lanes}"
    project = read("glide.dawproject", packed(document(lanes).encode()))
    assert project.markers[0].time_s == pytest.approx(time, abs=1e-9)
    assert points(lane_of(project))[0][0] == pytest.approx(time, abs=1e-9)  # there and back again


def test_a_tempo_that_cannot_be_is_told_and_the_others_hold(read: Read) -> None:
    values = ((0, "60"), (2, "0"), ("x", "90"), (4, "120"))
    tempo = "".join(f'<RealPoint time="{t}" value="{v}" interpolation="hold"/>' for t, v in values)
    markers = '<Markers timeUnit="beats"><Marker time="8" name="m"/></Markers>'
    automation = f'{markers}<TempoAutomation><Target parameter="t0"/>{tempo}</TempoAutomation>'
    project = read("tempo.dawproject", packed(document(automation).encode()))
    assert project.markers[0].time_s == 6.0 and len(project.warnings) == 2


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-8-sig"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-16-le"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-16-be"),
        # What .NET writes into a text that it then saves as UTF-8.
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-8"),
        ('<?xml version="1.0" encoding="UTF8"?>', "utf-8"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>", "latin-1"),
    ],
)
def test_every_encoding_of_the_xml(read: Read, head: str, encoding: str) -> None:
    xml = head + document('<Lanes><Markers><Marker time="1" name="Tür"/></Markers></Lanes>')
    (marker,) = read("text.dawproject", packed(xml.encode(encoding))).markers
    assert (marker.name, marker.time_s) == ("Tür", 1.0)


def test_markers_in_seconds_with_colours_and_without_a_partner(read: Read) -> None:
    # The schema wants "Markers" in the arrangement and "markers" among its lanes.
    among = '<Lanes><markers timeUnit="seconds"><Marker time="2" name="among"/></markers></Lanes>'
    markers = (
        f'{among}<Markers timeUnit="seconds"><Marker time="3" name="rain&gt;" color="#00ff00"/>'
        '<Marker time="1" name="a &lt; b"/><Marker time="4.5" name="hit" comment="loud"/>'
        '<Marker time="9" name="wind&lt;"/><Marker name="nowhere"/></Markers>'
    )
    project = read("markers.dawproject", packed(document(markers, bpm=120).encode()))
    assert [(m.kind, m.name, m.time_s, m.color) for m in project.markers] == [
        ("marker", "among", 2.0, None),
        ("marker", "rain>", 3.0, "#00ff00"),
        ("marker", "a < b", 1.0, None),
        ("marker", "hit", 4.5, None),
        ("marker", "wind<", 9.0, None),
    ]
    assert len(project.warnings) == 1


def test_a_marker_inside_a_clip_stands_where_the_clip_plays_it(read: Read) -> None:
    inside = "".join(f'<Marker time="{at}" name="m{at}"/>' for at in (0, 1, 3, 9))
    clips = f'<Clip time="10" duration="5" playStart="1" loopStart="0" loopEnd="3"><markers>{inside}</markers></Clip>'
    project = read("inside.dawproject", packed(document(CLIPS.format(clips)).encode()))
    assert [(m.name, m.time_s) for m in project.markers] == [("m1", 10.0), ("m0", 12.0), ("m1", 13.0)]


@pytest.mark.parametrize("member", ["Project.xml", "song/project.xml", "metadata.xml"])
def test_a_zip_without_its_project_says_so(read: Read, member: str) -> None:
    with pytest.raises(ProjectError, match=r"no project\.xml"):
        read("empty.dawproject", packed(b"<Project/>", member))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packing_that_may_ask_for_gigabytes_is_refused(read: Read, method: int) -> None:
    with pytest.raises(ProjectError, match="no DAW uses"):
        read("lzma.dawproject", packed(b"<Project/>", method=method))
