"""The cue's JSON: exact round trips, and every refusal names its field."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cue import MAX_TAKES, Cue, CueError, MaskPrompt, Source, Span, VideoRef
from engine.curve import MAX_POINTS, CurvePoint, LoudnessCurve
from engine.curve_laws import DOMAINS, SHAPES
from engine.mask_prompt import MASK_KINDS

DESIGN_PAGE: dict[str, Any] = {
    "version": 1,
    "prompt": "heavy door creaks, then slams",
    "negative_prompt": "speech, music",
    "start": {"samples": 480000, "rate": 48000},
    "duration_s": 6.0,
    "loudness": {
        "domain": "db",
        "reference_dbfs": -20,
        "follow": "tight",
        "points": [{"time_s": 0.0, "value": -60, "shape": "linear"}, {"time_s": 2.4, "value": 0}],
    },
    "video": {"path": "shot.mp4", "offset_s": 12.0},
    "handles_s": [0, 0],
    "tail_s": 1.0,
    "channels": 1,
    "masks": [{"kind": "text", "query": "door"}, {"kind": "box", "box": [0.5, 0.2, 0.3, 0.4], "time_s": 0.0}],
    "seed": 7,
    "takes": 3,
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The cue of the design page with the member at `path` ("loudness.points.0.value") set to `value`."""
    obj = copy.deepcopy(DESIGN_PAGE)
    *parents, last = path.split(".")
    place: Any = obj
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return obj


def refusal(obj: object) -> CueError:
    with pytest.raises(CueError) as caught:
        Cue.from_json(obj)
    assert "\n" not in str(caught.value)
    return caught.value


def test_reads_the_cue_of_the_design_page() -> None:
    cue = Cue.from_json(DESIGN_PAGE)
    assert cue.prompt == "heavy door creaks, then slams"
    assert cue.span == Span(480000, 48000, 6.0)
    assert cue.span.samples == 288000
    assert cue.span.start_s == 10
    assert cue.loudness is not None
    assert cue.loudness.points[1] == CurvePoint(2.4, 0.0)
    assert cue.video == VideoRef("shot.mp4", 12.0)
    assert cue.masks[1].box == (0.5, 0.2, 0.3, 0.4)
    assert (cue.seed, cue.takes, cue.channels, cue.tail_s) == (7, 3, 1, 1.0)


def test_defaults_of_a_cue_of_two_members() -> None:
    cue = Cue.from_json({"prompt": "wind", "duration_s": 3})
    assert cue.span == Span(0, 48000, 3.0)
    assert (cue.loudness, cue.video, cue.masks, cue.seed, cue.takes, cue.tail_s) == (None, None, (), None, 1, 1.0)


