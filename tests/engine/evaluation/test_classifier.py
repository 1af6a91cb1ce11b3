"""The judge: what it looks at, that its file comes back whole, and that envelopes do not fool it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import MissingModel
from engine.evaluation.classifier import (
    FEATURES,
    WEIGHTS,
    Classifier,
    class_names,
    describe,
    log_mel_db,
    normalise,
)
from engine.evaluation.recordings import data_folder, held_out
from engine.evaluation.train_classifier import arrange, disguise, frame_level

RATE = 48_000


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def test_a_window_has_as_many_features_as_promised_and_silence_is_finite() -> None:
    mels = torch.stack([torch.from_numpy(log_mel_db(noise(2))[:, :200]), torch.full((64, 200), -100.0)])
    found = describe(mels)
    assert found.shape == (2, FEATURES)
    assert torch.isfinite(found).all()


def test_the_level_makes_no_difference() -> None:
    mel = torch.from_numpy(log_mel_db(noise(2)))[None]
    torch.testing.assert_close(normalise(mel), normalise(mel - 23.0))


def test_a_saved_judge_is_the_same_judge(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = Classifier(class_names())
    with torch.no_grad():
        for parameter in judge.parameters():  # as if it had been rounded already
            parameter.copy_(parameter.to(torch.bfloat16))
    judge.save(tmp_path / "judge.safetensors")
    again = Classifier.load(tmp_path / "judge.safetensors")
    sounds = [noise(0.1), noise(1.3, 1), noise(7.7, 2)]
    first, second = judge.judge(sounds), again.judge(sounds)
    assert again.classes == class_names()
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert first.probabilities.shape == (3, len(class_names()))
    assert first.embedding.shape == (3, 64)
    np.testing.assert_allclose(first.probabilities.sum(1), 1, atol=1e-5)


def test_a_missing_judge_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="restore it") as caught:
        Classifier.load(tmp_path / "none.safetensors")
    assert "\n" not in str(caught.value)


def test_a_disguised_window_has_the_donors_envelope() -> None:
    mel = log_mel_db(noise(3)).T
    donor = np.full((400, 1), -40.0, np.float32)
    donor[100:] = 0.0
    rng = np.random.default_rng(1)
    changes = []
    for _ in range(40):
        window, own = arrange(mel, frame_level(mel), rng)
        assert window.shape == (200, 64)
        level = frame_level(disguise(window, own, arrange(donor, donor[:, 0], rng)[1], rng))
        changes.append(level.max() - np.percentile(level, 5))
    # Some windows keep their own flat envelope; those that take the donor's may see its step of 40 dB.
    assert min(changes) < 12
    assert max(changes) > 25


@pytest.mark.data
@pytest.mark.weights
def test_the_shipped_judge_knows_held_out_recordings_and_is_not_fooled_by_shaped_noise() -> None:
    try:
        folder = data_folder()
        judge = Classifier.load()
    except MissingModel as error:
        pytest.skip(str(error))
    assert WEIGHTS.stat().st_size < 2_000_000
    real = [recording for recording in held_out(folder, per_class=4) if recording.name]
    right = [heard == r.name for heard, r in zip(judge.judge([r.audio for r in real]).names, real, strict=True)]
    assert np.mean(right) > 0.5
    shaped = []
    for index, recording in enumerate(real):
        level = np.abs(recording.audio)
        envelope = np.convolve(level, np.ones(960) / 960, "same")
        shaped.append((envelope * noise(len(level) / RATE, index)[: len(level)]).astype(np.float32))
    fooled = [heard == r.name for heard, r in zip(judge.judge(shaped).names, real, strict=True)]
    assert np.mean(fooled) < 0.25
