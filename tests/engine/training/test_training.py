"""The whole of a training in miniature: recordings in, a weights folder out that renders a take."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.cue import Cue
from engine.generator import Generator
from engine.training.attribution import attribution
from engine.training.classes import is_held_out
from engine.training.cli import TRAININGS, Options
from engine.training.corpus import Corpus, from_opus, index_rows, pack, to_opus
from engine.training.foley import draw
from engine.training.references import free_files, make_references, phrases_of

SETTINGS = {
    "codec": {"total_minutes": 0.05, "batch": 2},
    "latents": {"procedural": 2},
    "denoiser": {"total_minutes": 0.05, "batch": 2, "rate": 0.001, "width": 64, "depth": 1, "heads": 1},
}
LABELS = ("dog bark", "rain", "wood step", "glass break")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of eight sounds, half of them CC0, none of them held out."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    names = [
        name for name in (f"clip{letter}" for letter in "abcdefghijklmnopqrst") if not is_held_out(f"{name}.wav", "")
    ]
    rows = []
    for number, name in enumerate(names[:8]):
        soundfile.write(folder / f"{name}.wav", draw(rng, 1.0).audio, 48_000)
        rows.append(
            {"file": f"{name}.wav", "label": LABELS[number % 4], "category": "impact", "fold": "", "seconds": "1.0"}
            | {"licence": "CC0" if number < 4 else "CC BY 4.0", "author": "us", "url": "", "source": "made here"}
        )
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.parametrize("length", [1200, 5182, 46_708, 100_000])
def test_packed_sounds_of_any_length_are_read_again(length: int) -> None:
    """Short ones are what libsndfile refuses; a codec may round a length up by a part of its frame."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(length) / 48_000).astype(np.float32)
    again = from_opus(to_opus(tone))
    assert 0 <= len(again) - length < 960
    assert np.corrcoef(tone[480:], again[480:length])[0, 1] > 0.95


@pytest.mark.slow
def test_recordings_become_weights_that_render(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(SETTINGS))
    options = Options(data, tmp_path / "work", 0.03, "cpu", str(config))
    for stage in ("codec", "latents", "denoiser", "export"):
        TRAININGS[stage](options)
    generator = Generator.load(tmp_path / "work" / "weights", device="cpu")
    asked = {
        "prompt": "dog bark",
        "duration_s": 0.5,
        "tail_s": 0.0,
        "loudness": {"points": [{"time_s": 0, "value": -6}]},
    }
    (take,) = generator.render(Cue.from_json(asked))
    assert take.audio.shape == (24_000, 1) and np.abs(take.audio).max() > 0.01
    assert generator.models.references.pick(generator.text(["dog bark"]).sentence[0], 0) is not None


def test_a_packed_file_knows_what_its_folder_knew(data: Path, tmp_path: Path) -> None:
    """Weights trained elsewhere from it owe the same authors their names."""
    packed = tmp_path / "audio.zip"
    pack(data, packed)
    assert attribution(index_rows(packed)) == attribution(index_rows(data))
    assert attribution(index_rows(data)).count("- us (4)") == 2
    files = [
        [clip.file for clip in Corpus.unpacked(source, tmp_path / source.stem).training] for source in (data, packed)
    ]
    assert files[0] == files[1]


def test_only_what_is_free_becomes_a_reference(data: Path, tmp_path: Path) -> None:
    free = free_files(data)
    assert set(free) == {row["file"] for row in index_rows(data)[:4]}
    assert set(free.values()) == {f"{label} by us, CC0, made here" for label in LABELS}
    corpus = Corpus.unpacked(data, tmp_path / "work")
    assert {phrases_of(clip)[0] for clip in corpus.training} >= {"rain", "glass break"}

    import torch

    from engine.models.codec import Codec
    from engine.models.denoiser import Denoiser

    codec = Codec(width=32, encoder_width=16, slow_blocks=1, fast_blocks=1).eval()
    made = make_references(
        corpus, free, codec, Denoiser(width=64, depth=1, heads=1), lambda texts: torch.eye(384)[: len(texts)]
    )
    assert len(made["lengths"]) == 4 and len(made["latents"]) == int(made["lengths"].sum())
    assert len(made["level"]) == 2 * len(made["latents"]) and made["pitch"].shape == (len(made["latents"]), 2)
