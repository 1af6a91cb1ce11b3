"""Where things are: the session folder's own files, and the file by which a running service is found."""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from bridge.refused import Refused
from bridge.take_names import CLAIM_SUFFIX
from bridge.whole_file import PARTIAL_SUFFIX


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` under another name in the same folder, then rename it over `path`: readers see all or nothing."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, mode)
        _replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _replace(name: str, path: Path) -> None:
    """Rename over `path`; Windows refuses that for the moment in which somebody reads `path`."""
    for _ in range(50):
        try:
            os.replace(name, path)
            return
        except PermissionError:
            if sys.platform != "win32":
                raise
            time.sleep(0.01)
    os.replace(name, path)


class Session:
    """A session folder: `takes/`, `inbox/`, `outbox/` for everyone to see, and our own files under `.drawaudio/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.takes = self.folder / "takes"
        self.inbox = self.folder / "inbox"
        self.outbox = self.folder / "outbox"
        self.own = self.folder / ".drawaudio"
        self.database = self.own / "session.sqlite"
        self.log = self.own / "log.jsonl"
        self._lock: IO[str] | None = None

    def create(self) -> None:
        """Make the folders. Raises Refused where that cannot be."""
        try:
            for path in (self.takes, self.inbox, self.outbox, self.own):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(
                "bad_path", f"{self.folder}: cannot be used as a session folder ({error.strerror})"
            ) from error

    def lock(self) -> None:
        """Be the only service of this session until `unlock` or the end of the process. Raises Refused."""
        file = open(self.own / "lock", "a+", encoding="utf-8")  # noqa: SIM115 - held open as long as the lock
        try:
            _lock_file(file)
        except OSError as error:
            file.close()
            raise Refused(
                "busy", f"{self.folder}: another `drawaudio serve` uses this session folder; end it first"
            ) from error
        self._lock = file

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear_leftovers(self) -> int:
        """Remove what a killed worker left among the takes, half-written files and held numbers; how many that were."""
        left = [path for suffix in (PARTIAL_SUFFIX, CLAIM_SUFFIX) for path in self.takes.glob(f"*{suffix}")]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _lock_file(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def home() -> Path:
    """Folder of `service.json`: DRAWAUDIO_HOME, or `.drawaudio` in the user's home."""
    return Path(os.environ.get("DRAWAUDIO_HOME") or Path.home() / ".drawaudio")


@dataclass(frozen=True)
class Announcement:
    """How to reach the service that runs: the contents of `service.json`."""

    token: str
    host: str
    port: int
    http_port: int
    session: str
    pid: int
    session_id: str = ""
    """What tells the session's takes from another's: a project may hold takes of a session that is not served now."""

    @classmethod
    def find(cls) -> Self:
        """That of the running service. Raises Refused where there is none."""
        path = home() / "service.json"
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Refused("unavailable", "no service runs; start one with `drawaudio serve`") from None
        except (ValueError, TypeError, OSError) as error:
            raise Refused("unavailable", f"{path}: cannot be read ({error}); start `drawaudio serve` again") from error

    def write(self) -> None:
        """Put it where clients look, readable by its owner only."""
        folder = home()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / "service.json", json.dumps(asdict(self), indent=1) + "\n", 0o600)

    def keep(self) -> None:
        """Put it there again where none is: another service's has been taken away with that service."""
        if not (home() / "service.json").exists():
            self.write()

    def remove(self) -> None:
        """Take it away, unless a later service has put its own there."""
        path = home() / "service.json"
        try:
            if json.loads(path.read_text(encoding="utf-8")).get("token") == self.token:
                path.unlink()
        except (OSError, ValueError):
            pass


def new_token() -> str:
    """128 random bits as 32 hex digits."""
    return secrets.token_hex(16)
