"""Which key, knob or program means what: the learnable map, and the file it is kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import mido

ACTIONS = ("regenerate", "next_take", "previous_take", "keep", "audition", "cancel")
#: Kinds of trigger -> the mido message and its attribute that holds the number.
KINDS = {"note": ("note_on", "note"), "cc": ("control_change", "control"), "program": ("program_change", "program")}
#: A controller is a button here: pressed from the middle of its way on.
PRESSED = 64


class MidiMapError(ValueError):
    """A map file that cannot be; ``str()`` is one line with place and mend."""


@dataclass(frozen=True)
class Trigger:
    """A note, controller or program; ``channel`` 0-15 as mido counts, 1-16 in files and words."""

    kind: str
    channel: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number} on channel {self.channel + 1}"

    @classmethod
    def of(cls, message: mido.Message) -> Trigger | None:
        """What ``message`` comes from, pressed or not; ``None`` for kinds that cannot be learned."""
        for kind, (name, attribute) in KINDS.items():
            if message.type == name:
                return cls(kind, message.channel, getattr(message, attribute))
        return None


@dataclass(frozen=True)
class MidiMap:
    """At most one trigger per action."""

    triggers: Mapping[str, Trigger] = field(default_factory=lambda: MappingProxyType({}))

    def action(self, trigger: Trigger) -> str | None:
        """The action that ``trigger`` stands for."""
        return next((action for action, known in self.triggers.items() if known == trigger), None)

    def learned(self, action: str, trigger: Trigger) -> MidiMap:
        """This map with ``trigger`` for ``action``, taken from whatever it meant before."""
        if action not in ACTIONS:
            raise MidiMapError(f"MIDI map: no action {action!r}; use one of {', '.join(ACTIONS)}")
        others = {name: known for name, known in self.triggers.items() if name != action and known != trigger}
        return MidiMap(MappingProxyType(others | {action: trigger}))

    def to_json(self) -> dict[str, object]:
        """``{"version": 1, "keys": {"keep": {"kind": "note", "channel": 1, "number": 60}}}``."""
        keys = {
            action: {"kind": known.kind, "channel": known.channel + 1, "number": known.number}
            for action, known in self.triggers.items()
        }
        return {"version": 1, "keys": keys}

    @classmethod
    def from_json(cls, obj: object) -> MidiMap:
        """Raises ``MidiMapError`` naming the entry."""
        if not isinstance(obj, dict) or obj.get("version") != 1 or not isinstance(obj.get("keys"), dict):
            raise MidiMapError('MIDI map: write it as {"version": 1, "keys": {…}}')
        made = cls()
        for action, entry in obj["keys"].items():
            mend = 'write it as {"kind": "note", "channel": 1, "number": 60}'
            if not isinstance(entry, dict) or set(entry) != {"kind", "channel", "number"}:
                raise MidiMapError(f"MIDI map: keys.{action}: {mend}")
            kind, channel, number = entry["kind"], entry["channel"], entry["number"]
            if kind not in list(KINDS) or not _within(channel, 1, 16) or not _within(number, 0, 127):
                raise MidiMapError(f"MIDI map: keys.{action}: kind {', '.join(KINDS)}; channel 1-16; number 0-127")
            made = made.learned(action, Trigger(kind, channel - 1, number))
        return made

    @classmethod
    def load(cls, path: Path) -> MidiMap:
        """The map in ``path``; an empty one if there is no such file. Raises ``MidiMapError`` for a damaged one."""
        try:
            return cls.from_json(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return cls()
        except (ValueError, RecursionError) as error:
            raise MidiMapError(f"{path}: {str(error).splitlines()[0]}; mend the file or remove it") from error

    def save(self, path: Path) -> None:
        """Write the map to ``path``, whole or not at all, in place of the one before."""
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_text(json.dumps(self.to_json(), indent=2) + "\n", "utf-8")
        os.replace(fresh, path)


def _within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


class KeyReader:
    """Finds presses in a stream: a note struck, a program chosen, a controller pushed past the middle."""

    def __init__(self) -> None:
        self._down: set[Trigger] = set()

    def feed(self, message: mido.Message) -> Trigger | None:
        """The trigger that ``message`` presses, if it does; holding on and letting go press nothing."""
        trigger = Trigger.of(message)
        if trigger is None:
            return None
        if trigger.kind == "note":
            return trigger if message.velocity else None
        if trigger.kind == "program":
            return trigger
        was_down = trigger in self._down
        (self._down.add if message.value >= PRESSED else self._down.discard)(trigger)
        return trigger if message.value >= PRESSED and not was_down else None
