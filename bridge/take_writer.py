"""One take on its way to the disk: the wav and the JSON beside it, whole or absent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bridge import whole_file
from bridge.broadcast_wave import BroadcastWaveWriter
from bridge.take_names import TakeName
from engine.cue import Cue
from engine.take import TakeReport


@dataclass(frozen=True)
class TakeFile:
    """A take on disk."""

    path: Path
    #: The JSON beside it: cue, seed, model, measured curve.
    sidecar: Path
    seed: int
    number: int
    #: First sample on the host's timeline, handles included, at `rate`.
    start_samples: int
    rate: int
    samples: int
    channels: int
    #: Of the wav file.
    sha256: str
    report: TakeReport
    #: Of the mix of several sources: a file per source.
    stems: tuple[TakeFile, ...] = ()


class TakeWriter:
    """One take's wav and sidecar; leaving the context without `finish` leaves nothing behind."""

    def __init__(
        self, name: TakeName, cue: Cue, start_samples: int, *, stem: str = "", seed: int | None = None
    ) -> None:
        """`stem` follows the take's name in that of a stem's files; `seed` is the stem's own."""
        self._name, self._cue, self._start = name, cue, start_samples
        self.path, self._sidecar = name.path(f"{stem}.wav"), name.path(f"{stem}.json")
        self._samples = 0
        prompt, seed = title(cue), name.seed if seed is None else seed
        self._wave = BroadcastWaveWriter(
            self.path,
            rate=cue.span.rate,
            channels=cue.channels,
            time_reference=start_samples,
            description=f"{prompt} (seed {seed})",
            note=json.dumps({"prompt": prompt, "seed": seed, "cue": _brief(cue)}, ensure_ascii=False),
            take=name.number,
            scene=name.name,
        )

    def __enter__(self) -> TakeWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._wave.abort()

    def write(self, block: np.ndarray) -> None:
        self._wave.write(block)
        self._samples += len(block)

    def finish(self, report: TakeReport, facts: Mapping[str, object] | None = None) -> TakeFile:
        """Give both files their names: the sidecar, with `facts` in it, is whole on the disk before the wav appears."""
        cue, name = self._cue, self._name
        obj = {
            "version": 1,
            "file": self.path.name,
            "take": name.number,
            "start": {"samples": self._start, "rate": cue.span.rate},
            "samples": self._samples,
            "channels": cue.channels,
            **report.to_json(),
            **(facts or {}),
            "cue": cue.to_json(),
        }
        sidecar = whole_file.open_partial(self._sidecar)
        try:
            write_all(sidecar, json.dumps(obj, ensure_ascii=False, indent=1).encode())
            self._wave.close()
            try:
                whole_file.publish(sidecar, self._sidecar)
            except BaseException:
                self.path.unlink()  # ours, named a moment ago
                raise
        except BaseException:
            whole_file.discard(sidecar, self._sidecar)
            raise
        return TakeFile(
            path=self.path,
            sidecar=self._sidecar,
            seed=report.seed,
            number=name.number,
            start_samples=self._start,
            rate=cue.span.rate,
            samples=self._samples,
            channels=cue.channels,
            sha256=_digest(self.path),
            report=report,
        )


@contextmanager
def together() -> Iterator[list[TakeFile]]:
    """A list for the takes finished in the block: if it raises, they go again, and Ctrl-C waits for its end."""
    done: list[TakeFile] = []
    with whole_file.undisturbed():
        try:
            yield done
        except BaseException:
            for file in done:  # ours, named a moment ago
                file.path.unlink()
                file.sidecar.unlink()
            raise


def title(cue: Cue) -> str:
    """What is to be heard, in one line."""
    return cue.prompt or " + ".join(source.prompt for source in cue.sources)


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data` to an unbuffered file, which may take it in parts."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _brief(cue: Cue) -> dict[str, object]:
    """The cue without its curves, which would swell the wav's header: the sidecar has them."""
    obj = cue.to_json()
    obj.pop("loudness", None)
    obj.pop("sources", None)
    return obj


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
