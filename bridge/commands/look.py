"""What the commands that look into a session have in common: they read its files, whether a service runs or not."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.errors import UserError
from bridge.refused import Refused
from bridge.session import Announcement, Session
from bridge.store import Store


def add_session_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--session", type=Path, metavar="DIR", help="session folder (default: that of the running service, else here)"
    )


def find_session(given: Path | None) -> Session:
    """The session that is meant. Raises UserError where it is none."""
    folder = given
    if folder is None:
        try:
            folder = Path(Announcement.find().session)
        except Refused:
            folder = Path(".")
    session = Session(folder)
    if not session.database.exists():
        raise UserError(
            f"{session.folder}: no session folder; name one with --session, or start `drawaudio serve` there"
        )
    return session


def open_store(given: Path | None) -> Store:
    """The session's database; SQLite's WAL lets us read while a service writes."""
    session = find_session(given)
    return Store(session.database, session.folder)
