from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge import joblog
from bridge.joblog import JobLog, read_log


def test_lines_come_back_in_order_over_rotated_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblog, "MAX_BYTES", 2000)
    log = JobLog(tmp_path / "log.jsonl")
    for number in range(60):
        log.write("event", f"j{number % 2}", number=number)
    log.close()
    assert (tmp_path / "log.jsonl.1").exists()
    numbers = [entry["number"] for entry in read_log(tmp_path / "log.jsonl")]
    assert numbers == list(range(60)) and all("time" in entry for entry in read_log(tmp_path / "log.jsonl"))
    assert {entry["job"] for entry in read_log(tmp_path / "log.jsonl", "j1")} == {"j1"}


def test_a_flood_of_one_event_is_one_line_a_second(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "log.jsonl")
    for _ in range(1000):
        log.write_seldom("refused malformed", text="x")
    log._last.clear()  # as if a second had passed
    log.write_seldom("refused malformed", text="y")
    log.close()
    first, second = read_log(tmp_path / "log.jsonl")
    assert "left_out" not in first and second["left_out"] == 999


def test_a_line_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"time": 1, "job": "-", "event": "x"}) + '\n{"time": 2, "jo')
    assert len(list(read_log(path))) == 1


def test_a_disk_that_refuses_stops_nobody(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "no folder" / "log.jsonl")
    log.write("event")
    log.close()
