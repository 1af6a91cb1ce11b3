"""Cues, jobs, takes, curves and answered requests of one session, in SQLite.

What was committed survives `kill -9` and, as far as the disk keeps its word, a power cut: the journal is a WAL,
synchronised at every commit.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from bridge.refused import Refused

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE cues (
    id INTEGER PRIMARY KEY, json TEXT NOT NULL, name TEXT NOT NULL, prompt TEXT NOT NULL);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY, cue INTEGER NOT NULL REFERENCES cues, request TEXT NOT NULL UNIQUE,
    seed INTEGER NOT NULL, takes INTEGER NOT NULL,
    source_take INTEGER, part_start_s REAL, part_end_s REAL,
    priority INTEGER NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, started REAL, ended REAL, render_s REAL);
CREATE INDEX queue ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_of_cue ON jobs (cue);
CREATE TABLE takes (
    id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs, cue INTEGER NOT NULL REFERENCES cues,
    path TEXT NOT NULL UNIQUE, sidecar TEXT NOT NULL, seed INTEGER NOT NULL, start_samples INTEGER NOT NULL,
    rate INTEGER NOT NULL, samples INTEGER NOT NULL, channels INTEGER NOT NULL, sha256 TEXT NOT NULL,
    kept INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL);
CREATE INDEX takes_of_cue ON takes (cue, id);
CREATE INDEX takes_of_job ON takes (job, id);
CREATE TABLE requests (id TEXT PRIMARY KEY, digest TEXT NOT NULL, answer TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE curves (
    id TEXT PRIMARY KEY, json TEXT NOT NULL, points INTEGER NOT NULL, digest TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

STATES = ("queued", "running", "done", "failed", "cancelled")
NOW_PRIORITY, BOUNCE_PRIORITY = 10, 0
KEEP_S = 7 * 86_400.0
"""Answered requests and curves are forgotten after this many seconds."""


@dataclass(frozen=True)
class Job:
    """One cue being rendered. `part`, in seconds, is what to make anew in `source_take`; None for a whole take."""

    number: int
    cue: int
    request: str
    prompt: str
    name: str
    seed: int
    takes: int
    source_take: int | None
    part: tuple[float, float] | None
    priority: int
    state: str
    code: str
    text: str
    attempts: int
    created: float
    started: float | None
    ended: float | None
    render_s: float | None

    @property
    def id(self) -> str:
        return f"j{self.number}"


@dataclass(frozen=True)
class OnDisk:
    """A take's files. `path` and `sidecar` are absolute; `start_samples` counts at `rate` from timecode midnight."""

    path: Path
    sidecar: Path
    seed: int
    start_samples: int
    rate: int
    samples: int
    channels: int
    sha256: str


