"""The Live Remote Script against a stand-in for Live's Python module."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.plugin_presets.spool_service import SpoolService, load


class Volume:
    value = 0.85

    def str_for_value(self, value: float) -> str:
        return "-inf dB" if value == 0 else f"{(value - 0.85) * 40:.1f} dB"


class Track:
    """A track; with take lanes from Live 12.2 on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.clips: list[tuple[str, float, SimpleNamespace]] = []
        self.mixer_device = SimpleNamespace(volume=Volume())

    def create_audio_clip(self, path: str, position: float) -> SimpleNamespace:
        clip = SimpleNamespace(warping=True, start_time=position, end_time=position + 2.0)
        self.clips.append((path, position, clip))
        return clip

    @property
    def arrangement_clips(self) -> list[SimpleNamespace]:
        return [clip for _, _, clip in self.clips]


class LaneTrack(Track):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.lanes: list[Track] = []

    def create_take_lane(self) -> Track:
        self.lanes.append(Track("lane"))
        return self.lanes[-1]


class Song:
    def __init__(self, kind: type[Track]) -> None:
        self._kind = kind
        self.tracks = [kind("Steps"), kind("Other")]
        self.return_tracks, self.master_track = [kind("A-Reverb")], kind("Main")
        self.view = SimpleNamespace(selected_track=self.tracks[0])
        self.tempo, self.loop_start, self.loop_length = 120.0, 4.0, 6.0
        self.cue_points = [SimpleNamespace(name="shoe @box 0 0 1 1", time=6.0)]
        self.cue_points.append(SimpleNamespace(name="footsteps on gravel", time=4.0))
        self.is_playing, self.current_song_time = False, 0.0
        self.undo_depth, self.undo_steps = 0, 0

    def begin_undo_step(self) -> None:
        self.undo_depth += 1

    def end_undo_step(self) -> None:
        self.undo_depth -= 1
        self.undo_steps += 1

    def create_audio_track(self, index: int) -> None:
        made = self._kind("Audio")
        self.tracks.insert(index if index >= 0 else len(self.tracks), made)
        self.view.selected_track = made


class Instance:
    def __init__(self, song: Song) -> None:
        self._song = song
        self.messages: list[str] = []

    def song(self) -> Song:
        return self._song

    def handle(self) -> int:
        return 1

    def show_message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture(params=[LaneTrack, Track], ids=["take lanes", "before 12.2"])
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    forwarded: list[tuple[int, int]] = []
    live = ModuleType("Live")
    live.MidiMap = SimpleNamespace(  # type: ignore[attr-defined]
        forward_midi_note=lambda script, handle, channel, note: forwarded.append((channel, note))
    )
    monkeypatch.setitem(sys.modules, "Live", live)
    module = load(monkeypatch, "ableton/DrawAnAudio/__init__.py", "DrawAnAudio")
    song = Song(request.param)
    instance = Instance(song)
    surface = module.create_instance(instance)
    surface.build_midi_map(2)
    assert forwarded == [(15, note) for note in range(60, 66)]
    return song, instance, surface, SpoolService(tmp_path, monkeypatch)


def press(surface: Any, note: int) -> None:
    surface.receive_midi((0x9F, note, 100))
    surface.receive_midi((0x9F, note, 0))


def make_first_take(surface: Any, service: SpoolService) -> None:
    press(surface, 60)
    name, _ = service.take()
    service.answer(name, "done", service.made(1, 96000))
    surface.update_display()


def test_generate_takes_the_loop_its_locators_and_what_was_played(rig: Any) -> None:
    song, _, surface, service = rig
    song.is_playing = True
    for step in range(81):
        song.current_song_time = 3.0 + 0.1 * step
        song.tracks[0].mixer_device.volume.value = 0.85 if song.current_song_time < 7 else 0.35
        surface.update_display()
    press(surface, 60)
    _, cue = service.take()
    assert (cue["marker"], cue["track"], cue["duration_s"]) == ("footsteps on gravel", "Steps", 3.0)
    assert cue["start"] == {"samples": 96000, "rate": 48000}
    assert cue["markers"] == [{"time_s": 1.0, "text": "shoe @box 0 0 1 1"}]
    points = {round(point["time_s"], 3): point["value"] for point in cue["loudness"]["points"]}
    assert points[0.5] == 0.0 and points[2.5] == -20.0 and min(points) >= 0 and max(points) <= 3.0
    service.accepts(cue)


