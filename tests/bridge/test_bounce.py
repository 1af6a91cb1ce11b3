"""The bounce: which regions become cues, where their takes land, resuming, mixing, and the command around it all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from bridge.bounce import Bounce, bounce
from bridge.bounce_mix import MixedTake, mix_track
from bridge.bounce_plan import plan
from bridge.broadcast_wave import write_broadcast_wave
from bridge.cli import main
from bridge.errors import UserError
from bridge.hosts import Lane, LanePoint, Marker, Project, Track, VideoItem, read_project
from bridge.hosts.model import paired
from engine.cue import MaskPrompt
from engine.generator import Generator
from engine.take import Progress

LANE = Lane("volume", (LanePoint(0.0, 1.0), LanePoint(4.0, 0.1)), domain="db", name="fader")


def region(name: str, start: float = 1.0, end: float = 2.0, *, selected: bool = False, kind: str = "region") -> Marker:
    return Marker(kind, name, start, end, selected=selected)


def project(*markers: Marker, tracks: tuple[Track, ...] = (Track("Guide", (LANE,)),), **other: object) -> Project:
    base = Project("rpp", "7", Path("song.rpp"), sample_rate=44100, tracks=tracks, markers=markers)
    return replace(base, **other)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------- the plan


def test_two_markers_make_a_range_where_markers_have_no_length(tmp_path: Path) -> None:
    """A MIDI file at 120 BPM, 480 ticks per beat: the pair stands at 1 s and 3 s, the fader moves at 2 s."""
    song = mido.MidiFile(ticks_per_beat=480)
    conductor, steps = song.add_track(), song.add_track("Steps")
    for time, end in ((960, ">"), (1920, "<")):
        conductor.append(mido.MetaMessage("marker", text=f"Steps: footsteps on gravel #tight{end}", time=time))
    for time, value in ((0, 127), (1920, 64)):
        steps.append(mido.Message("control_change", control=11, value=value, time=time))
    song.save(tmp_path / "song.mid")
    read = read_project(tmp_path / "song.mid")
    assert [(one.kind, one.name) for one in read.markers] == [("region", "Steps: footsteps on gravel #tight")]
    (one,) = plan(read).cues
    assert (one.track, one.cue.prompt, one.cue.span.start_samples, one.cue.span.duration_s) == (
        "Steps",
        "footsteps on gravel",
        48000,
        2.0,
    )
    assert one.cue.loudness is not None
    before, after = one.cue.loudness.sample(np.array([0.5, 1.5]))
    assert before == pytest.approx(0.0) and after == pytest.approx(40 * np.log10(64 / 127), abs=0.01)


def test_pairs_may_nest_and_lose_a_partner() -> None:
    names = {"rain>": 1.0, "wind>": 2.0, "rain<": 3.0, "wind<": 4.0, "rain<<": 5.0, "hail>": 6.0, ">": 7.0}
    made = paired([Marker("marker", name, time) for name, time in names.items()])
    assert [(one.kind, one.name, one.time_s, one.end_s) for one in made] == [
        ("region", "rain", 1.0, 3.0),
        ("region", "wind", 2.0, 4.0),
        ("marker", "rain<<", 5.0, None),
        ("marker", "hail>", 6.0, None),
        ("marker", ">", 7.0, None),
    ]


def test_only_selected_named_and_track_regions_are_cues() -> None:
    made = plan(
        project(
            region("rain", selected=True),
            region("Guide: wind"),
            region("Verse 1"),
            replace(region("Chorus", selected=True), section=True),
            region("session", kind="session"),
            region("Loop", kind="loop"),
            region("Punch", kind="punch"),
            Marker("marker", "note", 1.5),
        )
    )
    assert [(one.track, one.cue.prompt) for one in made.cues] == [("Guide", "rain"), ("Guide", "wind")]
    assert [(marker.name, why) for marker, why in made.left_out] == [
        ("Verse 1", 'neither selected nor written "TRACK: prompt"'),
        ("Chorus", "a song section"),
        ("session", "the session's range"),
        ("Loop", "the loop range"),
        ("Punch", "the punch range"),
    ]
    assert [one.cue.prompt for one in plan(made.project, region="verse 1").cues] == ["Verse 1"]
    assert [one.cue.prompt for one in plan(made.project, region="wind").cues] == ["wind"]


def test_span_curve_and_options_of_a_cue() -> None:
    start = 3600.0
    (planned,) = plan(project(region("Guide: rain ! music #takes=2 #seed=9", 1.0, 3.0), start_s=start)).cues
    cue = planned.cue
    assert (cue.prompt, cue.negative_prompt, cue.takes, cue.seed) == ("rain", "music", 2, 9)
    assert (cue.span.start_samples, cue.span.rate, cue.span.duration_s) == (3601 * 44100, 44100, 2.0)
    assert cue.loudness is not None and cue.loudness.follow == "tight"
    assert cue.loudness.sample(np.array([0.0, 1.0, 2.0])) == pytest.approx([-5.0, -10.0, -15.0])


@pytest.mark.parametrize(("host", "samples"), [("ardour", (44100, 253472)), ("rpp", (44100, 253473))])
def test_a_time_between_samples_is_the_sample_that_the_host_takes_it_for(host: str, samples: tuple[int, int]) -> None:
    # Ardour's ranges may count beats; it plays them from the sample they fall into.
    regions = project(region("Guide: rain", 1.0, 253472.8 / 44100), format=host)
    (one,) = plan(regions).cues
    assert one.cue.span.start_samples == samples[0]
    assert one.cue.span.start_samples + round(one.cue.span.duration_s * 44100) == samples[1]


def test_a_region_without_a_prompt_takes_the_tracks_name_and_an_empty_lane_is_loose() -> None:
    (planned,) = plan(project(region("", selected=True), tracks=(Track("Door"),))).cues
    assert planned.cue.prompt == "Door"
    assert planned.cue.loudness is not None and planned.cue.loudness.follow == "loose"
    assert planned.cue.loudness.sample(np.array([0.5])) == pytest.approx([0.0])


def test_seeds_are_the_regions_own_and_the_same_every_time() -> None:
    def seeds(made: Project) -> list[int | None]:
        return [one.cue.seed for one in plan(made).cues]

    first = seeds(project(region("Guide: rain"), region("Guide: wind", 3.0, 4.0)))
    assert first == seeds(project(region("Guide: rain"), region("Guide: wind", 3.0, 4.0)))
    assert len(set(first)) == 2


def test_the_guide_plug_in_goes_before_the_fader_and_a_send_is_never_drawn_by() -> None:
    guide = Lane("param", (LanePoint(0.0, -12.0),), domain="db", guide=True)
    send = Lane("send", (LanePoint(0.0, 0.001),))
    (planned,) = plan(project(region("Guide: rain"), tracks=(Track("Guide", (send, LANE, guide)),))).cues
    assert planned.cue.loudness is not None
    assert planned.cue.loudness.sample(np.array([0.5])) == pytest.approx([-12.0])
    (planned,) = plan(project(region("Guide: rain"), tracks=(Track("Guide", (send,)),))).cues
    assert planned.notes == ("no lane is drawn: loose at 0 dB",)


def test_a_region_that_lies_there_twice_is_one_cue() -> None:
    twice = plan(project(region("Guide: rain"), region("Guide: rain"), region("Guide: rain", end=3.0)))
    assert [one.region.end_s for one in twice.cues] == [2.0, 3.0]
    assert [why for _, why in twice.left_out] == ["the same as a region before it"]


def test_of_tracks_with_one_name_the_selected_or_playing_one_draws() -> None:
    def named(gain: float, *, active: bool = True, selected: bool = False) -> Track:
        return Track("Guide", (Lane("volume", (LanePoint(0.0, gain),), active),), selected)

    def drawn(*tracks: Track) -> tuple[float | None, int]:
        (one,) = plan(project(region("Guide: rain"), tracks=tracks)).cues
        assert one.cue.loudness is not None
        return one.cue.loudness.points[0].value, len(one.notes)

    assert drawn(named(0.5), named(0.25, selected=True)) == (0.25, 0)
    assert drawn(named(0.5, active=False), named(0.25)) == (0.25, 0)
    assert drawn(Track("Guide", selected=True), named(0.25)) == (0.25, 0)
    assert drawn(named(0.5), named(0.25)) == (0.5, 1)  # which one is meant cannot be known: it is told
    with pytest.raises(UserError, match="switched off"):
        drawn(named(0.5), named(0.25, active=False, selected=True))


def test_markers_inside_are_masks_from_their_moment_on(tmp_path: Path) -> None:
    (tmp_path / "film.mov").write_bytes(b"")
    made = project(
        region("Guide: door @person", 1.0, 3.0),
        Marker("marker", "@door", 2.0),
        Marker("marker", "@late", 3.0),
        path=tmp_path / "song.rpp",
        video=(VideoItem("film.mov", 0.5, 10.0, 60.0, 2.0),),
    )
    (planned,) = plan(made).cues
    assert planned.cue.masks == (MaskPrompt("text", query="person"), MaskPrompt("text", query="door", time_s=1.0))
    assert planned.cue.video is not None
    assert planned.cue.video.path == str(tmp_path / "film.mov") and planned.cue.video.offset_s == 11.0
    with pytest.raises(UserError, match="need a video"):
        plan(replace(made, video=()))


@pytest.mark.parametrize(
    ("made", "options", "part"),
    [
        (project(), {}, "no region to bounce"),
        (project(region("Verse")), {}, "none of its 1 region(s) is a cue"),
        (project(region("Verse")), {"region": "Rain"}, "no region 'Rain'; its regions are 'Verse'"),
        (project(region("Verse")), {"track": "Bass"}, "no track 'Bass'; its tracks are 'Guide'"),
        (project(region("rain #lose", selected=True)), {}, "column 6: unknown option"),
        (project(region("Guide: rain", 1.0, 1.05)), {}, "duration_s"),
        (project(region("Guide: rain", -2.0, 1.0)), {}, "lies before 0:00 of the timecode; move"),
        (project(region("Guide: rain"), start_s=-10.0), {}, "lies before 0:00 of the timecode; move"),
        (
            project(region("rain", selected=True), tracks=(Track("A", (LANE,)), Track("B", (LANE,)))),
            {},
            "on which track?",
        ),
        (project(region("Guide: rain"), tracks=(Track("Guide", (replace(LANE, active=False),)),)), {}, "switched off"),
    ],
)
def test_what_cannot_be_planned_is_one_line(made: Project, options: dict[str, str], part: str) -> None:
    with pytest.raises(UserError) as caught:
        plan(made, **options)
    assert part in str(caught.value) and "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------ the mix


def written(folder: Path, name: str, value: float, samples: int, channels: int = 1, start: int = 0) -> MixedTake:
    path = folder / f"{name}.wav"
    write_broadcast_wave(path, np.full((samples, channels), value, np.float32), rate=48000, time_reference=start)
    return MixedTake(path, start, 48000, samples, channels)


def test_a_mix_adds_takes_at_their_places(tmp_path: Path) -> None:
    takes = [written(tmp_path, "a", 0.25, 1000, start=5000), written(tmp_path, "b", 0.5, 1000, 2, start=5500)]
    mix = mix_track(tmp_path, "Guide", takes)
    assert (mix.path.name, mix.start_samples, mix.samples, mix.clipped_db) == ("Guide_mix01.wav", 5000, 1500, 0.0)
    audio, _ = soundfile.read(mix.path, always_2d=True)
    assert audio.shape == (1500, 2)
    assert audio[[0, 499, 500, 999, 1000, 1499], 0] == pytest.approx([0.25, 0.25, 0.75, 0.75, 0.5, 0.5], abs=1e-6)
    assert mix_track(tmp_path, "Guide", takes) == mix  # the same takes: the same file, kept
    loud = [*takes, written(tmp_path, "c", 0.75, 1000, start=5500)]
    other = mix_track(tmp_path, "Guide", loud)
    assert other.path.name == "Guide_mix02.wav" and other.clipped_db == pytest.approx(20 * np.log10(1.5), abs=1e-3)


# -------------------------------------------------------------------------------- the whole, with an untrained engine

SONG = """<REAPER_PROJECT 0.1 "7.0" 1
  SAMPLERATE 44100 0 0
  MARKER 1 0.5 "dog barking #takes=2" 9 0 1 B {1}
  MARKER 1 0.75 "" 1
  MARKER 2 0.625 "Guide: rain" 1 0 1 B {2}
  MARKER 2 1 "" 1
  MARKER 3 2 "Verse" 1
  MARKER 3 3 "" 1
  <TRACK {3}
    NAME Guide
    <VOLENV2
      ACT 1 -1
      VOLTYPE 1
      PT 0 1 0
      PT 1 0.25 0
    >
  >
