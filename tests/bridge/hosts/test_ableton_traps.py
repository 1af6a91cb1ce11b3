"""Live sets as versions 8 to 12 write them: what is easily read as something else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bridge.hosts import Lane, Project, ProjectError
from bridge.hosts.curves import evaluate, lane_curve
from bridge.hosts.time_axis import drawing

Read = Callable[[str, bytes | str], Project]

INITIAL = '<FloatEvent Id="0" Time="-63072000" Value="{}"/>'
TEMPO = '<Mixer><Tempo><Manual Value="{base}"/><AutomationTarget Id="8"/>{own}</Tempo>{more}</Mixer>'


def events(*points: tuple[float, float], kind: str = "Automation") -> str:
    inside = "".join(f'<FloatEvent Id="{i}" Time="{at}" Value="{v}"/>' for i, (at, v) in enumerate(points))
    return f"<{kind}><Events>{inside}</Events></{kind}>"


def envelope(target: int, inside: str) -> str:
    pointee = f'<EnvelopeTarget><PointeeId Value="{target}"/></EnvelopeTarget>'
    return f"<AutomationEnvelope>{pointee}{inside}</AutomationEnvelope>"


def envelopes(*all_of_them: str) -> str:
    return f"<AutomationEnvelopes><Envelopes>{''.join(all_of_them)}</Envelopes></AutomationEnvelopes>"


def live(
    tracks: str = "", main: str = "", *, rest: str = "", tag: str = "MainTrack", creator: str = "Ableton Live 12.1.5"
) -> str:
    main = main or f"<DeviceChain>{TEMPO.format(base=60, own='', more='')}</DeviceChain>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Ableton MajorVersion="5" Creator="{creator}"><LiveSet>'
        f"<Tracks>{tracks}</Tracks><{tag}><Name><EffectiveName Value='Main'/></Name>{main}</{tag}>"
        f"{rest}</LiveSet></Ableton>"
    )


def audio(
    inside: str, before: str = "", tag: str = "AudioTrack", name: str = '<Name><EffectiveName Value="Foley"/></Name>'
) -> str:
    return f"<{tag}>{name}{before}<DeviceChain>{inside}</DeviceChain></{tag}>"


def lanes(project: Project, name: str = "Foley") -> list[Lane]:
    return [lane for track in project.tracks if track.name == name for lane in track.lanes]


VOLUME = '<Mixer><Volume><Manual Value="1"/><AutomationTarget Id="1"/>{}</Volume></Mixer>'


@pytest.mark.parametrize("tag", ["AudioTrack", "MidiTrack", "GroupTrack", "ReturnTrack"])
@pytest.mark.parametrize("older", [True, False])
def test_the_fader_of_every_kind_of_track(read: Read, tag: str, older: bool) -> None:
    points = (-63072000.0, 1.0), (-4.0, 0.5), (0.0, 0.5), (0.0, 0.25), (2.5, 1.99526238)
    if older:
        track = audio(VOLUME.format(events(*points, kind="ArrangerAutomation")), tag=tag)
    else:
        track = audio(VOLUME.format(""), envelopes(envelope(1, events(*points))), tag)
    (lane,) = lanes(read("fader.als", live(track)))
    assert (lane.controls, lane.domain, lane.active) == ("volume", "db", True)
    assert [(p.time_s, p.value) for p in lane.points] == list(points[1:])


@pytest.mark.parametrize(
    ("where", "controls"),
    [
        ("<Mixer><Volume>{}</Volume></Mixer>", "volume"),
        ("<Mixer><Pan>{}</Pan></Mixer>", "pan"),
        ("<Mixer><SplitStereoPanR>{}</SplitStereoPanR></Mixer>", "pan"),
        ("<Mixer><Speaker>{}</Speaker></Mixer>", "param"),
        ("<Mixer><Sends><TrackSendHolder Id='0'><Send>{}</Send></TrackSendHolder></Sends></Mixer>", "send"),
        # None of these is the fader: Utility's gain, a plug-in's Volume, a chain in a rack, the level of a side chain.
        ("<DeviceChain><Devices><StereoGain><Gain>{}</Gain></StereoGain></Devices></DeviceChain>", "param"),
        ("<DeviceChain><Devices><Simpler><Volume>{}</Volume></Simpler></Devices></DeviceChain>", "param"),
        ("<DeviceChain><Devices><AudioEffectGroupDevice><Branches><AudioEffectBranch><MixerDevice><Volume>{}</Volume>"
         "</MixerDevice></AudioEffectBranch></Branches></AudioEffectGroupDevice></Devices></DeviceChain>", "param"),
        ("<DeviceChain><Devices><Compressor2><SideChain><RoutedInput><Volume>{}</Volume></RoutedInput></SideChain>"
         "</Compressor2></Devices></DeviceChain>", "param"),
        ("<DeviceChain><Devices><BeatRepeat><Tempo>{}</Tempo></BeatRepeat></Devices></DeviceChain>", "param"),
    ],
)  # fmt: skip
def test_what_a_lane_controls(read: Read, where: str, controls: str) -> None:
    track = audio(where.format('<AutomationTarget Id="1"/>'), envelopes(envelope(1, events((1.0, 0.5)))))
    assert [lane.controls for lane in lanes(read("controls.als", live(track)))] == [controls]


def test_modulation_clip_envelopes_and_clips_are_no_lanes(read: Read) -> None:
    modulation = f'<ModulationTarget Id="2"/>{events((1.0, 0.1), kind="ModulationAutomation")}'
    pointee = '<EnvelopeTarget><PointeeId Value="1"/></EnvelopeTarget>'
    clip = f"<Envelopes><Envelopes><ClipEnvelope>{pointee}{events((0, 0))}</ClipEnvelope></Envelopes></Envelopes>"
    listed = f"<ArrangerAutomation><Events><AudioClip Time='4'>{clip}</AudioClip></Events></ArrangerAutomation>"
    clips = f"<MainSequencer><Sample><AutomationTarget Id='3'/>{listed}</Sample></MainSequencer>"
    project = read("clips.als", live(audio(VOLUME.format(modulation) + clips)))
    assert not lanes(project) and not project.warnings


def test_two_lists_of_one_fader_are_merged_once(read: Read) -> None:
    twice = envelopes(envelope(1, events((1.0, 0.5), (2.0, 0.25))), envelope(1, events((1.0, 0.5), (1.5, 0.75))))
    project = read("twice.als", live(audio(VOLUME.format(""), twice)))
    assert [(p.time_s, p.value) for p in lanes(project)[0].points] == [(1.0, 0.5), (1.5, 0.75), (2.0, 0.25)]
    assert "merged" in project.warnings[0]


def test_a_bent_segment_bends_as_its_two_controls_say(read: Read) -> None:
    controls = 'CurveControl1X="0.5" CurveControl1Y="0" CurveControl2X="1" CurveControl2Y="0.5"'
    bent = f'<FloatEvent Time="0" Value="1" {controls}/>'
    half = '<FloatEvent Time="4" Value="0.1" CurveControl1X="0.5" CurveControl1Y="0"/>'  # without its second control
    straight = 'CurveControl1X="0.5" CurveControl1Y="0.5" CurveControl2X="0.5" CurveControl2Y="0.5"'
    inside = f'<Automation><Events>{bent}{half}<FloatEvent Time="8" Value="1" {straight}/></Events></Automation>'
    (lane,) = lanes(read("bent.als", live(audio(VOLUME.format(""), envelopes(envelope(1, inside))))))
    assert [(p.shape, p.control) for p in lane.points] == [
        ("cubic", (0.5, 0.0, 1.0, 0.5)), ("linear", None), ("linear", None)]  # fmt: skip
    # Where the Bézier's parameter is one half: x = 0.6875, y = 0.3125 of the 20 dB down.
    assert 20 * np.log10(evaluate(lane, 4 * 0.6875)) == pytest.approx(-20 * 0.3125, abs=1e-6)


@pytest.mark.parametrize(
    "name",
    ['<Name><EffectiveName Value="Foley"/><UserName Value="other"/></Name>', '<Name><UserName Value="Foley"/></Name>',
     '<Name><EffectiveName Value=""/><UserName Value="Foley"/></Name>', '<Name Value="Foley"/>'],
)  # fmt: skip
def test_names_of_all_versions(read: Read, name: str) -> None:
    track = audio(VOLUME.format(events((1, 1), kind="ArrangerAutomation")), name=name)
    assert [one.name for one in read("names.als", live(track)).tracks] == ["Foley"]


def test_live_8_names_no_targets(read: Read) -> None:
    fader, tempo = (events(*points, kind="ArrangerAutomation") for points in (
        ((-63072000, 1), (2, 0.5)), ((-63072000, 60), (4, 60), (4, 120))))  # fmt: skip
    track = audio(f"<Mixer><Volume>{fader}</Volume><Pan>{fader}</Pan></Mixer>")
    main = f"<MasterChain><Mixer><Tempo>{tempo}</Tempo><Volume>{fader}</Volume></Mixer></MasterChain>"
    project = read("eight.als", live(track, main, tag="MasterTrack", creator="Ableton Live 8.4.2"))
    assert [(lane.controls, [(p.time_s, p.value) for p in lane.points]) for lane in lanes(project)] == [
        ("volume", [(2.0, 0.5)]), ("pan", [(2.0, 0.5)])]  # fmt: skip
    assert [lane.controls for lane in lanes(project, "Main")] == ["volume"]
    assert [(p.time_s, p.bpm) for p in project.tempo] == [(0.0, 60.0), (4.0, 60.0), (4.0, 120.0)]


# --------------------------------------------------------------------------------------------------- tempo, locators


@pytest.mark.parametrize(
    ("creator", "tag", "main"),
    [
        ("Ableton Live 8.4.2", "MasterTrack", "<MasterChain>{chain}</MasterChain>"),
        ("Ableton Live 9.7.1", "MasterTrack", "<DeviceChain>{chain}</DeviceChain>"),
        ("Ableton Live 10.1.7", "MasterTrack", "{beside}<DeviceChain>{chain}</DeviceChain>"),
        ("Ableton Live 12.0.1", "MainTrack", "{beside}<DeviceChain>{chain}</DeviceChain>"),
    ],
)
def test_the_main_tracks_fader_and_tempo_of_all_versions(read: Read, creator: str, tag: str, main: str) -> None:
    tempo, fader = ((-63072000, 60), (4, 60), (4, 120), (8, 120)), ((-63072000, 1), (6, 0.5))
    if "{beside}" in main:
        beside = envelopes(envelope(8, events(*tempo)), envelope(1, events(*fader)))
        chain = TEMPO.format(base=99, own="", more=VOLUME.format("")[7:-8])
    else:
        beside = ""
        chain = TEMPO.format(
            base=99, own=events(*tempo, kind="ArrangerAutomation"),
            more=VOLUME.format(events(*fader, kind="ArrangerAutomation"))[7:-8],
        )  # fmt: skip
    text = live("", main.format(chain=chain, beside=beside), tag=tag, creator=creator)
    project = read("main.als", text)
    (lane,) = lanes(project, "Main")
    assert (lane.controls, [(p.time_s, p.value) for p in lane.points]) == ("volume", [(5.0, 0.5)])
    assert [(p.time_s, p.bpm) for p in project.tempo] == [(0.0, 60.0), (4.0, 60.0), (4.0, 120.0), (6.0, 120.0)]


LOCATOR = '<Locator Id="0"><LomId Value="0"/><Time Value="{}"/><Name Value="{}"/><IsSongStart Value="false"/></Locator>'


def located(read: Read, *inside: str, tempo: str = "", manual: float = 60) -> list[float]:
    locators = "".join(LOCATOR.format(beat, f"at {beat}") for beat in (0, 2, 4, 6, 8, 12))
    beside = envelopes(envelope(8, f"<Automation><Events>{''.join(inside)}</Events></Automation>")) if inside else ""
    main = f"{beside}<DeviceChain>{TEMPO.format(base=manual, own='', more='')}</DeviceChain>"
    project = read("located.als", live("", main, rest=f"<Locators><Locators>{locators}</Locators></Locators>"))
    assert [m.name for m in project.markers] == [f"at {beat}" for beat in (0, 2, 4, 6, 8, 12)]
    return [m.time_s for m in project.markers]


def test_tempo_stands_glides_and_steps(read: Read) -> None:
    def at(beat: float, bpm: float, curve: str = "") -> str:
        return f'<FloatEvent Id="1" Time="{beat}" Value="{bpm}" {curve}/>'

    start = INITIAL.format(60)
    assert located(read) == pytest.approx([0, 2, 4, 6, 8, 12])
    assert located(read, INITIAL.format(120), manual=60) == pytest.approx([0, 1, 2, 3, 4, 6])
    ln2 = np.log(2)
    assert located(read, start, at(4, 60), at(8, 120)) == pytest.approx(
        [0, 2, 4, 4 + 4 * np.log(1.5), 4 + 4 * ln2, 6 + 4 * ln2], abs=1e-9)  # fmt: skip
    assert located(read, start, at(4, 60), at(4, 120)) == pytest.approx([0, 2, 4, 5, 6, 8])
    # An event before the song counts as well.
    assert located(read, start, at(-4, 60), at(0, 120)) == pytest.approx([0, 1, 2, 3, 4, 6])


def test_a_bent_glide_of_tempo(read: Read) -> None:
    # With both controls on the diagonal the bend is a straight glide; with these it is 60 + 60·f² BPM, f = beat/8.
    straight = 'CurveControl1X="0.3" CurveControl1Y="0.3" CurveControl2X="0.7" CurveControl2Y="0.7"'
    square = f'CurveControl1X="{1 / 3}" CurveControl1Y="0" CurveControl2X="{2 / 3}" CurveControl2Y="{1 / 3}"'
    ends = '<FloatEvent Time="0" Value="60" {}/><FloatEvent Time="8" Value="120"/>'
    times = located(read, INITIAL.format(60), ends.format(straight))
    assert times[4] == pytest.approx(8 * np.log(2), abs=1e-6)
    times = located(read, INITIAL.format(60), ends.format(square))
    assert times[:5] == pytest.approx([8 * np.arctan(beat / 8) for beat in (0, 2, 4, 6, 8)], abs=1e-3)


STEEP = 'CurveControl1X="0.9" CurveControl1Y="0.1" CurveControl2X="0.95" CurveControl2Y="0.2"'


@pytest.mark.parametrize(
    ("tempo", "length"),
    [(((-63072000, 60), (8, 60), (8, 180)), 8 + 8 / 3), (((-63072000, 60), (0, 60), (16, 180)), 8 * np.log(3))],
)
def test_a_bend_keeps_its_course_where_the_tempo_changes(
    read: Read, tempo: tuple[tuple[float, float], ...], length: float
) -> None:
    def faded(*points: tuple[float, float]) -> Project:
        bent = f'<FloatEvent Time="0" Value="1" {STEEP}/><FloatEvent Time="16" Value="0.01"/>'
        own = envelope(1, f"<Automation><Events>{bent}</Events></Automation>")
        chain = TEMPO.format(base=60, own="", more="")
        main = f"{envelopes(envelope(8, events(*points)))}<DeviceChain>{chain}</DeviceChain>"
        return read("bends.als", live(audio(VOLUME.format(""), envelopes(own)), main))

    project = faded(*tempo)
    (straight,), (lane,) = lanes(faded((-63072000, 60))), lanes(project)
    assert [(p["time_s"], p["shape"]) for p in lane.to_json()["points"]] == [  # type: ignore[attr-defined]
        (0.0, "cubic"), (pytest.approx(length), "linear")]  # fmt: skip
    assert "2 points, " in drawing(project, 80)
    beats = np.linspace(0.1, 15.9, 159)
    if len(tempo) == 3 and tempo[1][0] == 8:
        seconds = np.where(beats < 8, beats, 8 + (beats - 8) / 3)
    else:
        seconds = 8 * np.log1p(beats / 8)
    for beat, second in zip(beats, seconds, strict=True):
        assert 20 * np.log10(evaluate(lane, second) / evaluate(straight, beat)) == pytest.approx(0.0, abs=0.05)
    # And where a span cuts the bend.
    curve = lane_curve(straight, 2.0, 14.0).sample(beats[19:] - 2.0)
    assert curve == pytest.approx([20 * np.log10(evaluate(straight, beat)) for beat in beats[19:]], abs=0.05)


@pytest.mark.parametrize("time", ["", "nan", "1e300", "x"])
def test_a_locator_out_of_reach_is_told(read: Read, time: str) -> None:
    project = read("far.als", live(rest=f"<Locators><Locators>{LOCATOR.format(time, 'far')}</Locators></Locators>"))
    assert not project.markers and "locator 'far'" in project.warnings[0]


def test_damaged_points_are_told_and_left_out(read: Read) -> None:
    bad = '<FloatEvent Time="x" Value="1"/><FloatEvent Value="1"/><FloatEvent Time="1" Value="nan"/><Odd Time="1"/>'
    inside = f'<Automation><Events>{bad}<FloatEvent Time="2" Value="1"/></Events></Automation>'
    project = read("bad.als", live(audio(VOLUME.format(""), envelopes(envelope(1, inside)))))
    assert [p.time_s for p in lanes(project)[0].points] == [2.0]
    assert project.warnings == ("Volume: 3 point(s) could not be read and are left out",)


@pytest.mark.parametrize(
    "text",
    ["<Ableton Creator='Ableton Live 12.1'>", "<Ableton Creator='x'><LiveSet>&bomb;</LiveSet></Ableton>",
     "<!DOCTYPE a [<!ENTITY b 'c'>]><Ableton Creator='x'><LiveSet/></Ableton>"],
)  # fmt: skip
def test_cut_and_hostile_xml_is_one_line(read: Read, text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read("bad.als", text)
    assert "\n" not in str(caught.value)