@pytest.mark.parametrize(
    ("path", "value", "field", "word"),
    [
        ("colour", "red", "colour", "unknown key"),
        ("loudness.colour", 1, "loudness.colour", "unknown key"),
        ("loudness.points.0.colour", 1, "loudness.points[0].colour", "unknown key"),
        ("video.colour", 1, "video.colour", "unknown key"),
        ("masks.1.colour", 1, "masks[1].colour", "unknown key"),
        ("start.colour", 1, "start.colour", "unknown key"),
        ("version", 2, "version", "version 1"),
        ("prompt", "", "prompt", "empty"),
        ("prompt", " \t", "prompt", "empty"),
        ("prompt", 3, "prompt", "text"),
        ("prompt", None, "prompt", "text"),
        ("prompt", "a" * 2001, "prompt", "at most 2000"),
        ("prompt", "a\0b", "prompt", "control"),
        ("prompt", "\ud800", "prompt", "surrogate"),
        ("duration_s", 0, "duration_s", "0.1"),
        ("duration_s", 36000, "duration_s", "1800"),
        ("duration_s", math.nan, "duration_s", "finite"),
        ("duration_s", "6", "duration_s", "number"),
        ("duration_s", True, "duration_s", "number"),
        pytest.param("duration_s", 10**400, "duration_s", "finite", id="duration_s-huge"),
        pytest.param("seed", 10**5000, "seed", "between", id="seed-endless"),
        ("start.samples", -1, "start.samples", "between"),
        ("start.samples", 0.5, "start.samples", "whole"),
        ("start.rate", 0, "start.rate", "8000"),
        ("loudness.points", [], "loudness.points", "empty"),
        ("loudness.points.0.time_s", -0.1, "loudness.points[0].time_s", "between"),
        ("loudness.points.0.time_s", math.nan, "loudness.points[0].time_s", "finite"),
        ("loudness.points.0.time_s", 3.0, "loudness.points[1].time_s", "out of order"),
        ("loudness.points.1.value", math.nan, "loudness.points[1].value", "finite"),
        ("loudness.points.1.value", math.inf, "loudness.points[1].value", "finite"),
        ("loudness.points.1.value", "loud", "loudness.points[1].value", "number"),
        ("loudness.points.1.value", 100, "loudness.points[1].value", "60"),
        ("loudness.points.0.shape", "wavy", "loudness.points[0].shape", "linear"),
        ("loudness.points.0.shape", "cubic", "loudness.points[0].control", "cubic"),
        ("loudness.points.0.tension", 2, "loudness.points[0].tension", "between"),
        ("loudness.points.0.control", [0, 0, 1, 1], "loudness.points[0].control", "cubic"),
        ("loudness.domain", "volts", "loudness.domain", "ardour_fader"),
        ("loudness.domain", "gain", "loudness.points[0].value", "negative"),
        ("loudness.follow", "sloppy", "loudness.follow", "tight"),
        ("loudness.reference_dbfs", 3, "loudness.reference_dbfs", "between"),
        ("video.path", "", "video.path", "no path"),
        ("masks.0.kind", "smell", "masks[0].kind", "polygon"),
        ("masks.0.query", " ", "masks[0].query", "empty"),
        ("masks.0", {"kind": "box", "query": "door"}, "masks[0].query", "does not belong"),
        ("masks.1.box", [0.5, 0.2, 0.6, 0.4], "masks[1].box", "outside the frame"),
        ("masks.1.box", [0.5, 0.2, 0.0, 0.4], "masks[1].box", "empty"),
        ("masks.1.box", [0.5, 0.2, 0.3], "masks[1].box", "4 numbers"),
        ("masks.1.time_s", 7.0, "masks[1].time_s", "between 0 and 6"),
        ("masks.0", {"kind": "point", "points": [[0.1, 0.2], [0.3, 0.4]]}, "masks[0].points", "one"),
        ("masks.0", {"kind": "polygon", "points": [[0.1, 0.2], [0.3, 0.4]]}, "masks[0].points", "3 to"),
        ("masks.0", {"kind": "polygon", "points": [[0, 0], [0, 2], [1, 1]]}, "masks[0].points[1][1]", "between"),
        ("handles_s", [11, 0], "handles_s[0]", "midnight"),
        ("handles_s", [1], "handles_s", "2 numbers"),
        ("tail_s", -1, "tail_s", "between"),
        ("channels", 3, "channels", "between 1 and 2"),
        ("seed", -1, "seed", "between"),
        ("seed", 1.5, "seed", "whole"),
        ("takes", 0, "takes", "between 1 and 64"),
        ("takes", MAX_TAKES + 1, "takes", "64"),
        ("sources", [{"prompt": "dog"}], "prompt", "beside sources"),
    ],
)
def test_refuses(path: str, value: object, field: str, word: str) -> None:
    error = refusal(changed(path, value))
    assert error.field == field
    assert word in str(error)


@pytest.mark.parametrize("obj", [None, [], "cue", 3, {}])
def test_refuses_what_is_no_cue(obj: object) -> None:
    refusal(obj)


def test_refuses_a_million_points() -> None:
    points = [{"time_s": index * 1e-6, "value": 0} for index in range(MAX_POINTS + 1)]
    error = refusal(changed("loudness.points", points))
    assert error.field == "loudness.points"
    assert str(MAX_POINTS) in str(error)


def test_undrawn_and_silence_survive_the_round_trip() -> None:
    points = [{"time_s": 0, "value": None}, {"time_s": 1, "value": "-inf"}, {"time_s": 2, "value": -3}]
    cue = Cue.from_json(changed("loudness.points", points))
    assert cue.loudness is not None
    assert [point.value for point in cue.loudness.points] == [None, -math.inf, -3.0]
    assert Cue.from_json(json.loads(json.dumps(cue.to_json(), allow_nan=False))) == cue


