"""Messages <-> named arguments, checked against the spec table."""

import math
import re
from collections.abc import Mapping, Sequence

from bridge.osc.packet import Message, encode
from bridge.osc.spec import COLUMNS, IN_BY_ADDRESS, MAX_CHUNK_POINTS, OUT_BY_ADDRESS, PREFIX, Argument, Verb
from bridge.refused import Refused

ACCEPTED: Mapping[str, str] = {"s": "sS", "i": "ihdf", "f": "fdih", "d": "dfih"}
"""Type tags accepted where the table asks for the key. A float for an integer must be a whole number."""

Values = dict[str, object]


def bind(message: Message, table: Mapping[str, Verb] = IN_BY_ADDRESS) -> tuple[Verb, Values]:
    """The verb of a message and its arguments by name. Raises Refused.

    Repeated groups come as a list of tuples under the key `points`. A token at the end of the address
    (`/drawaudio/capture/value/TOKEN`) is read as the first argument.
    """
    address, types, values = message.address, message.types, message.values
    bare = f"{PREFIX}/capture/value/"
    if address.startswith(bare):
        address, types, values = bare[:-1], "s" + types, (address[len(bare) :], *values)
    verb = table.get(address)
    if verb is None:
        raise Refused("unknown_address", f"{address[:100]!r} is not a verb; docs/osc.md lists them")
    arguments = verb.arguments
    required = sum(not a.optional for a in arguments)
    given = len(values)
    if given < required or (given > len(arguments) and not verb.repeats):
        wanted = str(required) if required == len(arguments) else f"{required} to {len(arguments)}"
        raise Refused("wrong_arguments", f"{verb.address} takes {wanted} arguments, {given} came")
    bound: Values = {a.name: a.default for a in arguments}
    for argument, tag, value in zip(arguments, types, values, strict=False):
        bound[argument.name] = _check(verb, argument, tag, value)
    if verb.repeats:
        rest = len(arguments)
        bound["points"] = _rows(verb, str(bound[verb.repeats]), types[rest:], values[rest:])
    return verb, bound


def check_named(verb: Verb, named: Mapping[str, object]) -> Values:
    """Arguments given by name (JSON), without token and request, checked as those of a message. Raises Refused."""
    arguments = {a.name: a for a in verb.arguments if a.name not in ("token", "request")}
    unknown = sorted(set(named) - set(arguments))
    if unknown:
        raise Refused(
            "wrong_arguments",
            f"{verb.address}: {unknown[0][:40]!r} is not one of {', '.join(arguments) or 'its arguments'}",
        )
    bound: Values = {a.name: a.default for a in arguments.values()}
    for name, argument in arguments.items():
        if name in named:
            value = named[name]
            tag = "s" if isinstance(value, str) else "d" if type(value) in (int, float) else "?"
            bound[name] = _check(verb, argument, tag, value)
        elif not argument.optional:
            raise Refused("wrong_arguments", f"{verb.address}: {name} is missing")
    return bound


def _check(verb: Verb, argument: Argument, tag: str, value: object) -> object:
    where = f"{verb.address}: {argument.name}"
    if tag not in ACCEPTED[argument.type]:
        raise Refused("wrong_arguments", f"{where} must have the type {argument.type}, not {tag}")
    if argument.type == "s":
        return _check_text(where, argument, str(value))
    assert isinstance(value, (int, float))
    if argument.type == "i":
        if isinstance(value, float) and (not math.isfinite(value) or value != int(value)):
            raise Refused("wrong_arguments", f"{where} must be a whole number, not {value}")
        value = int(value)
    low, high = argument.minimum, argument.maximum
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise Refused("wrong_arguments", f"{where} must lie between {low} and {high}, not {value}")
    return value if argument.type == "i" else float(value)


def _check_text(where: str, argument: Argument, text: str) -> str:
    if len(text) > argument.max_length:
        raise Refused("too_large", f"{where} has {len(text)} characters; at most {argument.max_length}")
    if argument.choices and text not in argument.choices:
        raise Refused("wrong_arguments", f"{where} must be one of {', '.join(argument.choices)}; not {text[:40]!r}")
    if argument.pattern and not re.fullmatch(argument.pattern, text):
        raise Refused("wrong_arguments", f"{where} {text[:80]!r} does not fit the pattern {argument.pattern}")
    return text


def _rows(verb: Verb, columns: str, types: str, values: Sequence[object]) -> list[tuple[object, ...]]:
    """Groups of values after the named arguments, each checked against the layout `columns`."""
    layout = COLUMNS[columns]
    width = len(layout)
    if not values or len(values) % width:
        raise Refused("wrong_arguments", f"{verb.address}: {len(values)} values are not groups of {width} ({columns})")
    if len(values) // width > MAX_CHUNK_POINTS:
        raise Refused("too_large", f"{verb.address}: {len(values) // width} points; at most {MAX_CHUNK_POINTS} a chunk")
    rows = []
    for at in range(0, len(values), width):
        row: list[object] = []
        for offset, wanted in enumerate(layout):
            tag, value = types[at + offset], values[at + offset]
            if tag not in ACCEPTED[wanted]:
                raise Refused(
                    "wrong_arguments", f"{verb.address}: value {at + offset} must have the type {wanted}, not {tag}"
                )
            row.append(str(value) if wanted == "s" else float(value))  # type: ignore[arg-type]
        rows.append(tuple(row))
    return rows


def compose(address: str, values: Values, table: Mapping[str, Verb] = OUT_BY_ADDRESS) -> bytes:
    """Bytes of the message `address` (without the prefix) with arguments by name, types from the table.

    Optional arguments at the end that are not in `values` are left out. Texts are cut to the length the table allows.
    """
    verb = table[f"{PREFIX}/{address}"]
    types, out = "", []
    given = [values.get(argument.name) is not None for argument in verb.arguments]
    last = max((index for index, is_given in enumerate(given) if is_given), default=-1)
    for index, argument in enumerate(verb.arguments):
        if index > last and argument.optional:
            break
        value = values[argument.name] if given[index] else argument.default
        if value is None:
            raise KeyError(f"{address}: {argument.name} is missing")
        types += argument.type
        out.append(str(value)[: argument.max_length].replace("\0", " ") if argument.type == "s" else value)
    if verb.repeats:
        layout = COLUMNS[str(values[verb.repeats])]
        for row in values["points"]:  # type: ignore[attr-defined]
            types += "".join(layout)
            out.extend(row)
    return encode(verb.full, types, out)
