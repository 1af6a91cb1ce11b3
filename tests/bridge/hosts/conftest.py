"""Reading a sample as a file."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bridge.hosts import Project, read_project


def load_samples() -> ModuleType:
    """The module beside this file: tests are no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("host_samples", Path(__file__).with_name("samples.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    return load_samples()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str, bytes | str], Project]:
    """Write content under a name and read it as a project."""

    def write_and_read(name: str, content: bytes | str) -> Project:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_project(path)

    return write_and_read
