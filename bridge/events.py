"""What the service tells those who watch it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store import Job, TakeRecord
from engine.take import Progress


@dataclass(frozen=True)
class Event:
    """`kind`: queued, progress, take, done (however the job ended), picked or kept."""

    kind: str
    job: Job
    take: TakeRecord | None = None
    progress: Progress | None = None
