"""The one error whose text is meant for the user."""

from __future__ import annotations


class UserError(Exception):
    """Bad usage or bad input (exit code 2); `str()` is one line that says what, where and how to mend it."""


def describe(error: OSError) -> str:
    """What the system refused, as one line: "shot.json: no such file or directory"."""
    if not error.strerror:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    return f"{error.filename}: {reason}" if error.filename is not None else reason
