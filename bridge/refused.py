"""The one way a door says no."""

from __future__ import annotations

from bridge.errors import UserError


class Refused(UserError):
    """A request that is not carried out. `code` is a key of `bridge.osc.spec.CODES`, `text` one line for the user."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = " ".join(text.split())
        super().__init__(self.text)
