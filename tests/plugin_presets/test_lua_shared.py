"""The Lua that REAPER and Ardour share, in a real Lua."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import pytest

from bridge.osc.chunks import checksum
from bridge.presets import SOURCE
from tests.plugin_presets.lua import needs_lua, run_lua

pytestmark = needs_lua

VALUES = {
    "a": [1, -2.5, 3e-9, 1e300, 0],
    "b": {"c": None, "d": [], "e": True},
    "s": 'x"\\\n\t\u0001é😀\u007f',
    "n": 2**52,
}
BROKEN = ['{"a" 1}', "[1,]", '"x', "tru", "1 2", '{"a":}', "", '{"a":1', "[1 2]", '"\\q"', '"\\u12"']


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.lua")), ids=lambda path: path.name)
def test_every_script_compiles(path: Path, tmp_path: Path) -> None:
    run_lua("assert (loadfile (arg[1]))", tmp_path, str(path))


def test_json_goes_round_in_both_directions(tmp_path: Path) -> None:
    text = json.dumps(VALUES)
    script = 'local json = dofile (SOURCE .. "/lua/json.lua") io.write (json.encode (json.decode (arg[1])))'
    assert json.loads(run_lua(script, tmp_path, text)) == VALUES
    assert json.loads(run_lua(script, tmp_path, json.dumps(VALUES, ensure_ascii=False))) == VALUES


@pytest.mark.parametrize("text", BROKEN)
def test_broken_json_raises_one_line(text: str, tmp_path: Path) -> None:
    script = """local json = dofile (SOURCE .. "/lua/json.lua")
    local ok, problem = pcall (json.decode, arg[1]) io.write (tostring (ok), " ", problem)"""
    answer = run_lua(script, tmp_path, text)
    assert answer.startswith("false JSON: ") and "\n" not in answer


def test_numbers_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    script = """local json = dofile (SOURCE .. "/lua/json.lua")
    for _, value in ipairs { 0/0, math.huge, -math.huge } do assert (not pcall (json.encode, { value })) end"""
    run_lua(script, tmp_path)


def test_crc32_is_that_of_zlib_and_of_the_service(tmp_path: Path) -> None:
    script = 'local crc32 = dofile (SOURCE .. "/lua/crc32.lua") io.write (crc32 (crc32 (0, arg[1]), arg[2]))'
    assert int(run_lua(script, tmp_path, "loud", "ness")) == zlib.crc32(b"loudness")
    script = """local crc32 = dofile (SOURCE .. "/lua/crc32.lua")
    local function d (x) return string.pack (">d", x) end
    io.write (string.format ("%08x", crc32 (0, d (0.5) .. d (0.25) .. d (0) .. "linear")))"""
    assert run_lua(script, tmp_path) == checksum([(0.5, 0.25)])


def test_the_service_is_found_and_its_absence_said_in_one_line(tmp_path: Path) -> None:
    script = """local json = dofile (SOURCE .. "/lua/json.lua")
    local service = dofile (SOURCE .. "/lua/service.lua") (json, dofile (SOURCE .. "/lua/files.lua"))
    local ok, info = pcall (service.info) io.write (ok and info.session or info)"""
    environment = {**os.environ, "DRAWAUDIO_HOME": str(tmp_path)}
    assert "drawaudio serve" in run_lua(script, tmp_path, environment=environment)
    (tmp_path / "service.json").write_text('{"token": "t", "port": 7890, "session": "/x"}')
    assert run_lua(script, tmp_path, environment=environment) == "/x"
