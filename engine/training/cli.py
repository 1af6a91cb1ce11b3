"""The trainings by name, and the script that does the whole of it in steps of a few minutes.

pack     data folder -> one file that travels          (about 32 MB)
codec    recordings -> codec.pt
latents  codec.pt, recordings, our own Foley -> latents.npz
denoiser latents.npz -> denoiser.pt
decoder  recordings, codec.pt -> decoder.pt
scenes   pictures and sounds of procedural scenes      (slow: one second of processor time each)
scene-latents  codec.pt, scenes -> scene_latents.npz
contacts scenes -> contacts.pt
mam      denoiser.pt, scenes, scene_latents.npz -> mam.pt
export   what is there of codec.pt, denoiser.pt, decoder.pt, contacts.pt, mam.pt -> weights folder
all      what is left of the above, until the minutes are up; run it again to go on
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.models.codec import Codec
from engine.models.contacts import ContactReader
from engine.models.denoiser import Denoiser
from engine.models.mam import MaskAttentionModule
from engine.models.store import load_contacts, save
from engine.text import TextEncoder
from engine.training.attribution import attribution
from engine.training.classes import CLASSES
from engine.training.codec import train_codec
from engine.training.contacts import SceneEvents, train_contacts
from engine.training.corpus import Corpus, index_rows, pack
from engine.training.denoiser import train_denoiser
from engine.training.latents import LatentBank, encode_all, procedural, recorded
from engine.training.mam import module_for, train_mam
from engine.training.references import free_files, make_references
from engine.training.scene_examples import SceneBank, draw_parts, encode_parts, scenes_drawn

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Options:
    """What a training needs to know."""

    data: Path
    """Data folder with index.csv, or a packed file made from it."""
    work: Path
    """Where checkpoints, logs and intermediate files lie; a run goes on from what is there."""
    minutes: float
    """Time budget of this call."""
    device: str = "cpu"
    config: str = "small"
    """Name of a file in ``configs/``, or a path to one."""

    def settings(self, stage: str) -> dict[str, Any]:
        """The stage's part of the config file."""
        path = Path(self.config) if self.config.endswith(".json") else CONFIGS / f"{self.config}.json"
        return dict(json.loads(path.read_text())[stage])

    @property
    def corpus(self) -> Corpus:
        """The recordings, decoded once into the work folder."""
        return Corpus.unpacked(self.data, self.work)


def averaged(network: torch.nn.Module, checkpoint: Path) -> Any:
    """A network with the averaged weights of a checkpoint."""
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["ema"])
    return network.eval()


def minutes_trained(checkpoint: Path) -> float:
    """How long a checkpoint has been trained."""
    if not checkpoint.exists():
        return 0.0
    return float(torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["spent_s"]) / 60


def codec(options: Options) -> None:
    """Train the codec on the recordings."""
    train_codec(
        options.corpus,
        options.work / "codec.pt",
        minutes=options.minutes,
        device=options.device,
        **options.settings("codec"),
    )


def latents(options: Options) -> None:
    """Encode recordings and our own Foley with the codec of this run."""
    network = averaged(Codec(), options.work / "codec.pt").to(options.device)
    rng = np.random.default_rng(1)
    sounds = chain(recorded(options.corpus, rng), procedural(options.settings("latents")["procedural"], rng))
    encode_all(network, sounds, options.work / "latents.npz")


def denoiser(options: Options) -> None:
    """Train the denoiser with its Time-Loudness Module."""
    bank = LatentBank(options.work / "latents.npz")
    train_denoiser(bank, options.work, minutes=options.minutes, device=options.device, **options.settings("denoiser"))


def decoder(options: Options) -> None:
    """Refine the codec's decoder under its finished encoder."""
    network = averaged(Codec(), options.work / "codec.pt")
    checkpoint = options.work / "decoder.pt"
    settings = options.settings("decoder")
    train_codec(
        options.corpus, checkpoint, minutes=options.minutes, device=options.device, decoder_of=network, **settings
    )


def scenes(options: Options) -> None:
    """Draw the procedural scenes, or go on drawing them."""
    draw_parts(options.settings("scenes")["count"], options.work / "scenes", options.minutes)


def scene_latents(options: Options) -> None:
    """Encode what is heard in the scenes with the codec of this run."""
    network = averaged(Codec(), options.work / "codec.pt").to(options.device)
    encode_parts(network, options.work / "scenes", options.work / "scene_latents.npz")


