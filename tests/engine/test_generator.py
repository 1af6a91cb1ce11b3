"""The generator with its shipped weights: lengths, seeds, silence, cancelling, long takes, spans."""

from dataclasses import replace

import numpy as np
import pytest
import soxr

from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from engine.errors import Cancelled, MissingModel
from engine.generator import Generator, take_samples, take_start
from engine.levels import levels
from engine.models.store import MANIFEST, WEIGHTS
from engine.take import Progress


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.load(device="cpu")


def cue(seconds: float = 1.0, *points: tuple[float, float], **other: object) -> Cue:
    """A cue for rain; points are (time_s, dB)."""
    loudness = {"points": [{"time_s": t, "value": "-inf" if v == -np.inf else v} for t, v in points]}
    fields = {"version": 1, "prompt": "rain", "start": {"samples": 0, "rate": 48000}, "duration_s": seconds, "seed": 3}
    return Cue.from_json(fields | ({"loudness": loudness} if points else {}) | other)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 96000, 192000])
def test_length_is_exact_at_every_rate(generator: Generator, rate: int) -> None:
    asked = cue(0.73331, (0.0, -6.0), start={"samples": 500_000, "rate": rate}, handles_s=[0.1, 0.2], tail_s=0.3)
    (take,) = generator.render(asked)
    assert len(take.audio) == round(0.73331 * rate) + round(0.1 * rate) + round(0.2 * rate) + round(0.3 * rate)
    assert take.start_samples == 500_000 - round(0.1 * rate) == take_start(asked)
    assert take.audio.dtype == np.float32 and np.isfinite(take.audio).all()


def test_no_tail_after_silence_and_silence_is_silent(generator: Generator) -> None:
    asked = cue(1.0, (0.0, 0.0), (0.5, -np.inf), (1.0, -np.inf))
    (take,) = generator.render(asked)
    assert len(take.audio) == 48_000 == take_samples(asked)
    assert np.all(take.audio[24_100:] == 0)
    assert np.abs(take.audio[:24_000]).max() > 0.01


def test_same_seed_same_samples_alone_or_in_a_batch(generator: Generator) -> None:
    asked = cue(1.0, (0.0, -6.0))
    one, again = generator.render(asked)[0], generator.render(asked)[0]
    assert np.array_equal(one.audio, again.audio)
    batch = generator.render(replace(asked, takes=2))
    assert [take.seed for take in batch] == [3, 4]
    assert not np.allclose(batch[0].audio, batch[1].audio)
    assert np.abs(batch[0].audio - one.audio).max() < 0.05


def test_previous_seed_is_gone_on_from(generator: Generator) -> None:
    assert generator.seeds(replace(cue(), takes=3), previous=41) == [42, 43, 44]
    assert generator.seeds(cue()) == [3]
    assert generator.seeds(replace(cue(), seed=None)) != generator.seeds(replace(cue(), seed=None))


def test_curve_is_followed_and_reported(generator: Generator) -> None:
    (take,) = generator.render(cue(3.0, (0.0, -30.0), (1.5, 0.0), (3.0, -30.0)))
    report = take.report.curve
    assert report.error_db_after is not None and report.error_db_after < 1.0
    assert report.correlation_after is not None and report.correlation_after > 0.97
    assert len(report.measured_level_db) >= 300
    assert 20 * np.log10(np.abs(take.audio).max()) <= -1.0


def test_loose_line_leaves_the_sound_its_rhythm(generator: Generator) -> None:
    line = LoudnessCurve((CurvePoint(0.0, -6.0),), follow="loose")
    steps = replace(cue(6.0), prompt="footsteps on gravel", loudness=line, tail_s=0.0)
    (take,) = generator.render(steps)
    assert np.std(take.report.curve.measured_level_db) > 3


def test_unknown_word_warns_and_still_sounds(generator: Generator) -> None:
    (take,) = generator.render(replace(cue(1.0, (0.0, -6.0)), prompt="qwzx vlorp"))
    assert "nearest" in take.report.warnings[0]
    assert np.abs(take.audio).max() > 0.01
    assert generator.warnings("a dog barks") == ()


def test_progress_rises_and_cancel_stops_within_a_step(generator: Generator) -> None:
    told: list[Progress] = []
    generator.render(cue(1.0), progress=told.append)
    assert [p.done for p in told] == sorted(p.done for p in told) and told[-1].done == 1.0
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        generator.render(cue(60.0), progress=steps.append, cancelled=lambda: len(steps) >= 2)
    assert len(steps) <= 3


def test_long_takes_come_in_blocks_that_join(generator: Generator) -> None:
    asked = cue(25.0, (0.0, -10.0), tail_s=0.0)
    blocks = list(generator.stream(asked, [3]))
    assert len(blocks) > 1 and sum(block.shape[1] for block in blocks) == 25 * 48_000
    audio = np.concatenate(blocks, 1)[0, :, 0]
    levels = 10 * np.log10((audio.reshape(-1, 480) ** 2).mean(1) + 1e-9)
    seam = sum(block.shape[1] for block in blocks[:1]) // 480
    steps = np.abs(np.diff(levels))
    assert steps[seam - 2 : seam + 2].max() <= np.percentile(steps, 99.5)


def test_stereo_is_two_different_sides_of_one_sound(generator: Generator) -> None:
    (take,) = generator.render(cue(1.0, (0.0, -6.0), channels=2))
    left, right = take.audio.T
    assert take.audio.shape[1] == 2 and not np.array_equal(left, right)


