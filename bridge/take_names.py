"""Names of takes in a folder: `NAME_take01_seed7.wav`; numbering continues, and two programs never get one number."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Longest NAME in UTF-8 bytes: with number, seed and suffixes it stays within the 255 of every file system.
MAX_NAME = 120
CLAIM_SUFFIX = ".claim"


@dataclass(frozen=True)
class TakeName:
    """The name of one take's files."""

    folder: Path
    name: str
    number: int
    seed: int

    def path(self, suffix: str) -> Path:
        """The file with the given suffix (".wav", ".json", ".png")."""
        return self.folder / f"{self.name}_take{self.number:02d}_seed{self.seed}{suffix}"


def file_name(text: str, longest: int = MAX_NAME) -> str:
    """`text` (a prompt, a track's name) as a file name that every system takes: "Dog! (barks)" -> "Dog_barks"."""
    plain = re.sub(r"[^\w]+", "_", unicodedata.normalize("NFC", text)).strip("_")
    return plain.encode()[:longest].decode(errors="ignore").strip("_") or "take"


@contextmanager
def claim(folder: Path, name: str, seeds: list[int]) -> Iterator[list[TakeName]]:
    """Names for one take per seed, numbered on from what `folder` holds, ours alone while the context lasts.

    The numbers are held by an empty file each, made exclusively and removed at the end; by then the takes themselves
    hold them. What a killed program left over only makes a number be skipped.
    """
    held: list[Path] = []
    names: list[TakeName] = []
    number = _last_number(folder, name)
    try:
        for seed in seeds:
            while True:
                number += 1
                path = folder / f"{name}_take{number:02d}{CLAIM_SUFFIX}"
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                except FileExistsError:
                    continue
                held.append(path)
                # Between our look into the folder and our claim another program may have finished that number.
                if _last_number(folder, name, claims=False) < number:
                    break
            names.append(TakeName(folder, name, number, seed))
        yield names
    finally:
        for path in held:
            path.unlink(missing_ok=True)


def _last_number(folder: Path, name: str, *, claims: bool = True) -> int:
    """The highest take number of `name` in `folder`, 0 if there is none; case does not tell names apart on a Mac."""
    kinds = r"_seed\d+[._]" + (rf"|{re.escape(CLAIM_SUFFIX)}$" if claims else "")
    pattern = re.compile(rf"{re.escape(name)}_take(\d+)(?:{kinds})", re.IGNORECASE)
    found = (pattern.match(entry.name) for entry in os.scandir(folder))
    return max((int(match[1]) for match in found if match), default=0)
