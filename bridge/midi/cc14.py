"""Controllers as 0…1: seven bits, fourteen-bit pairs, NRPN and RPN."""

from __future__ import annotations

import re
from dataclasses import dataclass

import mido

_DATA_MSB, _DATA_LSB = 6, 38
#: Select messages: controller number -> (kind, which half of the parameter number).
_SELECT = {99: ("nrpn", "high"), 98: ("nrpn", "low"), 101: ("rpn", "high"), 100: ("rpn", "low")}
_NO_PARAMETER = 0x3FFF
KINDS = ("cc", "nrpn", "rpn")


@dataclass(frozen=True)
class Controller:
    """One knob: a ``cc`` 0-119, or the ``nrpn``/``rpn`` parameter 0-16383, on a channel 0-15 as mido counts."""

    kind: str
    channel: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind.upper()} {self.number} on channel {self.channel + 1}"

    @classmethod
    def parse(cls, text: str) -> Controller:
        """Read ``cc 7``, ``CC11 channel 3``, ``nrpn 1200 on channel 1``; channel 1 if none is named."""
        match = re.fullmatch(r"\s*(cc|nrpn|rpn)\s*(\d+)(?:\s*(?:on\s*)?ch(?:annel)?\s*(\d+))?\s*", text, re.IGNORECASE)
        kind, number, channel = match.groups() if match else ("", "0", "1")
        kind, at, on = kind.lower(), int(number), int(channel or 1) - 1
        if kind not in KINDS or not 0 <= on < 16 or at > (119 if kind == "cc" else _NO_PARAMETER):
            raise ValueError(f"controller {text!r}: write it as 'cc 7', 'cc 11 channel 2' or 'nrpn 1200 channel 1'")
        return cls(kind, on, at)


@dataclass(frozen=True)
class ControllerValue:
    """``fraction`` 0…1 of full scale. ``refines``: the fine half of the coarse value reported just before it."""

    controller: Controller
    fraction: float
    refines: bool = False


class ControllerReader:
    """Turns control changes into values.

    A pair arrives as two messages, coarse first. The coarse half is reported at once (a controller may never send
    the fine half) and the fine half then refines it.
    """

    def __init__(self) -> None:
        self._coarse: dict[Controller, int] = {}
        self._awaiting_fine: set[Controller] = set()
        self._fourteen_bit: set[Controller] = set()
        self._selected: dict[int, tuple[str, int]] = {}

    def feed(self, message: mido.Message) -> ControllerValue | None:
        """The value that a ``control_change`` gives its controller; ``None`` for selects and other messages."""
        if message.type != "control_change" or message.control >= 120:
            return None
        channel, number, value = message.channel, message.control, message.value
        if number in _SELECT:
            self._select(channel, number, value)
            return None
        if number in (_DATA_MSB, _DATA_LSB) and channel in self._selected:
            kind, parameter = self._selected[channel]
            if parameter == _NO_PARAMETER:
                return None
            controller = Controller(kind, channel, parameter)
            return self._coarse_half(controller, value) if number == _DATA_MSB else self._fine_half(controller, value)
        if number < 32:
            return self._coarse_half(Controller("cc", channel, number), value)
        if number < 64 and Controller("cc", channel, number - 32) in self._coarse:
            return self._fine_half(Controller("cc", channel, number - 32), value)
        return ControllerValue(Controller("cc", channel, number), value / 127)

    def _select(self, channel: int, number: int, value: int) -> None:
        kind, half = _SELECT[number]
        old_kind, old = self._selected.get(channel, (kind, _NO_PARAMETER))
        if old_kind != kind:
            old = _NO_PARAMETER
        self._selected[channel] = (kind, value << 7 | old & 0x7F if half == "high" else old & 0x3F80 | value)

    def _coarse_half(self, controller: Controller, value: int) -> ControllerValue:
        self._coarse[controller] = value
        self._awaiting_fine.add(controller)
        if controller in self._fourteen_bit:
            return ControllerValue(controller, (value << 7) / 16383)
        return ControllerValue(controller, value / 127)

    def _fine_half(self, controller: Controller, value: int) -> ControllerValue:
        self._fourteen_bit.add(controller)
        refines = controller in self._awaiting_fine
        self._awaiting_fine.discard(controller)
        return ControllerValue(controller, (self._coarse.get(controller, 0) << 7 | value) / 16383, refines)
