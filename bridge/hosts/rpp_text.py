"""The text of a REAPER project: nested blocks of lines, each a list of quoted or bare words."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: Blocks nest a dozen deep in practice (containers in FX chains); more is damage.
MAX_DEPTH = 100

#: A word ends at its own quote; a quote that never ends takes the rest of the line. Only ASCII blanks part words, as
#: REAPER does not quote a name for an ideographic or a no-break space.
_WORD = re.compile(r'"([^"]*)"?|\'([^\']*)\'?|`([^`]*)`?|([^ \t]+)')


class RppError(ValueError):
    """Text that is no REAPER project; `str()` says what is wrong and where."""


@dataclass
class Block:
    """`<NAME …` up to its `>`: the words of its head, and its lines and blocks in order."""

    head: str
    items: list[str | Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.head.split(None, 1)[0] if self.head else ""

    def words(self) -> list[str]:
        """The head's words, the name first."""
        return words(self.head)

    def blocks(self, *names: str) -> Iterator[Block]:
        """Blocks directly inside, of the given names if any are given."""
        for item in self.items:
            if isinstance(item, Block) and (not names or item.name in names):
                yield item

    def lines(self, *names: str) -> Iterator[list[str]]:
        """The words of each line directly inside that begins with one of `names`."""
        starts = tuple(name + blank for name in names for blank in " \t")
        for item in self.items:
            if isinstance(item, str) and (item.startswith(starts) or item in names):
                yield words(item)

    def line(self, name: str) -> list[str]:
        """The words after `name` in the first such line; [] where there is none."""
        return next(self.lines(name), [name])[1:]


def words(line: str) -> list[str]:
    """The words of a line. REAPER quotes with ", ' or `, whichever the word does not hold; nothing is escaped."""
    if line.isascii() and '"' not in line and "'" not in line and "`" not in line:
        return line.split()
    return [next((part for part in groups if part), "") for groups in _WORD.findall(line)]


def quoted(word: str) -> str:
    """`word` as REAPER writes it, so that `words` gives it back; with all three quotes in it, ` becomes '."""
    word = re.sub(r"[\r\n\0]+", " ", word)
    if word and not re.search(r"[\s\"'`#;]", word):
        return word
    for quote in "\"'`":
        if quote not in word:
            return f"{quote}{word}{quote}"
    return "`" + word.replace("`", "'") + "`"


def parse_rpp(text: str) -> tuple[Block, list[str]]:
    """The project block of `text` and what was odd about it. Raises `RppError` where there is no project at all."""
    root = Block("")
    open_blocks = [root]
    # Not splitlines(): a name may hold what Unicode calls a line end.
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if not line:
            continue
        if line[0] == "<":
            if len(open_blocks) > MAX_DEPTH:
                raise RppError(f"blocks nest more than {MAX_DEPTH} deep at line {number}")
            block = Block(line[1:].strip())
            open_blocks[-1].items.append(block)
            open_blocks.append(block)
        elif line == ">":
            if len(open_blocks) > 1:
                open_blocks.pop()
        else:
            open_blocks[-1].items.append(line)
    project = next(root.blocks("REAPER_PROJECT"), None)
    if project is None:
        raise RppError("no <REAPER_PROJECT block")
    odd = []
    if len(open_blocks) > 1:
        where = f" (in <{open_blocks[-1].name})" if len(open_blocks) > 2 else ""
        if line and open_blocks[-1].items and isinstance(open_blocks[-1].items[-1], str):
            open_blocks[-1].items.pop()  # half a line may look like a whole one: PT 2 0.25 cut to PT 2 0.2
        odd.append(f"the file ends in the middle{where}: read as far as it goes")
    return project, odd


def decode_rpp(data: bytes) -> str:
    """The text of a project file: UTF-8 as REAPER 4 and later write, else Windows-1252 or Latin-1.

    Line by line where it must be, as REAPER takes each name by itself: an old project opened and saved again has both.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(map(_decode_line, data.split(b"\n")))


def _decode_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            pass
    return line.decode("latin-1")