>
"""


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.rpp"
    path.write_text(SONG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def generator(small_weights: Path) -> Generator:
    return Generator.load(small_weights, "cpu")


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_bounce_is_placed_repeatable_and_resumed(generator: Generator, song: Path, tmp_path: Path) -> None:
    wanted = plan(read_project(song))
    told: list[Progress] = []
    done = bounce(generator, wanted, tmp_path / "one", progress=told.append)
    assert [len(cue.takes) for cue in done.cues] == [2, 1] and not any(cue.found for cue in done.cues)
    assert [take.start_samples for cue in done.cues for take in cue.takes] == [22050, 22050, round(0.625 * 44100)]
    for take in (take for cue in done.cues for take in cue.takes):
        info = soundfile.info(take.path)
        assert (info.samplerate, info.frames, info.subtype) == (44100, take.samples, "PCM_24")
    (mix,) = done.mixes
    assert mix.start_samples == 22050 and soundfile.info(mix.path).frames == mix.samples
    assert told[-1].done == pytest.approx(1.0) and [p.done for p in told] == sorted(p.done for p in told)

    bounce(generator, wanted, tmp_path / "two")
    one, two = listing(tmp_path / "one"), listing(tmp_path / "two")
    waves = [name for name in one if name.endswith(".wav")]
    assert list(one) == list(two) and all(soundfile_bytes(tmp_path, name) for name in waves)

    again = bounce(generator, wanted, tmp_path / "one")
    assert all(cue.found for cue in again.cues) and listing(tmp_path / "one") == one

    # A bounce that was killed before the last cue renders that one and no other.
    rain = done.cues[1].takes[0].path
    rain.unlink()
    rain.with_suffix(".json").unlink()
    resumed = bounce(generator, wanted, tmp_path / "one")
    assert [cue.found for cue in resumed.cues] == [True, False]
    assert rain.is_file() and resumed.mixes == done.mixes


def soundfile_bytes(folder: Path, name: str) -> bool:
    """Whether two bounces made the same samples (their headers differ in the time of day)."""
    first, second = (soundfile.read(folder / where / name, dtype="int32")[0] for where in ("one", "two"))
    return bool(np.array_equal(first, second))


def test_a_changed_cue_is_rendered_beside_the_old_take(generator: Generator, song: Path, tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    before: Bounce = bounce(generator, plan(read_project(song), region="rain"), folder)
    song.write_text(SONG.replace("PT 1 0.25", "PT 1 0.5"), encoding="utf-8")
    after = bounce(generator, plan(read_project(song), region="rain"), folder)
    assert not after.cues[0].found and before.cues[0].takes[0].path.is_file()
    assert after.cues[0].takes[0].path.name.startswith("Guide_rain_take02")
    assert after.mixes[0].path.name == "Guide_mix02.wav"


def test_the_command_tells_what_it_did(
    small_weights: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = song.read_bytes()
    code = main(["bounce", str(song), "--write-back", "--weights", str(small_weights), "--device", "cpu"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "not a cue: region 'Verse' at 0:02.000" in err
    assert "Guide_dog_barking_take02" in out and "Guide_mix01.wav" in out
    copy = Path(out.strip().splitlines()[-1])
    assert copy.name == "song Foley.rpp" and song.read_bytes() == original
    assert read_project(copy).tracks[-1].name == "Guide · Foley"
    sidecar = json.loads(next((tmp_path / "song takes").glob("Guide_rain_take01*.json")).read_text(encoding="utf-8"))
    assert sidecar["cue"]["prompt"] == "rain"
    code = main(["bounce", str(song), "--write-back", "--weights", str(small_weights), "--device", "cpu"])
    out, _ = capsys.readouterr()
    assert code == 0 and "kept" in out and "new" not in out and out.strip().endswith("song Foley 2.rpp")


def test_bad_input_is_told_before_the_engine_is_loaded(song: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bounce", str(song), "--region", "snow", "--weights", "/nowhere"]) == 2
    assert "no region 'snow'" in capsys.readouterr().err
