"""The one error whose text is meant for the user."""

from __future__ import annotations


class UserError(Exception):
    """Bad usage or bad input (exit code 2); `str()` is one line that says what, where and how to mend it."""
