"""Takes written into copies of projects: read back by our readers, and by a real Ardour."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from bridge.bounce import Bounce, BouncedCue, BouncedTake
from bridge.bounce_plan import plan
from bridge.broadcast_wave import write_broadcast_wave
from bridge.errors import UserError
from bridge.hosts import Marker, Project, Track, read_project
from bridge.hosts.ardour_writer import write_ardour
from bridge.hosts.dawproject_writer import write_dawproject
from bridge.hosts.reaper_writer import write_reaper
from bridge.hosts.rpp_text import parse_rpp
from bridge.hosts.write_back import PlacedTake, TakeTrack, check_writable, take_tracks
from tests.e2e.ardour_rig import export_session


def take(folder: Path, name: str, time_s: float, rate: int = 48000, pitch: float = 440.0) -> PlacedTake:
    path = folder / f"{name}.wav"
    audio = (0.5 * np.sin(2 * np.pi * pitch * np.arange(rate) / rate)).astype(np.float32)
    write_broadcast_wave(path, audio[:, None], rate=rate, time_reference=round(time_s * rate))
    return PlacedTake(path, name, time_s, rate, rate, 1)


@pytest.fixture
def track(tmp_path: Path) -> TakeTrack:
    folder = tmp_path / "takes"
    folder.mkdir()
    return TakeTrack("Guide", ((take(folder, "old", 1.5, pitch=300.0), take(folder, "new", 1.5)),))


def written(tmp_path: Path, name: str, content: bytes) -> Project:
    path = tmp_path / name
    path.write_bytes(content)
    return read_project(path)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_reaper_keeps_every_byte_and_adds_an_item_with_takes(
    samples: ModuleType, tmp_path: Path, track: TakeTrack, newline: str, encoding: str
) -> None:
    original = samples.RPP.replace("plain 'one'", "Tür").replace("\n", newline).encode(encoding)
    project = written(tmp_path, "song.rpp", original)
    copy = write_reaper(project, (track,))
    at = next(i for i, (a, b) in enumerate(zip(original, copy, strict=False)) if a != b)
    grown = len(copy) - len(original)
    assert copy[:at] + copy[at + grown :] == original
    block = list(parse_rpp(copy.decode(encoding))[0].blocks("TRACK"))[-1]
    (item,) = block.blocks("ITEM")
    assert block.line("NAME") == ["Guide · Foley"] and item.line("POSITION") == ["1.5"]
    assert [name[1] for name in item.lines("NAME")] == ["old", "new"]
    assert list(item.lines("TAKE")) == [["TAKE", "SEL"]]
    assert [source.line("FILE") for source in item.blocks("SOURCE")] == [["takes/old.wav"], ["takes/new.wav"]]
    assert written(tmp_path, "copy.rpp", copy).tracks[:-1] == project.tracks
    assert write_reaper(project, (track,)) == copy  # the same ids every time


def test_reaper_lines_of_any_encoding_stay_and_new_ones_can_be_read(
    samples: ModuleType, tmp_path: Path, track: TakeTrack
) -> None:
    # What no table knows (0x81), what an old REAPER wrote (0xfc), and UTF-8 of a later one, in one file.
    names = (b"Gr\xfcn \x81", "Tür".encode())
    tracks = b"".join(b"<TRACK\nNAME '%s'\n>\n" % name for name in names)
    original = samples.RPP.rstrip().removesuffix(">").encode() + tracks + b">\n"
    project = written(tmp_path, "song.rpp", original)
    assert [one.name for one in project.tracks][-2:] == ["Grün \x81", "Tür"]
    copy = write_reaper(project, (TakeTrack("ドア", track.cues), TakeTrack("Tür", track.cues)))
    assert copy.startswith(original[:-2]) and copy.endswith(original[-2:])
    assert [one.name for one in written(tmp_path, "copy.rpp", copy).tracks][-2:] == ["ドア · Foley", "Tür · Foley"]


def test_takes_in_a_copy_of_a_copy_have_ids_of_their_own(samples: ModuleType, tmp_path: Path, track: TakeTrack) -> None:
    first = write_reaper(written(tmp_path, "song.rpp", samples.RPP.encode()), (track,)).decode()
    second = write_reaper(written(tmp_path, "copy.rpp", first.encode()), (track,)).decode()
    old, new = ([line for line in text.splitlines() if "GUID" in line] for text in (first, second))
    assert len(new) > len(old) and len(set(new)) - len(new) == len(set(old)) - len(old)


def test_a_cut_reaper_project_is_not_written_back(samples: ModuleType, tmp_path: Path, track: TakeTrack) -> None:
    project = written(tmp_path, "cut.rpp", samples.RPP[:-4].encode())
    with pytest.raises(UserError, match="cut off"):
        write_reaper(project, (track,))


@pytest.mark.parametrize("sample", ["ARDOUR_7", "ARDOUR_3"])
def test_ardour_gets_a_route_after_the_model_with_muted_older_takes(
    samples: ModuleType, tmp_path: Path, track: TakeTrack, sample: str
) -> None:
    project = written(tmp_path, "s.ardour", getattr(samples, sample).encode())
    copy = written(tmp_path, "copy.ardour", write_ardour(project, (track,)))
    assert [one.name for one in copy.tracks if one.name.endswith("Foley")] == ["Guide · Foley"]
    assert next(one for one in copy.tracks if one.name == "Guide · Foley").lanes == ()
    assert [one for one in copy.tracks if not one.name.endswith("Foley")] == list(project.tracks)
    text = copy.path.read_text(encoding="utf-8")
    position = "a282240000@a423360000" if sample == "ARDOUR_7" else 'position="66150"'
    assert text.count(position) == 2 and text.count('muted="1"') == 1
    ids = [word for word in text.split() if word.startswith("id=")]
    assert len(ids) == len(set(ids))


def test_an_ardour_session_without_an_audio_track(samples: ModuleType, tmp_path: Path, track: TakeTrack) -> None:
    project = written(tmp_path, "two.ardour", samples.ARDOUR_2.encode())
    with pytest.raises(UserError, match="Ardour 3 or later"):
        write_ardour(project, (track,))


MODEL = """<Session version="7002" name="s" sample-rate="48000" id-counter="99"><Sources/><Routes>
<Route id="1" name="Master" default-type="audio">
<IO id="2" name="Master" direction="Input"><Port name="Master/audio_in 1"/><Port name="Master/audio_in 2"/></IO></Route>
<Route id="3" name="First" default-type="audio" active="0" mode="Normal">
<PresentationInfo order="1" flags="AudioTrack"/>
<IO id="4" name="First" direction="Output">
<Port name="First/audio_out 1"><Connection other="Elsewhere/audio_in 1"/></Port></IO></Route>
<Route id="5" name="Guide" default-type="audio" active="0" mode="NonLayered" route-group="7"
 disk-io-point="DiskIOPostFader">
