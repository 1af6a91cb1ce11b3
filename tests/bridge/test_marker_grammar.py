"""The marker grammar: every form of the design page, and every error with its column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.marker_grammar import MarkerCue, MarkerError, parse_marker, split_track
from engine.cue import MaskPrompt


def parse(text: str) -> MarkerCue:
    return parse_marker(text, where="here")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("footsteps on gravel", MarkerCue("footsteps on gravel")),
        ("", MarkerCue()),
        ("  two   spaces\t", MarkerCue("two spaces")),
        ("footsteps on gravel @person", MarkerCue("footsteps on gravel", masks=(MaskPrompt("text", query="person"),))),
        (
            "glass shatters @box 0.55 0.20 0.30 0.40",
            MarkerCue("glass shatters", masks=(MaskPrompt("box", box=(0.55, 0.20, 0.30, 0.40)),)),
        ),
        ("engine @point 0.4 .6", MarkerCue("engine", masks=(MaskPrompt("point", points=((0.4, 0.6),)),))),
        ("splash @paint lake.png", MarkerCue("splash", masks=(MaskPrompt("paint", path="lake.png"),))),
        ('splash @paint "my lake.png"', MarkerCue("splash", masks=(MaskPrompt("paint", path="my lake.png"),))),
        ('horn @"red car"', MarkerCue("horn", masks=(MaskPrompt("text", query="red car"),))),
        ("dog bark ! speech, music", MarkerCue("dog bark", "speech, music")),
        ("dog bark !speech", MarkerCue("dog bark", "speech")),
        ("wind #loose #seed=7 #takes=4", MarkerCue("wind", follow="loose", seed=7, takes=4)),
        ("wind #TIGHT", MarkerCue("wind", follow="tight")),
        (
            "dog @dog ! cat #seed=0",
            MarkerCue("dog", "cat", (MaskPrompt("text", query="dog"),), seed=0),
        ),
        ("@door", MarkerCue(masks=(MaskPrompt("text", query="door"),))),
        ("a shout: stop! and c#", MarkerCue("a shout: stop! and c#")),
        (
            "a @cat @dog",
            MarkerCue("a", masks=(MaskPrompt("text", query="cat"), MaskPrompt("text", query="dog"))),
        ),
    ],
)
def test_what_a_marker_says(text: str, wanted: MarkerCue) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("wind #lose", 6, "unknown option #lose"),
        ("wind #seed", 6, "#seed"),
        ("wind #seed=x", 6, "#seed"),
        ("wind #seed=-1", 6, "#seed"),
        ("wind #takes=65", 6, "1 to 64"),
        ("wind #takes=0", 6, "1 to 64"),
        ("wind #seed=1 #seed=2", 14, "#seed=2 after #seed=1"),
        ("wind #loose #tight", 13, "#tight after #loose"),
        ("wind #loose=1", 6, "no value"),
        ("glass @box 0.1 0.2 0.3", 11, "no height"),
        ("glass @box 0.1 0.2 wide 0.4", 20, "'wide'"),
        ("glass @box 0.9 0.2 0.3 0.4", 7, "outside the frame"),
        ("engine @point 0.4", 14, "no y"),
        ("engine @point 0.4 1.6", 8, "@point"),
        ("splash @paint", 8, "names no picture"),
        ("splash @paint @x", 15, "names no picture"),
        ("dog !", 5, "nothing after !"),
        ("dog ! #loose", 5, "nothing after !"),
        ("dog ! a ! b", 9, "second !"),
        ("dog @ bark", 5, "without a name"),
        ('dog @"red car', 5, "does not end"),
        ("footsteps @person on gravel", 19, "words after @person"),
        ("wind #loose howls", 13, "words after #loose"),
        ("bell\x07", 5, "control character"),
        ("x" * 2001, 2001, "2001 characters"),
    ],
)
def test_an_error_names_the_marker_and_the_column(text: str, column: int, part: str) -> None:
    with pytest.raises(MarkerError) as caught:
        parse(text)
    assert caught.value.column == column
    message = str(caught.value)
    assert message.startswith(f"here, column {column}: ") and part in message and "\n" not in message


def test_a_track_before_a_colon() -> None:
    tracks = ["Foley", "Foley 2", ""]
    assert split_track("Foley: door slams", tracks) == ("Foley", "door slams")
    assert split_track("foley 2 : door", tracks) == ("Foley 2", "door")
    assert split_track("woman says: no", tracks) == (None, "woman says: no")
    assert split_track(": nothing", tracks) == (None, ": nothing")


@pytest.mark.parametrize("tracks", [["FOLEY", "Foley", "foley"], ["foley", "Foley", "FOLEY"]])
def test_of_tracks_that_differ_in_case_alone_the_one_to_the_letter_is_meant(tracks: list[str]) -> None:
    assert [split_track(f"{track}: rain", tracks)[0] for track in tracks] == tracks


@pytest.mark.parametrize(("text", "track"), [("Tu\u0308r: knock", "T\u00fcr"), ("T\u00dcR : knock", "Tu\u0308r"),
                                             ("STRASSE: knock", "Straße"), (" Foley: knock", "Foley ")])  # fmt: skip
def test_a_tracks_name_is_the_same_however_its_letters_are_written(text: str, track: str) -> None:
    assert split_track(text, ["other", track]) == (track, "knock")


@given(st.text(max_size=80))
def test_any_text_is_a_cue_or_one_clear_line(text: str) -> None:
    try:
        marker = parse(text)
    except MarkerError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert len(marker.prompt) <= len(text)