def test_a_locator_that_ends_a_pair_asks_for_nothing(rig: Any) -> None:
    song, _, surface, service = rig
    song.cue_points[0].name = "Steps: rain<"
    song.cue_points[1].name = "Steps: hail #tight<"
    song.cue_points.append(SimpleNamespace(name="Steps: footsteps on gravel #tight>", time=4.0))
    press(surface, 60)
    _, cue = service.take()
    assert (cue["marker"], cue["markers"]) == ("Steps: footsteps on gravel #tight>", [])
    assert service.accepts(cue).prompt == "footsteps on gravel"


def test_without_a_play_through_the_sound_keeps_its_own_rhythm(rig: Any) -> None:
    song, _, surface, service = rig
    song.is_playing = True
    for step in range(10):
        song.current_song_time = 6.0 + 0.1 * step
        surface.update_display()
    press(surface, 60)
    assert service.take()[1]["loudness"]["follow"] == "loose"


def test_takes_land_below_and_never_on_one_another(rig: Any) -> None:
    song, _, surface, service = rig
    for number, note in ((1, 60), (2, 61)):
        press(surface, note)
        name, _ = service.take()
        service.answer(name, "done", service.made(number, 96000))
        surface.update_display()
    names = [track.name for track in song.tracks]
    if isinstance(song.tracks[0], LaneTrack):
        assert names == ["Steps", "Steps · Foley", "Other"]
        placed = [clip for lane in song.tracks[1].lanes for clip in lane.clips]
    else:
        assert names == ["Steps", "Steps · Foley", "Steps · Foley 2", "Other"]
        placed = [clip for track in song.tracks for clip in track.clips]
    assert [(Path(path).name[:12], at, clip.warping) for path, at, clip in placed] == [
        ("steps_take01", 4.0, False),
        ("steps_take02", 4.0, False),
    ]
    assert (song.undo_depth, song.undo_steps) == (0, 2)
    song.loop_start, song.loop_length = 5.0, 1.0
    press(surface, 62)
    assert service.take()[1] == {"verb": "take/regenerate", "take": "t2", "start_s": 0.5, "end_s": 1.0}
    press(surface, 64)
    assert service.take()[1] == {"verb": "take/keep", "take": "t2"}


def test_cancel_and_errors_are_quiet_lines(rig: Any) -> None:
    song, instance, surface, service = rig
    press(surface, 61)
    assert "use Generate first" in instance.messages[-1]
    press(surface, 60)
    name, _ = service.take()
    service.answer(name, "running")
    surface.update_display()
    assert instance.messages[-1] == "Draw an Audio: 50 % sampling"
    press(surface, 65)
    assert service.take()[1] == {"verb": "job/cancel", "job": name}
    service.answer(name, "done", service.made(1, 96000))
    surface.update_display()
    assert len(song.tracks) == 2
    song.loop_length = 0
    press(surface, 60)
    assert "loop brace" in instance.messages[-1]


def test_a_new_take_track_leaves_the_selection_and_the_fader_that_is_heard(rig: Any) -> None:
    song, _, surface, service = rig
    make_first_take(surface, service)
    assert song.view.selected_track.name == "Steps"
    song.view.selected_track = song.tracks[1]  # the designer looks at the takes, and plays
    song.is_playing = True
    for step in range(81):
        song.current_song_time = 3.0 + 0.1 * step
        surface.update_display()
    press(surface, 60)
    _, cue = service.take()
    assert (cue["track"], cue["loudness"]["domain"]) == ("Steps", "db")
    assert "follow" not in cue["loudness"]


