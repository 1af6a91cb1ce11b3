"""Reading untrusted JSON: every refusal names the field, says what is wrong and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class CueError(ValueError):
    """A cue that cannot be rendered as written.

    `field` is the path of the offending value ("loudness.points[3].value", "" for the whole cue), `problem` what is
    wrong with it and `mend` how to put it right; `str()` is all three on one line.
    """

    def __init__(self, field: str, problem: str, mend: str = "") -> None:
        self.field = field
        self.problem = problem
        self.mend = mend
        line = f"{field or 'cue'}: {problem}" + (f"; {mend}" if mend else "")
        super().__init__(" ".join(line.split()))

    def within(self, parent: str) -> CueError:
        """The same error, seen from the object that holds the offending one under the name `parent`."""
        joint = "" if not self.field or self.field.startswith("[") else "."
        return CueError(f"{parent}{joint}{self.field}", self.problem, self.mend)


@contextmanager
def inside(parent: str) -> Iterator[None]:
    """Prefix the field of any `CueError` raised in the block with `parent`."""
    try:
        yield
    except CueError as error:
        raise error.within(parent) from None


def shown(value: object) -> str:
    """`value` as it may stand in a one-line message."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return "an endless number"
    return text if len(text) <= 40 else text[:37] + "..."


def members(obj: object, known: Mapping[str, bool]) -> dict[str, object]:
    """`obj` as a dict, if it is a JSON object with no key outside `known` and with all that `known` calls needed."""
    if not isinstance(obj, Mapping):
        raise CueError("", f"must be an object, not {shown(obj)}", f"write {{{', '.join(known)}}}")
    for key in obj:
        if key not in known:
            raise CueError(str(key)[:60], "unknown key", f"known keys are {', '.join(known)}")
    for key, needed in known.items():
        if needed and key not in obj:
            raise CueError(key, "is missing", "add it")
    return dict(obj)


def as_number(value: object, field: str) -> float:
    """A finite JSON number (booleans are none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CueError(field, f"must be a number, not {shown(value)}", "write a plain number")
    if abs(value) > 1e300 or not math.isfinite(value):  # in this order: integers of any length come by
        raise CueError(field, f"must be finite, not {shown(value)}", "write a plain number")
    return float(value)


def as_integer(value: object, field: str) -> int:
    """A JSON integer; 480000.0 counts as one, since Lua and JavaScript write it so."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = as_number(value, field)
    if not number.is_integer():
        raise CueError(field, f"must be a whole number, not {shown(value)}", "round it")
    return int(number)


def as_text(value: object, field: str) -> str:
    """A JSON string that can be written as UTF-8."""
    if not isinstance(value, str):
        raise CueError(field, f"must be text, not {shown(value)}", "put it in quotes")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise CueError(field, "holds half of a character (a lone surrogate)", "write it as UTF-8") from None
    return value


def as_items(value: object, field: str, read: Callable[[object], T], *, most: int) -> tuple[T, ...]:
    """A JSON array, each item passed through `read`, whose errors are prefixed with "field[index]"."""
    if not isinstance(value, list | tuple):
        raise CueError(field, f"must be a list, not {shown(value)}", "write [ … ]")
    if len(value) > most:
        raise CueError(field, f"has {len(value)} entries", f"at most {most} are allowed")
    items = []
    for index, item in enumerate(value):
        with inside(f"{field}[{index}]"):
            items.append(read(item))
    return tuple(items)


def as_numbers(value: object, field: str, count: int) -> tuple[float, ...]:
    """A JSON array of exactly `count` finite numbers."""
    numbers = as_items(value, field, lambda item: as_number(item, ""), most=count)
    if len(numbers) != count:
        raise CueError(field, f"must hold {count} numbers, not {len(numbers)}", "add what is missing")
    return numbers


def in_range(value: float, limits: tuple[float, float], field: str, unit: str = "") -> None:
    """Refuse `value` outside `limits` (both ends allowed), NaN included."""
    low, high = limits
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        is_value, low_text, high_text = (shown(x) if isinstance(x, int) else f"{x:g}" for x in (value, low, high))
        raise CueError(field, f"is {is_value}{unit}", f"must lie between {low_text} and {high_text}{unit}")


def one_of(value: object, allowed: Mapping[str, object] | tuple[str, ...], field: str) -> None:
    """Refuse a word outside `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise CueError(field, f"is {shown(value)}", f"must be one of {', '.join(allowed)}")
