"""Curves in chunks: whole and right, or refused; never a wrong curve."""

from __future__ import annotations

import math
import random
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.osc.chunks import IDLE_S, MAX_OPEN, Assembler, Header, Row, Whole, checksum, from_curve, split, to_curve
from bridge.osc.reference import reference
from bridge.refused import Refused
from engine.curve import CurvePoint, LoudnessCurve

#: On a busy machine slowness is no failure.
UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = ("linear", "hold", "slow", "fast_start", "fast_end", "bezier")


@st.composite
def curves(draw: st.DrawFn) -> LoudnessCurve:
    times = sorted(draw(st.lists(st.floats(0, 100), min_size=1, max_size=30)))
    levels = st.one_of(st.none(), st.just(-math.inf), st.floats(-60, 6))
    plain = draw(st.booleans())
    points = []
    for time_s in times:
        if plain:
            points.append(CurvePoint(time_s, draw(levels)))
            continue
        shape = draw(st.sampled_from((*SHAPES, "cubic")))
        control = (0.2, 0.1, 0.7, 1.5) if shape == "cubic" else None
        points.append(CurvePoint(time_s, draw(levels), shape, draw(st.floats(-1, 1)), control))
    return LoudnessCurve(tuple(points), "db", draw(st.floats(-60, 0)), draw(st.sampled_from(("tight", "loose"))))


def header_of(curve: LoudnessCurve, rows: list[Row], chunks: int) -> Header:
    return Header(curve.domain, len(rows), chunks, checksum(rows), curve.reference_dbfs, curve.follow)


@UNHURRIED
@given(curves())
def test_rows_hold_everything_a_curve_has(curve: LoudnessCurve) -> None:
    _, rows = from_curve(curve)
    assert to_curve(rows, curve.domain, curve.reference_dbfs, curve.follow) == curve


@UNHURRIED
@given(curves(), st.integers(1, 9), st.integers(0, 2**32))
def test_a_bad_link_gives_the_curve_or_nothing(curve: LoudnessCurve, size: int, seed: int) -> None:
    """10 % loss, duplicates, any order; what is missing is asked for and sent again."""
    _, rows = from_curve(curve)
    chunks = split(rows, size)
    assembler, header = Assembler(), header_of(curve, rows, len(chunks))
    rng = random.Random(seed)
    found: Whole | None = None
    missing = [-1, *range(len(chunks))]
    for _ in range(200):
        messages = [m for m in missing * 2 if rng.random() > 0.1]
        rng.shuffle(messages)
        for index in messages:
            whole = assembler.begin("c", header) if index < 0 else assembler.chunk("c", index, chunks[index])
            found = found or whole
            if found:
                break
        if found:
            break
        missing = assembler.missing("c")
    assert found is not None and found.curve == curve


@UNHURRIED
@given(curves(), st.data())
def test_a_changed_point_is_never_accepted(curve: LoudnessCurve, data: st.DataObject) -> None:
    _, rows = from_curve(curve)
    header = header_of(curve, rows, 1)
    at = data.draw(st.integers(0, len(rows) - 1))
    wrong = [*rows]
    wrong[at] = (wrong[at][0], 5.5, *wrong[at][2:])
    if checksum(wrong) == header.checksum:
        return  # it was 5.5 before
    assembler = Assembler()
    assembler.begin("c", header)
    with pytest.raises(Refused, match="checksum"):
        assembler.chunk("c", 0, wrong)
    assert assembler.missing("c") == [-1], "it has to be sent again from the start"


def test_contradictions_are_refused() -> None:
    rows: list[Row] = [(0.0, 0.0), (1.0, -6.0)]
    header = Header("db", 2, 2, checksum(rows), -20.0, "tight")
    assembler = Assembler()
    assembler.begin("a", header)
    with pytest.raises(Refused, match="twice with different contents"):
        assembler.begin("a", header._replace(points=3))
    assembler.chunk("b", 0, rows[:1])
    with pytest.raises(Refused, match="twice with different points"):
        assembler.chunk("b", 0, rows[1:])
    assembler.chunk("c", 7, rows[:1])
    with pytest.raises(Refused, match="chunk 7 came, 2 were announced"):
        assembler.begin("c", header)
    assembler.begin("d", header._replace(points=5))
    assembler.chunk("d", 0, rows[:1])
    with pytest.raises(Refused, match="2 points came, 5 were announced"):
        assembler.chunk("d", 1, rows[1:])


def test_an_impossible_curve_is_refused_by_the_field() -> None:
    rows: list[Row] = [(1.0, 0.0), (0.5, 0.0)]
    assembler = Assembler()
    assembler.begin("c", Header("db", 2, 1, checksum(rows), -20.0, "tight"))
    with pytest.raises(Refused, match=r"points\[1\].time_s"):
        assembler.chunk("c", 0, rows)


def test_unfinished_curves_are_bounded_and_forgotten() -> None:
    now = 0.0
    assembler = Assembler(clock=lambda: now)
    for k in range(MAX_OPEN):
        assembler.chunk(f"c{k}", 0, [(0.0, 0.0)])
    with pytest.raises(Refused, match="unfinished"):
        assembler.chunk("one more", 0, [(0.0, 0.0)])
    now = IDLE_S + 1
    assembler.chunk("one more", 0, [(0.0, 0.0)])


@pytest.mark.skipif(shutil.which("lua5.3") is None and shutil.which("lua5.4") is None, reason="no Lua here")
def test_the_lua_of_the_reference_page_gives_the_same_checksum() -> None:
    lua = shutil.which("lua5.3") or shutil.which("lua5.4")
    assert lua is not None
    code = reference().split("```lua\n")[1].split("```")[0]
    code += """
    local crc = crc32(0, point(0, 0)); crc = crc32(crc, point(1.5, -6.25)); crc = crc32(crc, point(2, 0 / 0))
    print(string.format("%08x", crc))
    """
    found = subprocess.run([lua, "-"], input=code, text=True, capture_output=True, check=True).stdout.strip()
    assert found == checksum([(0.0, 0.0), (1.5, -6.25), (2.0, math.nan)])