def test_a_loop_that_goes_round_is_heard_whole_in_every_round(rig: Any) -> None:
    song, _, surface, service = rig
    song.is_playing = True
    for round_, value in ((60, 0.85), (30, 0.35)):
        song.tracks[0].mixer_device.volume.value = value
        for step in range(round_):
            song.current_song_time = 4.03 + 0.1 * step
            surface.update_display()
    press(surface, 60)
    values = [point["value"] for point in service.take()[1]["loudness"]["points"]]
    assert values == 31 * [-20.0] + 30 * [0.0], "new up to the playhead, of the round before behind it"


def test_a_leap_is_no_play_through(rig: Any) -> None:
    song, _, surface, service = rig
    song.is_playing = True
    for at in (*range(40, 60), *range(85, 105)):
        song.current_song_time = 0.1 * at
        surface.update_display()
    press(surface, 60)
    assert service.take()[1]["loudness"]["follow"] == "loose"


def test_what_live_refuses_is_said_and_keeps_no_other_take_away(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    song, instance, surface, service = rig
    press(surface, 60)
    name, _ = service.take()
    real = Track.create_audio_clip

    def create(track: Track, path: str, position: float) -> SimpleNamespace:
        if "take01" in path:
            raise RuntimeError("Live cannot read that file.")
        return real(track, path, position)

    monkeypatch.setattr(Track, "create_audio_clip", create)
    service.answer(name, "done", service.made(1, 96000), service.made(2, 96000))
    surface.update_display()
    assert any("Live cannot read" in line and "take01" in line for line in instance.messages)
    assert "a take is on" in instance.messages[-1] and song.undo_depth == 0


def test_the_first_take_at_a_place_is_on_the_lane_that_live_plays(rig: Any) -> None:
    song, _, surface, service = rig
    for number, start in ((1, 4.0), (2, 4.0), (3, 5.0), (4, 6.0)):  # takes of a second, at 120 a minute two beats
        song.loop_start = start
        press(surface, 60)
        name, _ = service.take()
        service.answer(name, "done", service.made(number, 0))
        surface.update_display()
    played = [(Path(path).name[6:12], at) for path, at, clip in song.tracks[1].clips if not clip.warping]
    if isinstance(song.tracks[0], LaneTrack):
        assert played == [("take01", 4.0), ("take04", 6.0)], "the others would have cut them"
        assert [len(lane.clips) for lane in song.tracks[1].lanes] == [1, 1, 1, 1]
    else:
        assert played == [("take01", 4.0)]


def test_tracks_are_renamed_and_thrown_away_while_a_take_is_made(rig: Any) -> None:
    song, instance, surface, service = rig
    press(surface, 60)
    name, _ = service.take()
    song.tracks[0].name = "Feet"
    service.answer(name, "done", service.made(1, 96000))
    surface.update_display()
    assert [track.name for track in song.tracks] == ["Feet", "Feet \u00b7 Foley", "Other"]
    press(surface, 60)
    name, _ = service.take()
    del song.tracks[0]
    service.answer(name, "done", service.made(2, 96000))
    surface.update_display()
    assert "track is gone" in instance.messages[-1] and "take02" in instance.messages[-1]


def test_a_take_of_another_session_is_not_taken_for_one_of_this(rig: Any) -> None:
    _, instance, surface, service = rig
    make_first_take(surface, service)
    service.announce("s2")
    press(surface, 61)
    press(surface, 64)
    assert service.asked() == [] and "drawaudio serve" in instance.messages[-1]
    service.announce("s1")
    press(surface, 64)
    name, _ = service.take()
    service.answer(name, "refused", text="there is no take 't1'")
    surface.update_display()
    assert instance.messages[-1] == "there is no take 't1'"


def test_no_service_is_one_line(rig: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, instance, surface, _ = rig
    monkeypatch.setenv("DRAWAUDIO_HOME", str(tmp_path / "nowhere"))
    press(surface, 60)
    assert "drawaudio serve" in instance.messages[-1]
