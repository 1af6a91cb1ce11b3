"""What this machine has and lacks: each check is one line that says how to mend it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import MissingModel


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    what: str
    good: bool
    text: str
    #: Whether nothing can be rendered without it.
    needed: bool = False


@dataclass(frozen=True)
class Weights:
    """One file of weights."""

    name: str
    size: str
    sha256: str
    state: str

    @property
    def whole(self) -> bool:
        return self.state == "whole"


def weights_found() -> list[Weights]:
    """Every file of the shipped weights' manifest, and the text encoder's."""
    from engine import text
    from engine.models import store

    found = []
    try:
        named = store.read_manifest(store.WEIGHTS)
    except MissingModel:
        named = {}
        state = "damaged" if (store.WEIGHTS / store.MANIFEST).exists() else "missing"
        found.append(Weights(store.MANIFEST, "-", "", state))
    for name, expected in named.items():
        path = store.WEIGHTS / name
        if not path.exists():
            found.append(Weights(name, "-", expected, "missing"))
            continue
        state = "whole" if store.digest(path) == expected else "damaged"
        found.append(Weights(name, f"{path.stat().st_size / 1e6:.1f} MB", expected, state))
    try:
        path = text.model_folder() / "model.safetensors"
        text.check_weights(path)
        found.append(Weights("all-MiniLM-L6-v2", f"{path.stat().st_size / 1e6:.1f} MB", text.SHA256, "whole"))
    except MissingModel:
        found.append(Weights("all-MiniLM-L6-v2", "-", text.SHA256, "missing"))
    return found


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}", True)


def _weights() -> Finding:
    bad = [f"{weights.name} is {weights.state}" for weights in weights_found() if not weights.whole]
    mend = "; restore them with: git checkout engine/weights, or reinstall the package"
    return Finding("weights", not bad, (", ".join(bad) + mend) if bad else "whole", True)


def _device() -> Finding:
    from engine.models.store import pick_device, pick_dtype

    device = pick_device()
    return Finding("compute", True, f"{device}, {str(pick_dtype(device)).removeprefix('torch.')}", True)


def _video() -> Finding:
    import av

    return Finding("video", "h264" in av.codecs_available, f"PyAV {av.__version__}", True)


def _audition() -> Finding:
    try:
        import sounddevice
    except OSError:
        return Finding("audition", False, "PortAudio is missing; on Debian: apt install libportaudio2")
    outputs = [device["name"] for device in sounddevice.query_devices() if device["max_output_channels"] > 0]
    return Finding(
        "audition", bool(outputs), ", ".join(outputs[:3]) if outputs else "no sound output; takes are still written"
    )


def _midi() -> Finding:
    if importlib.util.find_spec("rtmidi") is None:
        return Finding("MIDI", False, "python-rtmidi is missing; run: pip install 'draw-an-audio[midi]'")
    import mido

    try:
        names = [*mido.get_input_names(), *mido.get_output_names()]
    except Exception as error:  # rtmidi raises its own errors where the system has no MIDI
        return Finding("MIDI", False, f"no MIDI system ({error}); OSC and files work without".replace("\n", " "))
    return Finding("MIDI", True, ", ".join(dict.fromkeys(names)) or "no ports yet")


CHECKS: tuple[Callable[[], Finding], ...] = (_python, _weights, _device, _video, _audition, _midi)


def examine() -> list[Finding]:
    """Run every check; a check that fails in an unforeseen way is a finding, too."""
    findings = []
    for check in CHECKS:
        try:
            findings.append(check())
        except Exception as error:
            findings.append(Finding(check.__name__.strip("_"), False, f"{type(error).__name__}: {error}", True))
    return findings
