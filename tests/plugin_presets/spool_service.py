"""The service as a host script sees it: a folder. Tests answer requests by hand."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.cue_request import read_cue
from bridge.presets import SOURCE
from engine.cue import Cue
from engine.curve import LoudnessCurve


class SpoolService:
    """A session folder with an inbox and an outbox, announced like a running service."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.session = root / "session"
        for folder in ("inbox", "outbox"):
            (self.session / folder).mkdir(parents=True)
        self._announcement = root / "service.json"
        self.announce("s1")
        monkeypatch.setenv("DRAWAUDIO_HOME", str(root))

    def announce(self, session_id: str) -> None:
        """Say what session is served."""
        found = {"token": "t", "port": 7890, "session": str(self.session), "session_id": session_id}
        self._announcement.write_text(json.dumps(found))

    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        """Requests waiting: (id, body)."""
        return [(path.stem, json.loads(path.read_text())) for path in sorted((self.session / "inbox").glob("*.json"))]

    def take(self) -> tuple[str, dict[str, Any]]:
        """The one request, removed as the service does."""
        ((name, body),) = self.asked()
        (self.session / "inbox" / f"{name}.json").unlink()
        return name, body

    def accepts(self, cue: dict[str, Any]) -> Cue:
        """The cue as the real service reads it; raises Refused as it would refuse it."""

        def no_curve(name: str) -> LoudnessCurve:
            raise AssertionError(f"the cue names a curve {name} that was never sent")

        return read_cue(cue, no_curve, [self.session])

    def answer(self, request: str, state: str, *takes: dict[str, Any], text: str = "") -> None:
        body = {"request": request, "job": "j1", "state": state, "done": 0.5, "stage": "sampling", "text": text}
        (self.session / "outbox" / f"{request}.json").write_text(json.dumps({**body, "takes": list(takes)}))

    def made(self, number: int, start_samples: int, rate: int = 48000, samples: int = 48000) -> dict[str, Any]:
        """A take as the outbox names it."""
        path = str(self.session / "takes" / f"steps_take{number:02d}_seed7.wav")
        place = {"start_samples": start_samples, "rate": rate, "samples": samples, "channels": 1, "seed": 7}
        return {"take": f"t{number}", "path": path, **place}


def load(monkeypatch: pytest.MonkeyPatch, path: str, name: str) -> ModuleType:
    """A preset's Python file as a module, with the shared spool module beside it as after installing."""
    monkeypatch.syspath_prepend(str(SOURCE / "python"))
    location = SOURCE / path
    package = [str(location.parent)] if location.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, location, submodule_search_locations=package)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    for known in [key for key in sys.modules if key.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, known)
    if package:
        shared = importlib.util.spec_from_file_location(f"{name}.drawaudio_spool", SOURCE / "python/drawaudio_spool.py")
        assert shared is not None and shared.loader is not None
        spool = importlib.util.module_from_spec(shared)
        monkeypatch.setitem(sys.modules, f"{name}.drawaudio_spool", spool)
        shared.loader.exec_module(spool)
    spec.loader.exec_module(module)
    return module