def test_sources_stand_instead_of_a_prompt() -> None:
    obj = {"duration_s": 2, "sources": [{"prompt": "dog", "gain_db": -3}, {"prompt": "rain", "loudness": None}]}
    cue = Cue.from_json(obj)
    assert [source.prompt for source in cue.sources] == ["dog", "rain"]
    assert Cue.from_json(cue.to_json()) == cue
    assert refusal({**obj, "sources": [{"prompt": ""}]}).field == "sources[0].prompt"
    assert refusal({**obj, "loudness": DESIGN_PAGE["loudness"]}).field == "loudness"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"prompt": "a", "duration_s": NaN}', "NaN"),
        ('{"prompt": "a", "prompt": "b", "duration_s": 1}', "twice"),
        ('{"prompt": "a"', "line 1"),
        ("[" * 100_000, "deeply"),
        ('{"prompt": "a", "duration_s": ' + "9" * 5000 + "}", "number"),
    ],
)
def test_load_refuses(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "cue.json"
    path.write_text(text)
    with pytest.raises(CueError, match=word):
        Cue.load(path)


def test_load_refuses_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "cue.json"
    path.write_bytes(json.dumps(DESIGN_PAGE).encode("utf-16"))
    with pytest.raises(CueError, match="UTF-8"):
        Cue.load(path)


def test_load_takes_paths_relative_to_the_file_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "cue.json"
    obj = changed("masks.0", {"kind": "paint", "path": "lake.png"})
    path.write_text(json.dumps(obj), encoding="utf-8-sig")
    cue = Cue.load(path)
    assert cue.video is not None
    assert cue.video.path == str(tmp_path / "shot.mp4")
    assert cue.masks[0].path == str(tmp_path / "lake.png")
    absolute = str(tmp_path / "elsewhere" / "shot.mp4")
    path.write_text(json.dumps(changed("video.path", absolute)))
    loaded = Cue.load(path)
    assert loaded.video is not None
    assert loaded.video.path == absolute


# ------------------------------------------------------------------------------------------------ any cue round-trips

fraction = st.floats(0.0, 1.0, allow_subnormal=False)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)


@st.composite
def curves(draw: st.DrawFn) -> LoudnessCurve:
    domain = draw(st.sampled_from(sorted(DOMAINS)))
    finite = st.floats(-120.0, 60.0) if domain == "db" else st.floats(0.0, 1000.0)
    values = st.one_of(st.none(), st.just(-math.inf), finite)
    times = sorted(draw(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=8)))
    points = []
    for time_s in times:
        shape = draw(st.sampled_from(sorted(SHAPES)))
        control = draw(st.tuples(fraction, fraction, fraction, fraction)) if shape == "cubic" else None
        points.append(CurvePoint(time_s, draw(values), shape, draw(st.floats(-1.0, 1.0)), control))
    reference, follow = draw(st.floats(-80.0, 0.0)), draw(st.sampled_from(["tight", "loose"]))
    return LoudnessCurve(tuple(points), domain, reference, follow)


@st.composite
def mask_prompts(draw: st.DrawFn, duration_s: float) -> MaskPrompt:
    kind = draw(st.sampled_from(sorted(MASK_KINDS)))
    corners = {"polygon": 4, "point": 1}.get(kind, 0)
    points = tuple(draw(st.tuples(fraction, fraction)) for _ in range(corners))
    left, top = draw(st.floats(0.0, 0.5)), draw(st.floats(0.0, 0.5))
    box = (left, top, draw(st.floats(0.01, 0.5)), draw(st.floats(0.01, 0.5)))
    return MaskPrompt(
        kind,
        query=draw(texts) if kind == "text" else None,
        box=box if kind == "box" else None,
        points=points,
        path=draw(texts) if kind == "paint" else None,
        time_s=draw(st.floats(0.0, duration_s)),
    )


@st.composite
def cues(draw: st.DrawFn) -> Cue:
    span = Span(
        draw(st.integers(192_000 * 60, 2**53 - 1)), draw(st.integers(8000, 192_000)), draw(st.floats(0.1, 1800.0))
    )
    masks = draw(st.lists(mask_prompts(span.duration_s), max_size=3).map(tuple))
    loudness = draw(st.none() | curves())
    several = draw(st.booleans())
    source = Source(draw(texts), loudness, masks, draw(st.floats(-60.0, 60.0)))
    return Cue(
        prompt="" if several else draw(texts),
        span=span,
        negative_prompt=draw(st.just("") | texts),
        loudness=None if several else loudness,
        video=draw(st.none() | st.builds(VideoRef, texts, st.floats(-1e6, 1e6))),
        masks=() if several else masks,
        sources=(source,) if several else (),
        handles_s=(draw(st.floats(0.0, 60.0)), draw(st.floats(0.0, 60.0))),
        tail_s=draw(st.floats(0.0, 60.0)),
        channels=draw(st.integers(1, 2)),
        seed=draw(st.none() | st.integers(0, 2**53 - 1)),
        takes=draw(st.integers(1, MAX_TAKES)),
    )


@given(cues())
def test_every_cue_survives_the_round_trip_through_text(cue: Cue) -> None:
    assert Cue.from_json(json.loads(json.dumps(cue.to_json(), allow_nan=False))) == cue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("-inf"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(DESIGN_PAGE)), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([*DESIGN_PAGE, "loudness.points", "loudness.points.0.value", "start.samples"]), json_values)
def test_whatever_a_member_holds_is_read_or_refused_in_one_line(path: str, value: object) -> None:
    try:
        cue = Cue.from_json(changed(path, value))
    except CueError as error:
        assert "\n" not in str(error)
        assert error.problem
    else:
        assert Cue.from_json(cue.to_json()) == cue