def contacts(options: Options) -> None:
    """Train what reads contacts from the picture."""
    events = SceneEvents(options.work / "scenes")
    settings = options.settings("contacts")
    train_contacts(events, options.work, minutes=options.minutes, device=options.device, **settings)


def trained_contacts(options: Options) -> ContactReader:
    """The contact reader of this run, averaged; the shipped one where none was trained."""
    checkpoint = options.work / "contacts.pt"
    return averaged(ContactReader(), checkpoint) if checkpoint.exists() else load_contacts()


def mam(options: Options) -> None:
    """Train the Mask-Attention Module beside the finished denoiser."""
    bank = SceneBank(options.work / "scenes", options.work / "scene_latents.npz")
    settings = options.settings("mam")
    train_mam(trained_denoiser(options), bank, options.work, minutes=options.minutes, device=options.device, **settings)


def trained_denoiser(options: Options) -> Denoiser:
    """The denoiser of this run, averaged."""
    settings = options.settings("denoiser")
    shape = {name: settings[name] for name in ("width", "depth", "heads")}
    return averaged(Denoiser(**shape), options.work / "denoiser.pt")


def trained_module(options: Options, denoiser: Denoiser) -> MaskAttentionModule | None:
    """The Mask-Attention Module of this run, averaged; None where none was trained."""
    checkpoint = options.work / "mam.pt"
    return averaged(module_for(denoiser), checkpoint) if checkpoint.exists() else None


def known_phrases() -> list[str]:
    """What the denoiser is taught to name: the phrases of every class."""
    return sorted({phrase for known in CLASSES.values() for phrase in known.phrases})


def export(options: Options) -> None:
    """Write the averaged weights of this run as a weights folder with its manifest."""
    network = trained_denoiser(options)
    phrases = known_phrases()
    encoder = TextEncoder()

    def embed_all(texts: list[str]) -> torch.Tensor:
        return torch.cat([encoder(texts[at : at + 64]).sentence for at in range(0, len(texts), 64)])

    vectors = embed_all(phrases)
    refined = options.work / "decoder.pt"
    codec_network = averaged(Codec(), refined if refined.exists() else options.work / "codec.pt")
    references = make_references(options.corpus, free_files(options.data), codec_network, network, embed_all)
    reader, module = trained_contacts(options), trained_module(options, network)
    save(options.work / "weights", codec_network, network, reader, phrases, vectors, references, module)
    (options.work / "weights" / "ATTRIBUTION.md").write_text(attribution(index_rows(options.data)), encoding="utf-8")


def everything(options: Options) -> None:
    """Go on with whatever stage is next until the minutes are up."""
    deadline = time.monotonic() + 60 * options.minutes
    for stage in (codec, denoiser, decoder, contacts, mam):
        checkpoint = options.work / f"{stage.__name__}.pt"
        if stage is denoiser and not (options.work / "latents.npz").exists():
            latents(options)
        if stage is contacts and not scenes_ready(replace(options, minutes=(deadline - time.monotonic()) / 60)):
            break
        total = options.settings(stage.__name__)["total_minutes"]
        left = min((deadline - time.monotonic()) / 60, total - minutes_trained(checkpoint))
        if left > 0:
            stage(replace(options, minutes=left))
        if time.monotonic() >= deadline:
            break
    if (options.work / "denoiser.pt").exists():
        export(options)


def scenes_ready(options: Options) -> bool:
    """Draw and encode what is missing of the scenes; whether that came to its end within the minutes."""
    scenes(options)
    if not scenes_drawn(options.settings("scenes")["count"], options.work / "scenes"):
        return False
    if not (options.work / "scene_latents.npz").exists():
        scene_latents(options)
    return True


def pack_data(options: Options) -> None:
    """Write the recordings as one file into the work folder."""
    options.work.mkdir(parents=True, exist_ok=True)
    pack(options.data, options.work / "audio.zip")


TRAININGS: dict[str, Callable[[Options], None]] = {
    "pack": pack_data,
    "codec": codec,
    "latents": latents,
    "denoiser": denoiser,
    "decoder": decoder,
    "scenes": scenes,
    "scene-latents": scene_latents,
    "contacts": contacts,
    "mam": mam,
    "export": export,
    "all": everything,
}
