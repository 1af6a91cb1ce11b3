"""The whole evaluation on a small synthetic data folder: every row comes out, and noise is seen to be noise."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.cue import Cue
from engine.errors import MissingModel
from engine.evaluation import classifier
from engine.evaluation.evaluate import Plan, evaluate
from engine.evaluation.recordings import data_folder, held_out, matched_training
from engine.evaluation.takes import Order
from engine.models.codec import Codec
from engine.spectral import SAMPLE_RATE
from engine.training.classes import held_out_files

ESC = ("dog", "rain", "clock_tick", "rooster")


def write_folder(root: Path) -> Path:
    """Three held-out and three training recordings of four classes: decaying noise, a hit every 0.3 s."""
    audio = root / "audio"
    rng = np.random.default_rng(0)
    kept = sorted(file for file in held_out_files() if file.startswith("esc10/"))[:12]
    rows = ["file,label,category,fold,seconds,licence,author,url,source"]
    for index in range(24):
        file = kept[index] if index < 12 else f"esc10/1-{index}-A.wav"
        name = ESC[index % 4]
        rows.append(f"{file},{name},{name},{5 if index < 12 else 1},1.2,CC0,,,")
        times = np.arange(round(1.2 * SAMPLE_RATE)) / SAMPLE_RATE
        sound = 0.3 * rng.standard_normal(len(times)) * np.exp(-(times % 0.3) / 0.05)
        path = audio / file
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(sound, -1, 1), SAMPLE_RATE, format="WAV")
    (audio / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return audio


class NoiseGenerator:
    """Makes noise under the curve, and a raw version that is 3 dB too loud: what the rows must tell apart."""

    def render_raw_and_final(self, cue: Cue, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        assert cue.loudness is not None
        times = (np.arange(round(cue.span.duration_s * SAMPLE_RATE)) + 0.5) / SAMPLE_RATE
        gain = 10 ** ((cue.loudness.sample(times) + cue.loudness.reference_dbfs) / 20)
        final = np.stack([gain * np.random.default_rng(seed).standard_normal(len(times)) for seed in seeds])
        return final * 10 ** (3 / 20), final


def test_a_folder_without_recordings_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAWAUDIO_DATA", str(tmp_path))
    with pytest.raises(MissingModel, match="DRAWAUDIO_DATA"):
        data_folder()


def test_every_row_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAWAUDIO_DATA", str(tmp_path))
    write_folder(tmp_path)
    data = data_folder()
    assert [len(held_out(data)), len(held_out(data, per_class=2)), len(matched_training(data, 2))] == [12, 8, 8]

    torch.manual_seed(0)
    Codec(width=32, encoder_width=32, slow_blocks=1, fast_blocks=1).save_pretrained(tmp_path / "codec")
    judge = tmp_path / "judge.safetensors"
    classifier.Classifier(classifier.class_names()).save(judge)
    load = classifier.Classifier.load
    monkeypatch.setattr(classifier.Classifier, "load", lambda: load(judge))

    told: list[str] = []
    found = evaluate(NoiseGenerator(), NoiseGenerator(), tmp_path, data, Plan(1, 4, 6, 3, 2, 1), told.append)
    rows = {figure.what.split(",")[0]: figure for figure in found.figures}
    assert len(found.figures) == 17
    assert all(np.isfinite(list(figure.values.values())).all() for figure in found.figures)
    error = rows["tight: mean absolute error"].values
    assert error["final"] < 0.8 < 2.5 < error["raw"] < 3.5
    assert error["noise"] == pytest.approx(error["final"], abs=0.1)
    assert rows["loose: running maximum against the line"].values["final"] < 1.5
    assert rows["same seed is bit-identical"].values["final"] is True
    assert rows["prompt: accuracy of the judge"].values["final"] < 0.3
    takes = found.details["takes"]
    assert isinstance(takes, list) and len(takes) == 20
    assert any("takes" in text for text in told)


def test_an_order_is_a_cue_without_a_tail() -> None:
    from engine.evaluation.curves import hand_drawn_curves

    cue = Order("dog", "dog barking", hand_drawn_curves(1)[0], 7).cue
    assert (cue.prompt, cue.tail_s, cue.span.samples) == ("dog barking", 0.0, 192_000)
