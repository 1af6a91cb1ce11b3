"""The structured log: one JSON object a line, with the job's id on every line (`-` where no job is concerned)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 5 * 2**20
BACKUPS = 3
RATE_S = 1.0
"""An event told by `write_seldom` is written at most once per this many seconds; the next says how many were not."""


class JobLog:
    """Writes events. Safe from any thread; never raises because of the disk."""

    def __init__(self, path: Path) -> None:
        self._handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        self._handler.handleError = lambda record: None  # type: ignore[method-assign]
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._skipped: dict[str, int] = {}

    def write(self, event: str, job: str = "-", **fields: object) -> None:
        """One line: time, job, event and whatever else is known about it."""
        line = json.dumps(
            {"time": round(time.time(), 3), "job": job, "event": event, **fields}, ensure_ascii=False, default=str
        )
        self._handler.handle(logging.LogRecord("drawaudio", logging.INFO, "", 0, line, None, None))

    def write_seldom(self, event: str, **fields: object) -> None:
        """As `write`, but bounded: for what a flood of bad packets would otherwise fill the disk with."""
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(event, -RATE_S) < RATE_S:
                self._skipped[event] = self._skipped.get(event, 0) + 1
                return
            self._last[event] = now
            skipped = self._skipped.pop(event, 0)
        if skipped:
            fields["left_out"] = skipped
        self.write(event, "-", **fields)

    def close(self) -> None:
        self._handler.close()


def read_log(path: Path, job: str | None = None) -> Iterator[dict[str, object]]:
    """The lines of a log, oldest first, rotated files included; those of one job where it is named."""
    files = [path.with_name(f"{path.name}.{n}") for n in range(BACKUPS, 0, -1)]
    for file in [*files, path]:
        if not file.exists():
            continue
        with open(file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # the last line, while it is being written
                if job is None or entry.get("job") == job:
                    yield entry
