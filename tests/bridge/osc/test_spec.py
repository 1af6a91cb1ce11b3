"""The spec table, and what is derived from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.osc.binding import bind, check_named, compose
from bridge.osc.packet import Message, decode
from bridge.osc.reference import reference
from bridge.osc.spec import CODES, IN_BY_ADDRESS, INCOMING, OUTGOING, Verb
from bridge.refused import Refused

CUE = IN_BY_ADDRESS["/drawaudio/cue/submit"]


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "osc.md"
    assert page.read_text(encoding="utf-8") == reference(), "run: python -m bridge.osc.reference > docs/osc.md"


@pytest.mark.parametrize("verb", INCOMING, ids=lambda verb: verb.address)
def test_ardours_lua_can_send_every_verb(verb: Verb) -> None:
    assert set("".join(a.type for a in verb.arguments)) <= set("sifd")


@pytest.mark.parametrize("verb", INCOMING, ids=lambda verb: verb.address)
def test_every_verb_that_changes_anything_needs_the_token_first(verb: Verb) -> None:
    assert verb.address == "status" or verb.arguments[0].name == "token"


def test_answers_named_exist() -> None:
    out = {verb.address for verb in OUTGOING}
    assert {answer for verb in INCOMING for answer in verb.answers} <= out


@pytest.mark.parametrize("verb", (*INCOMING, *OUTGOING), ids=lambda verb: verb.address)
def test_optional_arguments_come_last(verb: Verb) -> None:
    optional = [a.optional for a in verb.arguments]
    assert optional == sorted(optional)


@pytest.mark.parametrize(
    ("types", "values", "code", "text"),
    [
        ("ss", ("t", "r"), "wrong_arguments", "takes 3 to 5 arguments, 2 came"),
        ("ssssss", ("t", "r", "{}", "", "now", "x"), "wrong_arguments", "6 came"),
        ("ssi", ("t", "r", 3), "wrong_arguments", "cue must have the type s, not i"),
        ("sss", ("t", "../r", "{}"), "wrong_arguments", "request"),
        ("sssss", ("t", "r", "{}", "", "later"), "wrong_arguments", "one of now, bounce"),
        ("ssss", ("t", "r", "{}", "n" * 999), "too_large", "999 characters"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(
    types: str, values: tuple[object, ...], code: str, text: str
) -> None:
    with pytest.raises(Refused, match=text) as refused:
        bind(Message(CUE.full, types, values))
    assert refused.value.code == code


def test_any_number_is_taken_for_a_number_but_an_integer_must_be_whole() -> None:
    begin = "/drawaudio/curve/begin"
    values = ("t", "c", "db", 2.0, 1.0, "00000000")
    assert bind(Message(begin, "sssdds", values))[1]["points"] == 2
    with pytest.raises(Refused, match="whole number"):
        bind(Message(begin, "sssdds", ("t", "c", "db", 2.5, 1.0, "00000000")))
    with pytest.raises(Refused, match="between"):
        bind(Message(begin, "sssiis", ("t", "c", "db", 0, 1, "00000000")))


def test_points_come_in_whole_groups() -> None:
    chunk = "/drawaudio/curve/chunk"
    head = ("t", "c", 0, "time value shape")
    _, values = bind(Message(chunk, "ssis" + "ffs" * 2, (*head, 0.0, 1.0, "hold", 1.0, 2.0, "slow")))
    assert values["points"] == [(0.0, 1.0, "hold"), (1.0, 2.0, "slow")]
    for types, rest in (("ff", (0.0, 1.0)), ("", ()), ("fff", (0.0, 1.0, 2.0))):
        with pytest.raises(Refused):
            bind(Message(chunk, "ssis" + types, (*head, *rest)))
    with pytest.raises(Refused, match="at most 256"):
        bind(Message(chunk, "ssis" + "dds" * 257, (*head, *((0.0, 1.0, "hold") * 257))))


def test_a_token_in_the_address_is_read_as_the_first_argument() -> None:
    verb, values = bind(Message("/drawaudio/capture/value/abc", "f", (0.5,)))
    assert (verb.address, values["token"], values["value"]) == ("capture/value", "abc", 0.5)


def test_unknown_addresses_and_patterns_are_refused() -> None:
    for address in ("/drawaudio/job/*", "/other", "/drawaudio/job", "/"):
        with pytest.raises(Refused) as refused:
            bind(Message(address))
        assert refused.value.code == "unknown_address"


def test_composing_cuts_texts_and_leaves_out_what_is_not_given() -> None:
    packet = compose("error", {"request": "r", "code": "internal", "text": "x\0" * 9000})
    (message,) = decode(packet)
    assert len(str(message.values[2])) == 4096
    packet = compose("cue/submit", {"token": "t", "request": "r", "cue": "{}"}, IN_BY_ADDRESS)
    assert decode(packet)[0].types == "sss"
    packet = compose("project/bounce", {"token": "t", "request": "r", "path": "p", "region": "x"}, IN_BY_ADDRESS)
    assert decode(packet)[0].values == ("t", "r", "p", "", "x"), "what lies before a given argument is sent, too"
    with pytest.raises(KeyError):
        compose("take/regenerate", {"token": "t", "request": "r", "end_s": 1.0}, IN_BY_ADDRESS)


def test_arguments_by_name_are_checked_alike() -> None:
    verb = IN_BY_ADDRESS["/drawaudio/take/regenerate"]
    assert check_named(verb, {"take": "t1", "start_s": 1, "end_s": 2.5}) == {"take": "t1", "start_s": 1.0, "end_s": 2.5}
    assert check_named(verb, {})["take"] == ""
    for named in ({"tkae": "t1"}, {"take": 3}, {"take": None}, {"start_s": True}):
        with pytest.raises(Refused):
            check_named(verb, named)


def test_codes_are_documented() -> None:
    assert all(f"| `{code}` |" in reference() for code in CODES)
