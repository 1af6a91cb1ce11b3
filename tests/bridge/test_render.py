"""Takes on disk: names, numbers, places, sidecars, and that they are whole or absent."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wavinfo
from hypothesis import given
from hypothesis import strategies as st

from bridge.demo import DURATION_S, bounces, curve, demo_cue, write_clip
from bridge.errors import UserError
from bridge.regenerate import PartGenerator, read_take
from bridge.render import check_files, render_cue, unheard
from bridge.take_names import MAX_NAME, claim, file_name
from engine.cue import Cue, CueError, MaskPrompt, Span, VideoRef
from engine.curve import CurvePoint, LoudnessCurve
from engine.errors import Cancelled
from engine.levels import levels
from engine.take import Progress

CURVE = LoudnessCurve((CurvePoint(0.0, -20.0), CurvePoint(0.4, 0.0), CurvePoint(0.5, -np.inf)))


@pytest.fixture(scope="module")
def generator(small_weights: Path) -> Iterator[object]:
    from engine.generator import Generator

    yield Generator.load(small_weights, "cpu")


def cue(**changes: object) -> Cue:
    given = {"prompt": "Dog barks!", "span": Span(480_000, 48_000, 0.5), "loudness": CURVE, "seed": 7, **changes}
    return Cue(**given)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dog barks!", "Dog_barks"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\takes\\x", "C_takes_x"),
        ("Schritte auf Kies – nass", "Schritte_auf_Kies_nass"),
        ("犬が吠える", "犬が吠える"),
        ("???", "take"),
    ],
)
def test_names_are_files_of_every_system(text: str, name: str) -> None:
    assert file_name(text) == name


@given(st.text())
def test_any_text_gives_a_short_plain_name(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) <= MAX_NAME
    assert not set(name) & set('/\\:*?"<>|\0. ')


def test_numbers_go_on_and_are_claimed_by_one_alone(tmp_path: Path) -> None:
    (tmp_path / "dog_take07_seed1.wav").touch()
    (tmp_path / "DOG_take08_seed1.json").touch()  # a Mac does not tell these names apart
    (tmp_path / "doghouse_take99_seed1.wav").touch()
    with claim(tmp_path, "dog", [1, 2]) as mine, claim(tmp_path, "dog", [1]) as theirs:
        assert [take.number for take in mine] == [9, 10]
        assert [take.number for take in theirs] == [11]
        assert mine[0].path(".wav") == tmp_path / "dog_take09_seed1.wav"
    assert len(names(tmp_path)) == 3


# --------------------------------------------------------------------------------------------------------------- takes


def test_a_take_lies_where_the_cue_begins_less_its_handle(tmp_path: Path, generator: object) -> None:
    seen: list[Progress] = []
    asked = cue(span=Span(44_100 * 3600, 44_100, 0.5), handles_s=(0.25, 0.1), channels=2, takes=2)
    first, second = render_cue(generator, asked, tmp_path, progress=seen.append)  # type: ignore[arg-type]
    assert [first.path.name, second.path.name] == ["Dog_barks_take01_seed7.wav", "Dog_barks_take02_seed8.wav"]
    assert first.start_samples == 44_100 * 3600 - 11_025
    assert first.samples == 22_050 + 11_025 + 4_410
    info = wavinfo.WavInfoReader(str(first.path))
    assert info.bext.time_reference == first.start_samples
    assert (info.fmt.sample_rate, info.fmt.channel_count, info.fmt.bits_per_sample) == (44_100, 2, 24)
    assert info.data.frame_count == first.samples
    assert "Dog barks!" in info.bext.description
    assert seen[-1].done == 1.0
    take = read_take(first.path)
    assert (take.audio.shape, take.seed, take.start_samples) == ((first.samples, 2), 7, first.start_samples)
    assert take.cue == asked
    assert not np.array_equal(take.audio, read_take(second.path).audio)


def test_the_sidecar_tells_cue_seed_model_and_curve(tmp_path: Path, generator: object) -> None:
    (file,) = render_cue(generator, cue(), tmp_path)  # type: ignore[arg-type]
    obj = json.loads(file.sidecar.read_text(encoding="utf-8"))
    assert Cue.from_json(obj["cue"]) == cue()
    assert (obj["seed"], obj["take"], obj["file"]) == (7, 1, file.path.name)
    assert len(obj["model"]["sha256"]) == 64
    assert obj["curve"]["error_db"]["after"] < 3.0
    assert len(obj["curve"]["measured_level_db"]) >= 50


def test_the_same_cue_and_seed_give_the_same_samples_and_seeds_go_on(tmp_path: Path, generator: object) -> None:
    (first,) = render_cue(generator, cue(), tmp_path)  # type: ignore[arg-type]
    (again,) = render_cue(generator, cue(), tmp_path)  # type: ignore[arg-type]
    (after,) = render_cue(generator, cue(), tmp_path, previous_seed=again.seed)  # type: ignore[arg-type]
    assert np.array_equal(read_take(first.path).audio, read_take(again.path).audio)
    assert (again.number, again.seed) == (2, 7)
    assert (after.number, after.seed) == (3, 8)


def test_a_part_made_anew_leaves_every_other_sample_as_it_was(tmp_path: Path, generator: object) -> None:
    asked = cue(span=Span(480_000, 48_000, 1.0), loudness=LoudnessCurve((CurvePoint(0.0, -6.0),)), tail_s=0.0)
    (first,) = render_cue(generator, asked, tmp_path)  # type: ignore[arg-type]
    part = (0.4, 0.6)
    anew = PartGenerator(generator, first.path, part)  # type: ignore[arg-type]
    (again,) = render_cue(anew, replace(asked, seed=8), tmp_path)  # type: ignore[arg-type]
    assert again.path.name == "Dog_barks_take02_seed8.wav"
    assert again.start_samples == first.start_samples
    old, new = read_take(first.path).audio, read_take(again.path).audio
    same = np.ones(len(old), bool)
    same[round(part[0] * 48_000) : round(part[1] * 48_000)] = False
    assert np.array_equal(old[same], new[same])
    assert not np.array_equal(old[~same], new[~same])
    told = again.report.curve
    assert told.measured_level_db == pytest.approx(levels(new, 48_000), abs=0.01)
    assert told.measured_level_db[:39] == pytest.approx(first.report.curve.measured_level_db[:39], abs=0.02)
    assert told.error_db_after != first.report.curve.error_db_after


def test_a_cancelled_take_leaves_nothing(tmp_path: Path, generator: object) -> None:
    folder = tmp_path / "made" / "for it"
    with pytest.raises(Cancelled):
        render_cue(generator, cue(takes=2), folder, cancelled=lambda: True)  # type: ignore[arg-type]
    assert names(tmp_path) == []


def test_a_failure_between_the_takes_files_leaves_whole_takes_only(
    tmp_path: Path, generator: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = os.link
    calls: list[str] = []

    def link(source: Path, target: Path) -> None:
        calls.append(os.fspath(target))
        if len(calls) == 4:  # the second take's sidecar
            raise OSError(28, "No space left on device")
        published(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(UserError, match="disk is full"):
        render_cue(generator, cue(takes=2), tmp_path)  # type: ignore[arg-type]
    assert names(tmp_path) == ["Dog_barks_take01_seed7.json", "Dog_barks_take01_seed7.wav"]


def test_ctrl_c_between_the_takes_files_waits_for_them(
    tmp_path: Path, generator: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = os.link

    def link(source: Path, target: Path) -> None:
        published(source, target)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(KeyboardInterrupt):
        render_cue(generator, cue(takes=2), tmp_path)  # type: ignore[arg-type]
    takes = [f"Dog_barks_take0{number}_seed{6 + number}" for number in (1, 2)]
    assert names(tmp_path) == [take + suffix for take in takes for suffix in (".json", ".wav")]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_sidecar_measures_what_the_file_holds_and_no_more(tmp_path: Path, generator: object) -> None:
    (file,) = render_cue(generator, cue(span=Span(0, 44_100, 0.15), tail_s=0.0), tmp_path)  # type: ignore[arg-type]
    measured = json.loads(file.sidecar.read_text())["curve"]["measured_level_db"]
    assert len(measured) == len(levels(read_take(file.path).audio, 44_100)) == 15


def test_files_of_a_cue_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CueError, match=r"video\.path.*shot\.mp4"):
        check_files(cue(video=VideoRef(str(tmp_path / "shot.mp4"))))
    painted = MaskPrompt("paint", path=str(tmp_path / "lake.png"))
    with pytest.raises(CueError, match=r"masks\[0\]\.path.*lake\.png"):
        check_files(cue(masks=(painted,)))


def test_only_a_picture_that_is_given_is_said_to_be_unused(generator: object) -> None:
    assert unheard(generator, cue()) is None  # type: ignore[arg-type]
    masks = (MaskPrompt("text", "dog"),)
    for asked, words in (
        (cue(masks=masks), "the masks do not shape the sound: the cue names no video"),
        (cue(masks=masks, video=VideoRef("a.mp4")), "the video and its masks do not shape the sound"),
        (cue(video=VideoRef("a.mp4"), loudness=None), "the video does not shape the sound, only the curve"),
    ):
        note = unheard(generator, asked)  # type: ignore[arg-type]
        assert note is not None and words in note


def test_a_missing_curve_is_drawn_from_the_picture(tmp_path: Path, generator: object) -> None:
    clip = write_clip(tmp_path / "ball.mp4")
    silent = cue(span=Span(0, 48_000, 2.0), loudness=None, video=VideoRef(str(clip)))
    (file,) = render_cue(generator, silent, tmp_path)  # type: ignore[arg-type]
    drawn = read_take(file.path).cue.loudness
    assert drawn is not None
    first, second = (hit.time_s for hit in bounces()[:2])
    assert drawn.sample(np.array([first + 0.04]))[0] > drawn.sample(np.array([second - 0.15]))[0] + 6.0


# ---------------------------------------------------------------------------------------------------------------- demo


def test_the_demonstrations_curve_has_a_hit_per_bounce() -> None:
    hits = bounces()
    assert len(hits) >= 4
    drawn = curve(hits)
    times = np.array([hit.time_s for hit in hits])
    assert (drawn.sample(times) > -31.0).all()
    assert np.isneginf(drawn.sample(times[:3] - 0.001)).all()
    assert drawn.sample(times)[0] == 0.0


def test_the_demonstrations_clip_and_cue(tmp_path: Path) -> None:
    from engine.video import probe

    clip = write_clip(tmp_path / "ball.mp4")
    info = probe(clip)
    assert info.duration_s == pytest.approx(DURATION_S, abs=0.05)
    assert Cue.from_json(demo_cue(clip).to_json()) == demo_cue(clip)
    check_files(demo_cue(clip))