def test_regenerated_span_changes_only_the_span(generator: Generator) -> None:
    (take,) = generator.render(cue(4.0, (0.0, -10.0), tail_s=0.0))
    again = generator.regenerate(take, 1.0, 2.5, seed=9)
    changed = np.flatnonzero(np.any(again.audio != take.audio, 1))
    assert 48_000 <= changed[0] < 48_100 and 119_900 < changed[-1] < 120_000
    assert np.array_equal(generator.regenerate(take, 1.0, 2.5, seed=9).audio, again.audio)
    with pytest.raises(ValueError, match="too short"):
        generator.regenerate(take, 0.5, 0.500001, 4)
    with pytest.raises(ValueError, match="does not lie inside"):
        generator.regenerate(take, 3.0, 9.0, seed=9)


def test_missing_and_tampered_weights_are_refused(tmp_path: object) -> None:
    from pathlib import Path
    from shutil import copytree

    folder = Path(str(tmp_path)) / "weights"
    with pytest.raises(MissingModel, match="missing"):
        Generator.load(folder)
    copytree(WEIGHTS, folder)
    victim = folder / "denoiser" / "config.json"
    victim.write_text(victim.read_text() + " ")
    with pytest.raises(MissingModel, match="damaged"):
        Generator.load(folder)
    victim.unlink()
    with pytest.raises(MissingModel, match="missing"):
        Generator.load(folder)
    assert (WEIGHTS / MANIFEST).exists()


def test_a_take_starts_from_recordings_and_names_them(generator: Generator) -> None:
    asked = cue(1.0, (0.0, -6.0), tail_s=0.0)
    (take,) = generator.render(asked)
    assert take.report.references and all("CC0" in line or "Public" in line for line in take.report.references)
    alone = generator.without_references()
    (other,) = alone.render(asked)
    assert other.report.references == () and not np.allclose(take.audio, other.audio)
    (again,) = alone.render(asked)
    assert np.array_equal(again.audio, other.audio)


def test_what_no_recording_is_near_is_made_from_noise_and_said(generator: Generator) -> None:
    (take,) = generator.render(cue(1.0, (0.0, -6.0), prompt="quarterly tax declaration"))
    assert take.report.references == () and "not a sound this model knows" in take.report.warnings[0]
    assert np.abs(take.audio).max() > 0.01


def test_a_crow_has_tones_and_rain_has_none(generator: Generator) -> None:
    """Harmonics survive codec and sampler: the strongest spectral lines stand out of their surroundings."""
    from engine.evaluation.codec import tonality_db

    tonality = {
        prompt: tonality_db(generator.render(cue(2.0, (0.0, -6.0), prompt=prompt, tail_s=0.0))[0].audio[:, 0])
        for prompt in ("rooster crowing", "rain")
    }
    assert tonality["rooster crowing"] > tonality["rain"] + 6


def test_a_tail_rings_out_and_does_not_begin_anew(generator: Generator) -> None:
    asked = cue(1.0, (0.0, -60.0), (0.2, -60.0), (0.22, 0.0), (1.0, -20.0), prompt="wood chop", tail_s=1.0)
    tail = np.abs(generator.render(asked)[0].audio[48_000:, 0])
    power = np.square(tail).reshape(20, -1).mean(1)
    assert (power[:10] > 0).all(), "no gap"
    assert (power[3:] < 4 * power[:-3]).all(), "no second hit"


def test_what_is_undrawn_to_the_end_rings_out(generator: Generator) -> None:
    line = LoudnessCurve((CurvePoint(0.0, -6.0, "hold"), CurvePoint(0.5, None)))
    take = generator.render(replace(cue(1.0), loudness=line))[0].audio[:, 0]
    power = np.square(take[48_000:]).reshape(20, -1).mean(1)
    assert (power[:10] > 0).all() and power[0] > 0.1 * np.square(take[43_200:48_000]).mean()


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_take_in_mid_sound_begins_and_ends_without_a_click(generator: Generator, rate: int) -> None:
    asked = cue(0.51, (0.0, 0.0), start={"samples": 0, "rate": rate}, tail_s=0.0)
    (take,) = generator.render(asked)
    loud = np.abs(take.audio[rate // 100 : -rate // 100]).max()
    assert np.abs(take.audio[[0, -1]]).max() < 0.02 * loud
    assert take.report.curve.error_db_after is not None and take.report.curve.error_db_after < 0.8


def test_a_prompt_longer_than_the_model_reads_is_said(generator: Generator) -> None:
    steps = "footsteps on gravel, " * 20
    (warning,) = generator.warnings(steps)
    assert warning.startswith("the prompt is longer") and "gravel" in warning
    (warning,) = generator.warnings("rain", steps)
    assert warning.startswith("the negative prompt is longer")


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_curve_and_ceiling_hold_at_the_rate_of_the_file(generator: Generator, rate: int) -> None:
    line = cue(0.8, (0.0, 20.0), (0.4, -10.0), start={"samples": 0, "rate": rate}, prompt="glass shatters", tail_s=0.1)
    (take,) = generator.render(line)
    fine = soxr.resample(take.audio, rate, 8 * rate, quality="VHQ")
    assert 20 * np.log10(np.abs(fine).max()) < -1
    told, heard = np.array(take.report.curve.measured_level_db)[:80], levels(take.audio, rate)[:80]
    assert np.abs(told - heard).mean() < 0.2
