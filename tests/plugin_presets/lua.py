"""Run Lua 5.4 on a script and hand it values; where there is no Lua, the tests skip with the reason."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.presets import SOURCE

LUA = shutil.which("lua5.4") or shutil.which("lua")
needs_lua = pytest.mark.skipif(LUA is None, reason="needs Lua 5.4 (Debian package lua5.4)")


def run_lua(script: str, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """What the script prints. `SOURCE` in it stands for the preset folder. AssertionError with Lua's message."""
    assert LUA is not None
    path = folder / "test.lua"
    path.write_text(f"SOURCE = {str(SOURCE)!r}\n{script}", encoding="utf-8")
    done = subprocess.run(
        [LUA, str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
