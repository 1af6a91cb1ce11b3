"""The marker grammar: what a region's or marker's name asks for. The same in every DAW, in cue files and in the shell.

    footsteps on gravel @person ! speech, music #loose #seed=7 #takes=4

First the prompt, then masks ("@person", '@"red car"', "@box 0.55 0.20 0.30 0.40", "@point 0.4 0.6",
"@paint lake.png"), after "!" what must not be heard, and options. The signs count where a word begins: "stop!" and
"rock'n'roll #" inside a prompt are a word and an error, never a different sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from engine.cue import MAX_PROMPT, MAX_SEED, MAX_TAKES, CueError, MaskPrompt


class MarkerError(ValueError):
    """A marker that cannot be parsed; `str()` is one line: which marker, at which column, what, how to mend it."""

    def __init__(self, where: str, column: int, problem: str, mend: str) -> None:
        super().__init__(f"{where}, column {column}: {problem}; {mend}")
        self.where = where
        #: Counts from 1.
        self.column = column
        self.problem = problem
        self.mend = mend


@dataclass(frozen=True)
class MarkerCue:
    """What a marker says; what it leaves out is None or empty."""

    prompt: str = ""
    negative_prompt: str = ""
    masks: tuple[MaskPrompt, ...] = ()
    #: "tight" or "loose".
    follow: str | None = None
    seed: int | None = None
    takes: int | None = None


@dataclass(frozen=True)
class _Word:
    text: str
    column: int


#: A sign that opens a quotation keeps its spaces: @"red car"; so does a quotation that is a word.
_WORDS = re.compile(r'(?:@|(?<!\S))"[^"]*"(?!\S)|\S+')
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


@dataclass
class _Parser:
    where: str
    words: list[_Word]
    place: int = 0
    prompt: list[_Word] = field(default_factory=list)
    #: None until "!" was met.
    negative: list[_Word] | None = None
    masks: list[MaskPrompt] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)
    #: The same as they were written.
    given: dict[str, str] = field(default_factory=dict)
    #: The last mask or option, after which no words may follow.
    sign: _Word | None = None

    def fail(self, word: _Word, problem: str, mend: str) -> NoReturn:
        raise MarkerError(self.where, word.column, problem, mend)

    def next(self) -> _Word | None:
        if self.place == len(self.words):
            return None
        self.place += 1
        return self.words[self.place - 1]

    # ------------------------------------------------------------------------------------------------------ signs

    def run(self) -> None:
        while (word := self.next()) is not None:
            first = word.text[0]
            if first == "@":
                self.mask(word)
                self.sign = word
            elif first == "#":
                self.option(word)
                self.sign = word
            elif first == "!":
                self.begin_negative(word)
            elif self.sign is not None:
                mend = 'put them before it, or quote what is one thing: @"red car"'
                self.fail(word, f"words after {self.sign.text}", mend)
            else:
                (self.prompt if self.negative is None else self.negative).append(word)

    def begin_negative(self, word: _Word) -> None:
        if self.negative is not None:
            self.fail(word, "a second !", "list all that must not be heard after the first one")
        self.negative = []
        self.sign = None  # the words after "!" are its own
        if len(word.text) > 1:
            self.negative.append(_Word(word.text[1:], word.column + 1))
        elif self.place == len(self.words) or self.words[self.place].text[0] in "@#":
            self.fail(word, "nothing after !", "say what must not be heard, or remove it")

    def mask(self, word: _Word) -> None:
        name = word.text[1:]
        if not name.strip('"'):
            self.fail(word, "@ without a name", "say what to look for, e.g. @person, or @box, @point, @paint")
        read = _MASKS.get(name, _text_mask)
        try:
            self.masks.append(read(self, word))
        except CueError as error:
            self.fail(word, f"{word.text} {error.problem}", error.mend or "correct it")

    def numbers(self, word: _Word, names: str) -> list[float]:
        """As many numbers as `names` has names."""
        found: list[float] = []
        wanted = names.split()
        for name in wanted:
            following = self.next()
            if following is None or not _NUMBER.fullmatch(following.text):
                at = following or _Word("", word.column + len(word.text))
                got = f"{following.text!r} instead of" if following else "no"
                self.fail(at, f"{word.text} has {got} {name}", f"write {word.text} {names}, fractions of the frame")
            found.append(float(following.text))
        return found

    def option(self, word: _Word) -> None:
        name, equals, value = word.text[1:].partition("=")
        read = _OPTIONS.get(name.lower())
        if read is None:
            self.fail(word, f"unknown option {word.text}", f"known are {_OPTION_NAMES}")
        key, setting = read(self, word, value if equals else None)
        if key in self.options:
            self.fail(word, f"{word.text} after {self.given[key]}", "keep one of the two")
        self.options[key] = setting
        self.given[key] = word.text


def _text_mask(parser: _Parser, word: _Word) -> MaskPrompt:
    name = word.text[1:]
    if '"' in name.strip('"') or name.count('"') == 1:
        parser.fail(word, f"a quotation that does not end in {word.text}", 'write @"red car"')
    return MaskPrompt("text", query=name.strip('"'))


def _box_mask(parser: _Parser, word: _Word) -> MaskPrompt:
    left, top, width, height = parser.numbers(word, "left top width height")
    return MaskPrompt("box", box=(left, top, width, height))


def _point_mask(parser: _Parser, word: _Word) -> MaskPrompt:
    x, y = parser.numbers(word, "x y")
    return MaskPrompt("point", points=((x, y),))


def _paint_mask(parser: _Parser, word: _Word) -> MaskPrompt:
    following = parser.next()
    if following is None or following.text[0] in "@#!" or not following.text.strip('"'):
        parser.fail(following or word, "@paint names no picture", 'write @paint lake.png or @paint "my lake.png"')
    if following.text.count('"') % 2:
        parser.fail(following, f"a quotation that does not end in {following.text}", 'write @paint "my lake.png"')
    return MaskPrompt("paint", path=following.text.strip('"'))


#: Word after @ -> what reads its arguments; any other word is what YOLO-World is to look for.
_MASKS: dict[str, Callable[[_Parser, _Word], MaskPrompt]] = {
    "box": _box_mask,
    "point": _point_mask,
    "paint": _paint_mask,
}


def _follow(parser: _Parser, word: _Word, value: str | None) -> tuple[str, object]:
    if value is not None:
        parser.fail(word, f"{word.text} takes no value", f"write {word.text.partition('=')[0]}")
    return "follow", word.text[1:].lower()


def _integer(key: str, low: int, high: int) -> Callable[[_Parser, _Word, str | None], tuple[str, object]]:
    def read(parser: _Parser, word: _Word, value: str | None) -> tuple[str, object]:
        if value is None or not re.fullmatch(r"[0-9]{1,20}", value) or not low <= int(value) <= high:
            parser.fail(word, f"{word.text} is not #{key}= with a whole number from {low} to {high}", f"write #{key}=7")
        return key, int(value)

    return read


_OPTIONS: dict[str, Callable[[_Parser, _Word, str | None], tuple[str, object]]] = {
    "tight": _follow,
    "loose": _follow,
    "seed": _integer("seed", 0, MAX_SEED),
    "takes": _integer("takes", 1, MAX_TAKES),
}
_OPTION_NAMES = "#tight, #loose, #seed=7 and #takes=4"


def parse_marker(text: str, *, where: str) -> MarkerCue:
    """What the marker `text` asks for; `where` names it in errors (`region "door" at 2 s`).

    Raises `MarkerError`; an empty text is an empty cue.
    """
    _check(text, where)
    parser = _Parser(where, [_Word(match.group(), match.start() + 1) for match in _WORDS.finditer(text)])
    parser.run()
    return MarkerCue(
        prompt=_joined(parser.prompt),
        negative_prompt=_joined(parser.negative or []),
        masks=tuple(parser.masks),
        follow=parser.options.get("follow"),  # type: ignore[arg-type]
        seed=parser.options.get("seed"),  # type: ignore[arg-type]
        takes=parser.options.get("takes"),  # type: ignore[arg-type]
    )


def split_track(text: str, tracks: Iterable[str]) -> tuple[str | None, str]:
    """`TRACK: prompt` -> the track and the prompt, where one of `tracks` is so named.

    Letter case does not matter where no track is named to the letter, nor whether an "ü" is one sign or, as in names of
    files on a Mac, two. Anything else is returned as it is, with no track: "woman says: no" is a prompt.
    """
    named = [track for track in reversed([*tracks]) if track.strip()]
    known = {_folded(track): track for track in named} | {track.strip(): track for track in named}
    for colon in (match.start() for match in reversed([*re.finditer(":", text)])):
        head = text[:colon].strip()
        track = known.get(head) or known.get(_folded(head))
        if track is not None:
            return track, text[colon + 1 :].strip()
    return None, text


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def _check(text: str, where: str) -> None:
    for column, character in enumerate(text, 1):
        if ord(character) < 32 and character not in "\t\r\n":
            raise MarkerError(where, column, f"a control character (U+{ord(character):04X})", "leave it out")
    if len(text) > MAX_PROMPT:
        raise MarkerError(where, MAX_PROMPT + 1, f"{len(text)} characters", f"at most {MAX_PROMPT} are allowed")


def _joined(words: list[_Word]) -> str:
    """The words as they stand in the text, whatever is between them made one space."""
    return " ".join(word.text for word in words)
