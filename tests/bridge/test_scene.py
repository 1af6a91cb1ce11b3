"""Scenes of several sources: stems that sum to their mix, one gain for all, whole or absent together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.broadcast_wave import FULL_SCALE
from bridge.errors import UserError
from bridge.regenerate import PartGenerator, read_take
from bridge.render import render_cue
from bridge.wave_loudness import LoudnessMeter
from bridge.worker import Task, engine_renderer
from engine.cue import Cue
from engine.levels import levels
from engine.sources import cue_of, seed_of
from engine.training.scenes import make_scene


@pytest.fixture(scope="module")
def generator(small_weights: Path) -> Iterator[object]:
    from engine.generator import Generator

    yield Generator.load(small_weights, "cpu")


def line(value: float, end: object = None) -> dict[str, object]:
    points = [{"time_s": 0, "value": value}] + ([] if end is None else [{"time_s": 0.4, "value": end}])
    return {"points": points}


def scene(**changes: object) -> Cue:
    obj = {
        "start": {"samples": 480_000, "rate": 44_100},
        "duration_s": 0.5,
        "tail_s": 0.2,
        "seed": 7,
        "sources": [
            {"prompt": "dog barking", "loudness": line(-6)},
            {"prompt": "footsteps on gravel", "loudness": line(0, "-inf"), "gain_db": -3},
        ],
    }
    return Cue.from_json(obj | changes)


def steps(path: Path) -> np.ndarray:
    return np.round(read_take(path).audio.astype(np.float64) * FULL_SCALE).astype(int)


def true_peak(path: Path) -> float:
    take = read_take(path)
    meter = LoudnessMeter(take.rate, take.audio.shape[1])
    meter.feed(take.audio)
    peak = meter.result().true_peak_dbtp
    return -np.inf if peak is None else peak


def test_stems_sum_to_the_mix_and_tell_of_each_other(tmp_path: Path, generator: object) -> None:
    (mix,) = render_cue(generator, scene(), tmp_path)  # type: ignore[arg-type]
    assert mix.path.name == "dog_barking_footsteps_on_gravel_take01_seed7.wav"
    assert [stem.path.name for stem in mix.stems] == [
        "dog_barking_footsteps_on_gravel_take01_seed7_stem1_dog_barking.wav",
        "dog_barking_footsteps_on_gravel_take01_seed7_stem2_footsteps_on_gravel.wav",
    ]
    first, second = (steps(stem.path) for stem in mix.stems)
    assert len(first) == len(second) == mix.samples == round(0.7 * 44_100)
    assert np.array_equal(first + second, steps(mix.path))
    assert first.any() and second[: 22_050 // 2].any()
    # The line is silent from 0.4 s on; what is left there, at -126 dBFS, is the resampler ringing.
    assert np.abs(second[round(0.45 * 44_100) :]).max() <= 4
    told = json.loads(mix.sidecar.read_text(encoding="utf-8"))
    assert [stem["file"] for stem in told["stems"]] == [stem.path.name for stem in mix.stems]
    assert Cue.from_json(told["cue"]) == scene() and told["mix_gain_db"] == 0.0
    alone = json.loads(mix.stems[1].sidecar.read_text(encoding="utf-8"))
    assert (alone["mix"], alone["source"], alone["seed"]) == (mix.path.name, 1, seed_of(7, 1))
    assert Cue.from_json(alone["cue"]) == cue_of(scene(), 1)
    assert alone["curve"]["error_db"]["after"] is not None and told["curve"]["error_db"]["after"] is None
    heard = levels(read_take(mix.stems[1].path).audio, 44_100)
    assert alone["curve"]["measured_level_db"] == pytest.approx(heard, abs=0.01)


def test_a_stem_is_the_take_of_its_source_alone(tmp_path: Path, generator: object) -> None:
    (mix,) = render_cue(generator, scene(), tmp_path)  # type: ignore[arg-type]
    (alone,) = render_cue(generator, cue_of(scene(), 0), tmp_path)  # type: ignore[arg-type]
    assert alone.seed == 7
    assert np.abs(steps(mix.stems[0].path) - steps(alone.path)).max() <= 1


def test_numbers_and_seeds_go_on_over_mixes(tmp_path: Path, generator: object) -> None:
    takes = render_cue(generator, replace(scene(), takes=2), tmp_path, name="yard")  # type: ignore[arg-type]
    (after,) = render_cue(generator, scene(), tmp_path, name="yard", previous_seed=8)  # type: ignore[arg-type]
    assert [take.path.name for take in (*takes, after)] == [f"yard_take0{n}_seed{n + 6}.wav" for n in (1, 2, 3)]
    assert not np.array_equal(steps(takes[0].stems[1].path), steps(takes[1].stems[1].path))
    assert len(list(tmp_path.iterdir())) == 3 * 3 * 2


def test_one_gain_brings_the_peak_down_for_stems_and_mix_alike(tmp_path: Path, generator: object) -> None:
    loud = [{"prompt": p, "loudness": line(10), "gain_db": 12} for p in ("dog barking", "footsteps on gravel")]
    (mix,) = render_cue(generator, scene(sources=loud), tmp_path)  # type: ignore[arg-type]
    peaks = [true_peak(file.path) for file in (mix, *mix.stems)]
    assert max(peaks) == pytest.approx(-1.02, abs=0.02)
    told = json.loads(mix.sidecar.read_text(encoding="utf-8"))
    assert told["mix_gain_db"] < -5 and told["curve"]["limited_db"] == pytest.approx(-told["mix_gain_db"], abs=0.01)
    assert np.array_equal(sum(steps(stem.path) for stem in mix.stems), steps(mix.path))


def test_pan_moves_a_source_and_keeps_its_power(tmp_path: Path, generator: object) -> None:
    path = [{"time_s": 0, "value": -1}, {"time_s": 0.5, "value": 1}]
    sources = [{"prompt": "dog barking", "loudness": line(-6), "pan": path}]
    middle = [{**sources[0], "pan": [{"time_s": 0, "value": 0}]}]
    (moved,) = render_cue(generator, scene(sources=sources, channels=2, tail_s=0), tmp_path)  # type: ignore[arg-type]
    (still,) = render_cue(generator, scene(sources=middle, channels=2, tail_s=0), tmp_path)  # type: ignore[arg-type]
    left, right = np.square(steps(moved.path).astype(float)).reshape(-1, 2205, 2).mean(1).T
    assert left[0] > 100 * right[0] and right[-1] > 100 * left[-1]
    (warned,) = render_cue(generator, scene(sources=sources), tmp_path)  # type: ignore[arg-type]
    assert any("--stereo" in line for line in warned.report.warnings)
    assert not any("--stereo" in line for line in (*moved.report.warnings, *still.report.warnings))


def test_what_is_left_to_the_picture_is_written_down_as_points(tmp_path: Path, generator: object) -> None:
    video = make_scene(1, duration_s=1.0).write(tmp_path / "scene.mp4", sound=False)
    box = {"kind": "box", "box": [0.02, 0.2, 0.4, 0.6]}
    sources = [{"prompt": "dog barking", "masks": [box], "pan": "mask", "distance": "mask"}]
    asked = scene(sources=sources, channels=2, video={"path": str(video)})
    (mix,) = render_cue(generator, asked, tmp_path / "takes")  # type: ignore[arg-type]
    (source,) = read_take(mix.path).cue.sources
    assert source.loudness is not None
    assert not isinstance(source.pan, str) and all(point.value < 0 for point in source.pan)
    assert not isinstance(source.distance, str) and max(point.value for point in source.distance) == 0
    (again,) = render_cue(generator, read_take(mix.path).cue, tmp_path / "takes")  # type: ignore[arg-type]
    assert np.array_equal(steps(again.path), steps(mix.path))


def test_a_failure_between_the_files_of_a_scene_leaves_none(
    tmp_path: Path, generator: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, calls = os.link, []

    def link(source: Path, target: Path) -> None:
        calls.append(os.fspath(target))
        if len(calls) == 6:  # the mix's sidecar, when all else stands
            raise OSError(28, "No space left on device")
        published(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(UserError, match="disk is full"):
        render_cue(generator, scene(), tmp_path / "takes")  # type: ignore[arg-type]
    assert len(calls) == 6 and not (tmp_path / "takes").exists()


def test_the_service_renders_scenes_as_one_take(tmp_path: Path, small_weights: Path) -> None:
    render = engine_renderer(small_weights, "cpu")
    (made,) = render(Task(1, scene().to_json(), tmp_path, ""), lambda _: None, lambda: False)
    assert made.seed == 7 and len(list(tmp_path.glob("*_stem*.wav"))) == 2
    with pytest.raises(ValueError, match="mix of several sources"):
        render(Task(2, scene().to_json(), tmp_path, "", made.path, (0.1, 0.2)), lambda _: None, lambda: False)
    assert len(list(tmp_path.glob("*.wav"))) == 3


def test_a_stem_can_be_made_anew_in_part(tmp_path: Path, generator: object) -> None:
    (mix,) = render_cue(generator, scene(), tmp_path)  # type: ignore[arg-type]
    stem = mix.stems[0]
    anew = PartGenerator(generator, stem.path, (0.1, 0.3))  # type: ignore[arg-type]
    (again,) = render_cue(anew, replace(read_take(stem.path).cue, seed=9), tmp_path)  # type: ignore[arg-type]
    old, new = steps(stem.path), steps(again.path)
    assert np.array_equal(old[:4410], new[:4410]) and not np.array_equal(old, new)