<PresentationInfo order="2" flags="AudioTrack,Hidden,Selected,OrderSet,TriggerTrack"/>
<Controllable name="solo" id="6" value="1" self-solo="1"><masters><master id="40" yn="1"/></masters></Controllable>
<Controllable name="phase" id="7" value="1" phase-invert="01"/><Controllable name="mute" id="8" value="1"/>
<IO id="9" name="Guide" direction="Input"><Port name="Guide/audio_in 1"><Connection other="system:capture_1"/></Port>
<Port name="Guide/audio_in 2"/></IO>
<IO id="10" name="Guide" direction="Output">
<Port name="Guide/audio_out 1"><Connection other="Foley bus/audio_in 1"/></Port></IO>
<MuteMaster muted="1"/><Pannable><Controllable name="pan-azimuth" id="11" value="0"/></Pannable>
<Processor id="12" name="Amp" active="0" type="amp"><Controllable name="gaincontrol" id="13" value="0.1"/></Processor>
<Processor id="14" name="Comp" active="1" type="lv2"/><Slavable><Master number="1"/></Slavable>
<Controllable name="monitor" id="15" value="1" monitoring="MonitorInput"/></Route>
</Routes><Playlists/></Session>"""


def test_an_ardour_take_track_is_heard_by_the_way_of_the_drawn_one_and_unchanged(
    tmp_path: Path, track: TakeTrack
) -> None:
    project = written(tmp_path, "s.ardour", MODEL.encode())
    session = ElementTree.fromstring(write_ardour(project, (track, TakeTrack("Bus", track.cues))))
    route, other = session.findall("./Routes/Route")[-2:]
    assert (route.get("name"), route.get("active"), route.get("mode")) == ("Guide · Foley", "1", "Normal")
    assert route.get("disk-io-point") == "DiskIOPreFader" and route.get("route-group") is None
    flags = [one.get("flags", "") for one in route.iter("PresentationInfo")]
    assert flags == ["AudioTrack,OrderSet"]
    controls = {one.get("name"): one.attrib for one in route.iter("Controllable")}
    assert {name: one["value"] for name, one in controls.items()} == {
        "solo": "0",
        "phase": "0",
        "mute": "0",
        "gaincontrol": "1",
        "monitor": "0",
    }
    assert (controls["solo"]["self-solo"], controls["phase"]["phase-invert"]) == ("0", "0")
    assert controls["monitor"]["monitoring"] == "" and "pan-azimuth" not in controls
    assert [one.get("active") for one in route.iter("Processor")] == ["1"]
    assert route.find("MuteMaster[@muted='0']") is not None and not list(route.iter("Master"))
    # A track plays as many channels as it has inputs, and a take has one.
    ports = [(one.get("name"), [to.get("other") for to in one]) for one in route.iter("Port")]
    assert ports == [("Guide · Foley/audio_in 1", []), ("Guide · Foley/audio_out 1", ["Foley bus/audio_in 1"])]
    # What was drawn on a bus is modelled on the first track, and goes to the middle of the master.
    assert [to.get("other") for to in other.iter("Connection")] == ["Master/audio_in 1", "Master/audio_in 2"]
    assert (other.get("name"), other.get("active")) == ("Bus · Foley", "1")


def test_an_ardour_take_track_does_not_get_the_playlist_of_one_that_is_gone(
    samples: ModuleType, tmp_path: Path, track: TakeTrack
) -> None:
    old = '<UnusedPlaylists><Playlist id="990" name="Guide · Foley" type="audio"/></UnusedPlaylists></Session>'
    text = samples.ARDOUR_3.replace("<UnusedPlaylists/>", "").replace("</Session>", old)
    copy = write_ardour(written(tmp_path, "s.ardour", text.encode()), (track,)).decode()
    assert [one.get("name") for one in ElementTree.fromstring(copy).iter("Playlist")].count("Guide · Foley") == 1
    assert 'name="Guide · Foley 2"' in copy


def test_overlapping_takes_of_an_ardour_track_do_not_silence_each_other(samples: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    cues = [(take(tmp_path / "takes", name, at),) for name, at in (("a", 1.0), ("b", 1.5), ("c", 2.5), ("d", 9.0))]
    project = written(tmp_path, "s.ardour", samples.ARDOUR_7.encode())
    session = ElementTree.fromstring(write_ardour(project, (TakeTrack("Guide", tuple(cues)),)))
    regions = [
        one for one in session.iterfind("./Playlists/Playlist/Region") if one.get("name") in ("a", "b", "c", "d")
    ]
    # b sounds while a does; c begins where b has just ended.
    assert [(one.get("name"), one.get("opaque")) for one in regions] == [("a", "0"), ("b", "0"), ("c", "1"), ("d", "1")]


def test_overlapping_takes_of_a_dawproject_lie_on_tracks_of_their_own(samples: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    cues = [(take(tmp_path / "takes", name, at),) for name, at in (("c", 2.0), ("b", 1.5), ("a", 1.0))]
    project = written(tmp_path, "song.dawproject", samples.dawproject())
    data = write_dawproject(project, (TakeTrack("Guide", tuple(cues)),))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ElementTree.fromstring(archive.read("project.xml"))
    names = {one.get("id"): one.get("name") for one in root.iter("Track")}
    lanes = {names[one.get("track")]: [c.get("name") for c in one.iter("Clip")] for one in root.iter("Lanes")
             if one.get("track") in names}  # fmt: skip
    assert lanes["Guide · Foley"] == ["a", "c"] and lanes["Guide · Foley 2"] == ["b"]


def test_dawproject_gets_audio_clips_and_keeps_its_members(
    samples: ModuleType, tmp_path: Path, track: TakeTrack
) -> None:
    project = written(tmp_path, "song.dawproject", samples.dawproject())
    data = write_dawproject(project, (track,))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # A member of the same name is there already: it stays, and the take gets another.
        assert archive.read("audio/old.wav") == b"RIFF"
        assert archive.read("audio/old 2.wav") == (tmp_path / "takes" / "old.wav").read_bytes()
        assert archive.read("audio/new.wav") == (tmp_path / "takes" / "new.wav").read_bytes()
        xml = archive.read("project.xml").decode()
    copy = written(tmp_path, "copy.dawproject", data)
    assert [one.name for one in copy.tracks][-2:] == ["Guide · Foley", "Guide · Foley (1 older)"]
    assert copy.tracks[: len(project.tracks)] == project.tracks and copy.markers == project.markers
    beat = project_beat(1.5)
    assert f'time="{beat:.15g}"' in xml and write_dawproject(project, (track,)) == data


def test_what_a_dawproject_lacks_is_added_where_its_schema_wants_it(tmp_path: Path, track: TakeTrack) -> None:
    xml = '<Project version="1.0"><Arrangement><Markers/><TempoAutomation/></Arrangement><Scenes/></Project>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("project.xml", xml)
    data = write_dawproject(written(tmp_path, "song.dawproject", out.getvalue()), (track,))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ElementTree.fromstring(archive.read("project.xml"))
    assert [child.tag for child in root] == ["Structure", "Arrangement", "Scenes"]
    assert [child.tag for child in root[1]] == ["Lanes", "Markers", "TempoAutomation"]


def project_beat(time_s: float) -> float:
    """The beat at a time of the sample, whose tempo glides from 60 to 120 BPM over four beats."""
    return 4.0 * float(np.expm1(time_s / 4.0))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_take_lies_on_its_regions_sample_wherever_the_timecode_begins(tmp_path: Path, rate: int) -> None:
    start_s = 108_003 * 1001 / 30000  # no whole number of samples
    region = Marker("region", "Guide: rain", 1.5, 2.5)
    project = Project("rpp", "7", tmp_path / "song.rpp", rate, start_s=start_s, tracks=(Track("Guide"),),
                      markers=(region,))  # fmt: skip
    (planned,) = plan(project).cues
    made = BouncedTake(tmp_path / "t.wav", 1, planned.cue.span.start_samples, rate, rate, 1, None, ())
    (placed,) = take_tracks(project, Bounce((BouncedCue(planned, (made,), found=False),), ()))
    assert placed.cues[0][0].time_s == 1.5


def test_other_formats_say_what_to_do(samples: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--write-back knows"):
        check_writable(written(tmp_path, "song.mid", samples.midi()))


@pytest.mark.parametrize("name", ["cut.rpp", "midi.ardour"])
def test_a_project_that_takes_no_track_is_told_before_anything_is_rendered(
    samples: ModuleType, tmp_path: Path, name: str
) -> None:
    midi = MODEL.replace('default-type="audio"', 'default-type="midi"')
    project = written(tmp_path, name, (samples.RPP[:-4] if name == "cut.rpp" else midi).encode())
    with pytest.raises(UserError, match=r"cut off|needs an audio track"):
        check_writable(project)


MAKE_SESSION = """
local s = create_session ("{folder}", "s1", 48000)
local last, mode = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
local r = s:new_audio_track (1, 2, nil, 1, "Guide", last, mode, true):front ()
local al = r:gain_control ():alist ()
local function T (x) return Temporal.timepos_t (x) end
al:add (T (0), 0.1, false, true) al:add (T (48000), 1.0, false, true) al:add (T (96000), 0.05, false, true)
al:add (T (144000), 0.0, false, true)
r:gain_control ():set_automation_state (ARDOUR.AutoState.Play)
for i = 0, 29 do print ("EVAL", i * 4800, string.format ("%.17g", al:eval (T (i * 4800)))) end
s:save_state ("") s:close () quit ()
"""


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("ardour7-export"), reason="needs Ardour 7 (Debian package ardour)")
def test_a_real_ardour_plays_the_take_and_draws_the_lane_as_we_do(tmp_path: Path) -> None:
    from bridge.hosts.curves import lane_curve

    folder = tmp_path / "s1"
    script = tmp_path / "make.lua"
    script.write_text(MAKE_SESSION.format(folder=folder), encoding="utf-8")
    made = subprocess.run(["ardour7-lua", script], capture_output=True, text=True, timeout=120, check=False)
    session = folder / "s1.ardour"
    assert session.exists(), f"ardour7-lua made no session: {made.stdout[-800:]}{made.stderr[-800:]}"
    # The session's own range is what gets exported; a session made without a window has none.
    text = session.read_text(encoding="utf-8")
    location = (
        '<Location id="9000" name="session" start="a0" end="a846720000" flags="IsSessionRange" locked="0" cue="0"/>'
    )
    session.write_text(text.replace("<Locations/>", f"<Locations>{location}</Locations>"), encoding="utf-8")

    project = read_project(session)
    (lane,) = [lane for one in project.tracks for lane in one.lanes if lane.controls == "volume"]
    evaluated = [line.split()[1:] for line in made.stdout.splitlines() if line.startswith("EVAL")]
    assert len(evaluated) == 30
    times = np.array([int(sample) / 48000 for sample, _ in evaluated])
    theirs = 20 * np.log10([float(gain) for _, gain in evaluated])
    ours = lane_curve(lane, 0.0, 4.0).sample(times)
    loud = theirs > -60.0
    assert loud.sum() > 20 and np.abs(ours[loud] - theirs[loud]).max() < 0.01

    takes = TakeTrack("Guide", ((take(tmp_path, "old", 0.5, pitch=300.0), take(tmp_path, "new", 0.5)),))
    (folder / "s1 Foley.ardour").write_bytes(write_ardour(project, (takes,)))
    exported = tmp_path / "out.wav"
    export_session(folder, "s1 Foley", exported)
    audio, rate = soundfile.read(exported, always_2d=True)
    sounding = np.flatnonzero(np.abs(audio).max(axis=1) > 1e-4)
    assert rate == 48000 and sounding[0] in (24000, 24001) and sounding[-1] in (71998, 71999)
    part = audio[30000:60000, 0]
    assert np.fft.rfftfreq(len(part), 1 / rate)[np.argmax(np.abs(np.fft.rfft(part)))] == pytest.approx(440.0, abs=2.0)