@dataclass(frozen=True)
class Made(OnDisk):
    """A take that is not recorded yet."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakeRecord(OnDisk):
    """A take as it is recorded."""

    number: int
    job: int
    cue: int
    kept: bool
    created: float

    @property
    def id(self) -> str:
        return f"t{self.number}"

    @property
    def job_id(self) -> str:
        return f"j{self.job}"


_JOB = "SELECT jobs.*, cues.prompt, cues.name FROM jobs JOIN cues ON cues.id = jobs.cue"


class Store:
    """One SQLite file. Safe to use from several threads; changes belong into a `transaction`."""

    def __init__(self, database: Path, folder: Path) -> None:
        """Open or create `database`; paths of takes are kept relative to `folder`, so that a session can be moved."""
        self._folder = folder
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=5.0)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            elif version != SCHEMA_VERSION:
                raise Refused(
                    "bad_path", f"{database}: was written by another version ({version}); use a new session folder"
                )
        except sqlite3.DatabaseError as error:
            raise Refused("bad_path", f"{database}: cannot be opened as a session database ({error})") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self, synced: bool = True) -> Iterator[None]:
        """All changes inside are committed together, or none. May be nested; the outermost counts.

        With `synced` false the commit does not wait for the disk: it survives a kill, but not always a power cut.
        Raises Refused where the disk is full or fails; nothing has changed then.
        """
        with self._lock:
            outermost = self._depth == 0
            self._depth += 1
            try:
                if outermost:
                    self._db.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                if outermost:
                    self._db.execute("COMMIT")
            except BaseException as error:
                if outermost and self._db.in_transaction:  # SQLite has rolled some failures back itself
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    text = f"{self._folder}: cannot be written ({error}); is its disk full? nothing was changed"
                    raise Refused("no_room", text) from error
                raise
            finally:
                self._depth -= 1

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        with self._lock:
            return self._db.execute(query, values).fetchone()

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _run(self, query: str, *values: object) -> int:
        with self._lock:
            return self._db.execute(query, values).lastrowid or 0

    # -- requests, curves, state -----------------------------------------------------------------------

    def answer(self, request: str) -> tuple[str, str] | None:
        """Digest and answer of a request that was carried out."""
        row = self._one("SELECT digest, answer FROM requests WHERE id = ?", request)
        return (row["digest"], row["answer"]) if row else None

    def add_answer(self, request: str, digest: str, answer: str) -> None:
        self._run("INSERT INTO requests VALUES (?, ?, ?, ?)", request, digest, answer, time.time())

    def curve(self, name: str) -> str | None:
        """JSON of a curve."""
        row = self._one("SELECT json FROM curves WHERE id = ?", name)
        return row["json"] if row else None

    def curve_mark(self, name: str) -> tuple[int, str] | None:
        """Number of points and digest of a curve: enough to recognise it."""
        row = self._one("SELECT points, digest FROM curves WHERE id = ?", name)
        return (row["points"], row["digest"]) if row else None

    def put_curve(self, name: str, text: str, points: int, digest: str) -> None:
        self._run("INSERT OR REPLACE INTO curves VALUES (?, ?, ?, ?, ?)", name, text, points, digest, time.time())

    def forget_old(self) -> None:
        """Drop answered requests and curves nobody will ask for again."""
        for table in ("requests", "curves"):
            self._run(f"DELETE FROM {table} WHERE created < ?", time.time() - KEEP_S)

    def state(self, key: str) -> str | None:
        row = self._one("SELECT value FROM state WHERE key = ?", key)
        return row["value"] if row else None

    def put_state(self, key: str, value: str) -> None:
        self._run("INSERT OR REPLACE INTO state VALUES (?, ?)", key, value)

    # -- cues and jobs ---------------------------------------------------------------------------------

    def add_cue(self, text: str, name: str, prompt: str) -> int:
        return self._run("INSERT INTO cues (json, name, prompt) VALUES (?, ?, ?)", text, name, prompt)

    def cue_json(self, cue: int) -> str:
        row = self._one("SELECT json FROM cues WHERE id = ?", cue)
        assert row is not None
        return str(row["json"])

    def add_job(
        self,
        cue: int,
        request: str,
        seed: int,
        takes: int,
        priority: int,
        source_take: int | None = None,
        part: tuple[float, float] | None = None,
    ) -> Job:
        start, end = part or (None, None)
        number = self._run(
            "INSERT INTO jobs"
            " (cue, request, seed, takes, source_take, part_start_s, part_end_s, priority, state, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)",
            *(cue, request, seed, takes, source_take, start, end, priority, time.time()),
        )
        job = self.job(number)
        assert job is not None
        return job

    def job(self, number: int) -> Job | None:
        row = self._one(f"{_JOB} WHERE jobs.id = ?", number)
        return _job(row) if row else None

    def job_of_request(self, request: str) -> Job | None:
        """The newest job a request asked for; behind a `~` a request's id may hold what a door has added to it."""
        row = self._one(
            f"{_JOB} WHERE request = ? OR (request > ? AND request < ?) ORDER BY jobs.id DESC LIMIT 1",
            *(request, f"{request}~", f"{request}~\x7f"),
        )
        return _job(row) if row else None

    def jobs(self, limit: int = 100, states: Sequence[str] = STATES) -> list[Job]:
        """The newest jobs in these states, newest first."""
        marks = ", ".join("?" * len(states))
        return [
            _job(r) for r in self._all(f"{_JOB} WHERE state IN ({marks}) ORDER BY jobs.id DESC LIMIT ?", *states, limit)
        ]

    def next_job(self) -> Job | None:
        """The queued job to render next: highest priority, then first come."""
        row = self._one(f"{_JOB} WHERE state = 'queued' ORDER BY priority DESC, jobs.id LIMIT 1")
        return _job(row) if row else None

    def ahead(self, job: Job) -> int:
        """Jobs that will be rendered before this one, the running one included."""
        row = self._one(
            "SELECT count(*) AS n FROM jobs WHERE state = 'running'"
            " OR (state = 'queued' AND (priority > ? OR (priority = ? AND id < ?)))",
            *(job.priority, job.priority, job.number),
        )
        assert row is not None
        return int(row["n"])

    def counts(self) -> dict[str, int]:
        """Number of jobs per state."""
        rows = self._all("SELECT state, count(*) AS n FROM jobs GROUP BY state")
        return {row["state"]: row["n"] for row in rows}

    def start_job(self, number: int) -> None:
        self._run(
            "UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1 WHERE id = ?", time.time(), number
        )

    def requeue_job(self, number: int, seed: int, takes: int) -> None:
        """Back into the queue, with what is still to be made."""
        self._run("UPDATE jobs SET state = 'queued', seed = ?, takes = ? WHERE id = ?", seed, takes, number)

    def give_back_job(self, number: int) -> None:
        """Back into the queue as if it had not been begun: the service was ended in an orderly way."""
        self._run("UPDATE jobs SET state = 'queued', attempts = attempts - 1 WHERE id = ?", number)

    def end_job(self, number: int, state: str, code: str = "", text: str = "", render_s: float | None = None) -> None:
        self._run(
            "UPDATE jobs SET state = ?, code = ?, text = ?, ended = ?, render_s = ? WHERE id = ?",
            *(state, code, text, time.time(), render_s, number),
        )

    def last_seed(self, cue: int) -> int:
        """The highest seed used for a cue by any job."""
        row = self._one("SELECT max(seed + takes - 1) AS seed FROM jobs WHERE cue = ?", cue)
        assert row is not None
        return int(row["seed"])

    # -- takes -----------------------------------------------------------------------------------------

    def add_take(self, job: Job, made: Made) -> TakeRecord:
        row: dict[str, object] = {"job": job.number, "cue": job.cue, "created": time.time()}
        row |= {field.name: getattr(made, field.name) for field in fields(OnDisk)}
        row |= {"path": self._relative(made.path), "sidecar": self._relative(made.sidecar)}
        number = self._run(f"INSERT INTO takes ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())
        take = self.take(number)
        assert take is not None
        return take

    def take(self, number: int) -> TakeRecord | None:
        row = self._one("SELECT * FROM takes WHERE id = ?", number)
        return self._take(row) if row else None

    def takes(self, limit: int = 200, job: int | None = None) -> list[TakeRecord]:
        """The newest takes, of one job or of all, newest first."""
        where = "" if job is None else "WHERE job = ?"
        rows = self._all(
            f"SELECT * FROM takes {where} ORDER BY id DESC LIMIT ?", *([] if job is None else [job]), limit
        )
        return [self._take(row) for row in rows]

    def takes_of_cue(self, cue: int) -> list[TakeRecord]:
        """All takes of a cue, oldest first."""
        return [self._take(row) for row in self._all("SELECT * FROM takes WHERE cue = ? ORDER BY id", cue)]

    def has_path(self, path: Path) -> bool:
        return self._one("SELECT 1 FROM takes WHERE path = ?", self._relative(path)) is not None

    def keep(self, take: int) -> None:
        self._run("UPDATE takes SET kept = 1 WHERE id = ?", take)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else str(path)

    def _take(self, row: sqlite3.Row) -> TakeRecord:
        values = dict(row)
        return TakeRecord(
            number=values.pop("id"),
            path=self._folder / values.pop("path"),
            sidecar=self._folder / values.pop("sidecar"),
            kept=bool(values.pop("kept")),
            **values,
        )


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    start, end = values.pop("part_start_s"), values.pop("part_end_s")
    return Job(number=values.pop("id"), part=None if start is None else (start, end), **values)
