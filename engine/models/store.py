"""The weights on disk: where they lie, whether they are whole, and in which precision they run."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import MissingModel
from engine.models.base import FlowMatchEulerDiscreteScheduler, ModelMixin
from engine.models.codec import Codec
from engine.models.contacts import ContactReader
from engine.models.denoiser import Denoiser
from engine.models.mam import MaskAttentionModule
from engine.references import References

Network = TypeVar("Network", bound=nn.Module)
Loaded = TypeVar("Loaded", Codec, Denoiser, ContactReader, MaskAttentionModule)

WEIGHTS = Path(__file__).parent.parent / "weights"
MANIFEST = "manifest.json"
"""sha256 of every weights file, so that a damaged or swapped one is refused, and takes can name their model."""

MEND = "restore it with: git checkout engine/weights, or reinstall the package"

PHRASES = "phrases.safetensors"
REFERENCES = "references.safetensors"
CONTACTS = "contacts"
"""Folder of what reads contacts from a picture."""
NETWORK_FILES = tuple(f"{name}/{SAFETENSORS_WEIGHTS_NAME}" for name in ("codec", "denoiser", CONTACTS))
MODULE = "mam"
"""Folder of the Mask-Attention Module, beside codec and denoiser; weights may be without one."""


def pick_device(wish: str = "auto") -> str:
    """The device to run on: cpu, cuda or mps; ``auto`` takes the fastest there is."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        return next(name for name, present in there.items() if present)
    if not there.get(wish, False):
        raise MissingModel(
            f"device {wish!r} is not available here; use one of: {', '.join(d for d in there if there[d])}"
        )
    return wish


def pick_dtype(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it natively, else float32."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device == "cpu" and any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16")):
        return torch.bfloat16
    return torch.float32


@dataclass(frozen=True)
class Models:
    """Everything that was trained, loaded."""

    codec: Codec
    denoiser: Denoiser
    scheduler: FlowMatchEulerDiscreteScheduler
    phrases: list[str]
    """What the denoiser has been taught to name."""
    phrase_vectors: Tensor
    """(phrases, 384) their sentence embeddings, unit length."""
    references: References
    """Recordings that a take may start from."""
    contacts: ContactReader
    """What draws a curve from a picture."""
    mam: MaskAttentionModule | None
    """What lets the picture shape the sound; None where the weights have none."""
    sha256: str
    """Of the manifest: names these weights as a whole."""


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, str]:
    """The sha256 of each file by its name; raises MissingModel unless it names all that every render needs."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        raise MissingModel(f"the model's weights are missing: {manifest} is not there; {MEND}")
    try:
        names = dict(json.loads(manifest.read_text()))
        absent = [name for name in (PHRASES, REFERENCES, *NETWORK_FILES) if not isinstance(names.get(name), str)]
    except (ValueError, TypeError):
        absent = ["a table of files"]
    if absent:
        raise MissingModel(f"the model's weights are damaged: {manifest} lacks {absent[0]}; {MEND}")
    return names


def check(folder: Path) -> str:
    """Raise MissingModel unless every file of the manifest is there, to the bit; returns the manifest's sha256."""
    for name, expected in read_manifest(folder).items():
        path = folder / name
        if not path.exists():
            raise MissingModel(f"the model's weights are missing: {path} is not there; {MEND}")
        if digest(path) != expected:
            raise MissingModel(f"the model's weights are damaged: {path} does not match {MANIFEST}; {MEND}")
    return digest(folder / MANIFEST)


def in_precision(network: Network, dtype: torch.dtype) -> Network:
    """Convert the weights, but not the buffers: windows, filters and frequencies need their digits."""
    for weight in network.parameters():
        weight.data = weight.data.to(dtype)
    return network


def load_network(kind: type[Loaded], folder: Path) -> Loaded:
    """A network of this kind from its folder; raises MissingModel if its weights are not of this kind.

    What `from_pretrained` does to a folder, without the machinery for offloading that it would import.
    """
    if not folder.is_dir():
        raise MissingModel(f"{folder.parent} has no {folder.name}: these weights are of another version; {MEND}")
    network = kind.from_config(kind.load_config(folder))
    assert isinstance(network, kind)
    try:
        network.load_state_dict(load_file(folder / SAFETENSORS_WEIGHTS_NAME))
    except RuntimeError as error:
        raise MissingModel(f"the weights in {folder} are not those of this version's {kind.__name__}") from error
    return network


def load_module(folder: Path, denoiser: Denoiser) -> MaskAttentionModule | None:
    """The Mask-Attention Module that the manifest names, None without one; raises MissingModel if it does not fit."""
    if not any(name.startswith(f"{MODULE}/") for name in read_manifest(folder)):
        return None
    module = load_network(MaskAttentionModule, folder / MODULE)
    for name in ("width", "depth", "heads"):
        if module.config[name] != denoiser.config[name]:
            raise MissingModel(
                f"the model's weights do not fit together: {folder / MODULE} has {name} {module.config[name]}, the "
                f"denoiser {denoiser.config[name]}; train the module again (drawaudio train mam)"
            )
    return module


def load_contacts(folder: Path = WEIGHTS) -> ContactReader:
    """What draws a curve from a picture; small, so on the CPU and in float32. Raises MissingModel as `load` does."""
    check(folder)
    return load_network(ContactReader, folder / CONTACTS).eval()


def load(folder: Path = WEIGHTS, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Models:
    """Load the models. Raises MissingModel with one line if they are absent or damaged."""
    sha256 = check(folder)
    phrases = load_file(folder / PHRASES)
    denoiser = load_network(Denoiser, folder / "denoiser")
    module = load_module(folder, denoiser)

    def ready(network: Network) -> Network:
        # Not diffusers' own `to`, for the reason given in load_network.
        return nn.Module.to(in_precision(network, dtype), device).eval()

    return Models(
        ready(load_network(Codec, folder / "codec")),
        ready(denoiser),
        FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        bytes(phrases["text"].numpy()).decode().split("\n"),
        phrases["vectors"].float(),
        References(load_file(folder / REFERENCES)),
        load_network(ContactReader, folder / CONTACTS).eval(),
        None if module is None else ready(module),
        sha256,
    )


def save(
    folder: Path,
    codec: Codec,
    denoiser: Denoiser,
    contacts: ContactReader,
    phrases: list[str],
    vectors: Tensor,
    references: dict[str, Tensor],
    module: MaskAttentionModule | None = None,
) -> None:
    """Write weights as bfloat16 safetensors with their manifest. vectors: (phrases, 384); see engine.references."""
    networks: dict[str, ModelMixin] = {"codec": codec, "denoiser": denoiser, CONTACTS: contacts}
    if module is not None:
        networks[MODULE] = module
    for name, network in networks.items():
        in_precision(network, torch.bfloat16).save_pretrained(folder / name)
    FlowMatchEulerDiscreteScheduler(shift=1.0).save_pretrained(folder / "scheduler")
    text = torch.frombuffer(bytearray("\n".join(phrases).encode()), dtype=torch.uint8)
    save_file({"text": text, "vectors": vectors.to(torch.float16)}, folder / PHRASES)
    save_file(references, folder / REFERENCES)
    parts = (*networks, "scheduler")
    files = sorted(
        [folder / PHRASES, folder / REFERENCES, *(path for part in parts for path in (folder / part).iterdir())]
    )
    for path in files:
        path.chmod(0o644)  # safetensors lets only their owner read them: a render farm has other users
    names = {path.relative_to(folder).as_posix(): digest(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(names, indent=1) + "\n")
