"""REAPER projects as versions 3 to 7 write them: what is easily read as something else."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from bridge.hosts import Lane, Project, ProjectError
from bridge.hosts.curves import evaluate
from bridge.hosts.reaper_envelopes import MASTER_ENVELOPES, TRACK_ENVELOPES

Read = Callable[[str, bytes | str], Project]

POOL = "<POOLEDENV\nID 7\nNAME x\nSRCLEN 2\nPPT 0 0 0\nPPT 2 1 0\n>\n"


def rpp(body: str) -> str:
    # Not indent(): it ends lines where Unicode does, REAPER does not.
    lines = "".join(f"  {line}\n" for line in body.split("\n"))
    return f'<REAPER_PROJECT 0.1 "7.40/win64" 1758000000 0\n{lines}>\n'


def track(body: str, head: str = "") -> str:
    return rpp(f"{head}\n<TRACK {{A}}\nNAME Foley\n{body}\n>")


def volume(body: str, head: str = "") -> str:
    return track(f"<VOLENV2\nACT 1 -1\n{body}\n>", head)


def only_lane(project: Project) -> Lane:
    (lane,) = [lane for one in project.tracks for lane in one.lanes]
    return lane


# --------------------------------------------------------------------------------------------------------- envelopes


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("PT 1 0.5", (1.0, 0.5, "fast_end", 0.0)),  # no shape: the envelope's default
        ("PT 1 0.5 -1", (1.0, 0.5, "fast_end", 0.0)),
        ("PT 1 0.5 0", (1.0, 0.5, "linear", 0.0)),
        ("PT 1 0.5 1 1", (1.0, 0.5, "hold", 0.0)),
        ("PT 1 0.5 2 0 1", (1.0, 0.5, "slow", 0.0)),
        ("PT 1 0.5 3 0 1 0", (1.0, 0.5, "fast_start", 0.0)),
        ("PT 1 0.5 5 1 0 0 0.3030303", (1.0, 0.5, "bezier", 0.3030303)),
        ("PT 1 0.5 5 0 0 0 -7", (1.0, 0.5, "bezier", -1.0)),
        ("PT 1 0.5 5", (1.0, 0.5, "bezier", 0.0)),
        ("PT 1 0.5 2 0 0 0 0.9", (1.0, 0.5, "slow", 0.0)),  # tension is a bezier's alone
        ("PT -0.0005 3.98107171 0 65540 1 0", (-0.0005, 3.98107171, "linear", 0.0)),
        ("PT 1e1 2.5e-05 0", (10.0, 2.5e-05, "linear", 0.0)),
    ],
)
def test_points_of_few_and_many_fields(read: Read, line: str, wanted: tuple[float, float, str, float]) -> None:
    (point,) = only_lane(read("points.rpp", volume(f"DEFSHAPE 4 -1 -1\n{line}"))).points
    assert (point.time_s, point.value, point.shape, point.tension) == wanted


def test_words_may_be_set_apart_by_tabs(read: Read) -> None:
    project = read("tabs.rpp", volume("PT\t1\t0.5\t1").replace("NAME Foley", "NAME\tFoley"))
    assert project.tracks[0].name == "Foley" and [p.value for p in only_lane(project).points] == [0.5]


def test_points_that_cross_in_the_file_come_in_order_and_steps_keep_theirs(read: Read) -> None:
    lane = only_lane(read("order.rpp", volume("PT 2 1 0\nPT 1 0.25 1\nPT 1 0.75 0\nPT 0 0 0")))
    assert [(p.time_s, p.value) for p in lane.points] == [(0.0, 0.0), (1.0, 0.25), (1.0, 0.75), (2.0, 1.0)]


@pytest.mark.parametrize("tag", TRACK_ENVELOPES)
def test_every_tag_of_a_track_and_of_the_master(read: Read, tag: str) -> None:
    envelope = f"<{tag} 0 0 1 0.5\nACT 0 -1\nVIS 0 1 1\nVOLTYPE 1\nPT 0 0.5 0\n>"
    project = read("tags.rpp", track(envelope, head=envelope.replace(tag, f"MASTER{tag}")))
    master, foley = project.tracks
    (of_master,), (of_track,) = master.lanes, foley.lanes
    assert (master.name, of_master.controls, of_track.controls) == (
        "MASTER", MASTER_ENVELOPES[f"MASTER{tag}"], TRACK_ENVELOPES[tag])  # fmt: skip
    assert not of_track.active
    # Only a volume is drawn on the fader's scale, whatever else says VOLTYPE.
    assert of_track.domain == ("reaper_fader" if "VOL" in tag else "gain")


def test_only_the_envelopes_of_the_track_itself_are_its_own(read: Read) -> None:
    elsewhere = "<VOLENV2\nPT 0 0.5 0\n>"
    project = read("else.rpp", track(
        f"<FREEZE 0\n{elsewhere}\n<FXCHAIN\n<PARMENV 0 0 1 0.5\nPT 0 1 0\n>\n>\n>\n"
        "<EXT\n<VOLENV2\nPT 0 1 0\n>\n>\n"
        "<ITEM\n<NOTES\n|<VOLENV2\n|PT 0 1 0\n|>\n>\n<SOURCE MIDI\nHASDATA 1 960 QN\n"
        "E 0 b0 07 40\n<X 0 0\n8AECAwQF9w==\n>\n>\n>\n<VOLENV2\nPT 0 0.25 0\n>", head=elsewhere))  # fmt: skip
    assert [p.value for p in only_lane(project).points] == [0.25]


def test_sends_stay_apart_and_folders_and_mutes_change_nothing(read: Read) -> None:
    send = "AUXRECV {n} 0 1 0 0 0 0 0 0 -1:U 0 -1 ''\n<AUXVOLENV\nACT 1 -1\nPT 0 {value} 0\n>\n"
    body = "ISBUS 1 1\nMUTESOLO 1 0 0\n" + send.format(n=1, value=0.25) + send.format(n=2, value=0.75)
    (foley,) = read("sends.rpp", track(body + "HWOUT 0 0 1 0 0 0 0 -1:U -1\n<HWVOLENV\nPT 0 2 0\n>")).tracks
    assert [(lane.controls, lane.active, lane.points[0].value) for lane in foley.lanes] == [
        ("send", True, 0.25), ("send", True, 0.75), ("send", True, 2.0)]  # fmt: skip


GUIDE = '<JS draw_an_audio_guide.jsfx ""\n-12 - -\n>\nFLOATPOS 0 0 0 0\nFXID {G}\n'
LOUDNESS = "<PARMENV 0 -60 6 0\nACT 1 -1\nPT 0 -6 0\n>\n"
OTHER = '<VST "VST3: Pro-Q 4 (FabFilter)" "FabFilter Pro-Q 4.vst3" 0 "" 756089518{72C4} ""\ncmVlcQ==\n>\n'
NESTED = '<CONTAINER Container "" ""\nCONTAINER_CFG 2 2 2 0\n{}>\n'


@pytest.mark.parametrize(
    ("chain", "guides"),
    [
        (f"BYPASS 0 0 0\n{GUIDE}{LOUDNESS}", [True]),
        (f"BYPASS 0 0 0\n{OTHER}{LOUDNESS}BYPASS 0 0 0\n{GUIDE}{LOUDNESS}", [False, True]),
        (f"BYPASS 0 0 0\n{GUIDE}{LOUDNESS.replace('ENV 0', 'ENV 2:bypass')}", [False]),
        (f"BYPASS 0 0 0\n{NESTED.format('BYPASS 0 0 0' + chr(10) + GUIDE + LOUDNESS)}", [True]),
        # The container's own parameter and that of a plug-in of a kind nobody knows are not the guide before them.
        (f"BYPASS 0 0 0\n{GUIDE}BYPASS 0 0 0\n{NESTED.format('')}{LOUDNESS}", [False]),
        (f"BYPASS 0 0 0\n{GUIDE}BYPASS 0 0 0\n<AAX some thing\n>\n{LOUDNESS}", [False]),
        # Parameter modulation, a comment and pins stand between a plug-in and its envelopes.
        (f"BYPASS 0 0 0\n{GUIDE}<COMMENT\nZW5k\n>\n<PROGRAMENV 0 0\nPARAMBASE 0\nLFO 0\n>\n{LOUDNESS}", [True]),
    ],
)
def test_whose_parameter_it_is(read: Read, chain: str, guides: list[bool]) -> None:
    (foley,) = read("fx.rpp", track(f"<FXCHAIN\nSHOW 0\n{chain}>")).tracks
    assert [(lane.guide, lane.domain) for lane in foley.lanes] == [(g, "db" if g else "gain") for g in guides]


# ------------------------------------------------------------------------------------------------- automation items


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        # pool, position, length, offset, rate, selected, baseline, amplitude, loop, …, muted, …, top; 2 quarters = 1 s
        ("7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 1", {0.5: 0.8, 1: 0, 1.5: 0.5, 2.5: 0.8}),
        ("7 1 4 0 1 0 0.5 1 1 0 0 1 0 0 0 1", {1.25: 0.25, 2.25: 0.25, 4.75: 0.75, 5.5: 0.8}),
        ("7 1 4 0 1 0 0.5 1 0 0 0 1 0 0 0 1", {1.25: 0.25, 2.5: 1.0, 4.9: 1.0, 5.5: 0.8}),  # not looped: it holds
        ("7 1 4 0 2 0 0.5 1 1 0 0 1 0 0 0 1", {1.25: 0.5, 1.625: 0.25}),
        ("7 1 1 0.5 0.5 0 0.5 1 1 0 0 1 0 0 0 1", {1: 0.5, 1.5: 0.75}),  # the offset is in the pool's own seconds
        ("7 1 2 -0.25 1 0 0.5 1 1 0 0 1 0 0 0 1", {1: 0.75, 1.2: 0.95, 1.5: 0.25}),  # looped to the left, too
        ("7 1 2 3.25 1 0 0.5 1 1 0 0 1 0 0 0 1", {1: 0.25, 1.5: 0.75, 2: 0.25}),
        ("7 1 1 0 1 0 0.5 -1 0 0 0 1 0 0 0 1", {1.25: 0.75, 1.75: 0.25}),
        ("7 1 1 0 1 0 0.25 0.5 0 0 0 1 0 0 0 1", {1: 0.0, 1.5: 0.25, 1.999: 0.4995}),
        ("7 1 1 0 1 0 0.5 2 0 0 0 1 0 0 0 1", {1.2: 0.0, 1.25: 0.0, 1.5: 0.5, 1.75: 1.0, 1.9: 1.0}),  # cut at 0 and 1
        ("7 1 1 0 1 0 1 1 0 0 0 1 0 0 0 1", {1.25: 0.75, 1.5: 1.0, 1.75: 1.0}),
        ("7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 0", {1.25: 0.5, 1.5: 1.0}),  # made where the lane reached +6 dB
        ("7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 4", {1.5: 10 ** (12 / 20) / 2}),
        ("7 1 1 0 1 0 0.5 1 0 0 0 1 1 0 0 1", {1.5: 0.8}),  # muted
        ("7 1 1 0 1", {1.5: 1.0}),  # of the first version that had them: all else as it is by default
    ],
)
def test_an_item_is_heard_where_and_as_it_says(read: Read, item: str, wanted: dict[float, float]) -> None:
    lane = only_lane(read("item.rpp", volume(f"PT 0 0.8 0\nPOOLEDENVINST {item}", POOL)))
    assert [evaluate(lane, at) for at in wanted] == pytest.approx(list(wanted.values()), abs=1e-9)


def test_pooled_items_share_what_they_play(read: Read) -> None:
    two = "POOLEDENVINST 7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 1\nPOOLEDENVINST 7 4 2 0 0.5 0 0.5 1 0 0 0 2 0 0 0 1"
    lane = only_lane(read("pooled.rpp", volume(f"PT 0 0.8 0\nPT 10 0.8 0\n{two}", POOL)))
    assert [evaluate(lane, at) for at in (1.5, 3.0, 4.5, 5.5, 7.0)] == pytest.approx([0.5, 0.8, 0.25, 0.75, 0.8])


def test_a_later_item_covers_an_earlier_one(read: Read) -> None:
    two = "POOLEDENVINST 7 1.5 1 0 1 0 0.5 1 0 0 0 2 0 0 0 1\nPOOLEDENVINST 7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 1"
    lane = only_lane(read("over.rpp", volume(f"PT 0 0.8 0\n{two}", POOL)))
    assert [evaluate(lane, at) for at in (1.25, 1.75, 2.25, 2.6)] == pytest.approx([0.25, 0.25, 0.75, 0.8])


def test_ahead_of_its_first_point_the_envelope_has_that_value_whatever_item_comes_before(read: Read) -> None:
    two = "POOLEDENVINST 7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 1\nPOOLEDENVINST 7 4 1 0 1 0 0.5 -1 0 0 0 2 0 0 0 1"
    lane = only_lane(read("ahead.rpp", volume(f"PT 9 0.8 0\nPT 10 0.4 0\n{two}", POOL)))
    assert [evaluate(lane, at) for at in (0.5, 1.5, 3.0, 4.25, 7.0, 9.5)] == pytest.approx(
        [0.8, 0.5, 0.8, 0.75, 0.8, 0.6]
    )


def test_an_item_inside_a_longer_one_leaves_its_end_where_it_is(read: Read) -> None:
    two = "POOLEDENVINST 7 1 4 0 1 0 0.5 1 0 0 0 1 0 0 0 1\nPOOLEDENVINST 7 3 1 0 1 0 0.5 1 0 0 0 2 0 0 0 1"
    lane = only_lane(read("inside.rpp", volume(f"PT 0 0.2 0\n{two}", POOL)))
    assert [evaluate(lane, at) for at in (2.5, 3.5, 4.5, 4.99, 5.5)] == pytest.approx([1.0, 0.5, 1.0, 1.0, 0.2])


@pytest.mark.parametrize("position", [0.1, 0.7, 2.9016])
def test_every_round_of_a_loop_has_its_own_line_at_any_tempo(read: Read, position: float) -> None:
    tempo, item = "TEMPO 97.3 4 4\n", f"POOLEDENVINST 7 {position} 60 0 1 0 0.5 1 1 0 0 1 0 0 0 1"
    lane = only_lane(read("rounds.rpp", volume(f"PT 0 0.8 0\n{item}", tempo + POOL)))
    round_s = 2 * 60 / 97.3
    heard = [evaluate(lane, position + (index + 0.25) * round_s) for index in range(48)]
    assert heard == pytest.approx([0.25] * 48)


def test_points_behind_the_pools_length_are_not_in_the_loop(read: Read) -> None:
    pool = POOL.replace("PPT 2 1 0", "PPT 1 1 0\nPPT 1.5 0.5 1\nPPT 4 0 0")
    lane = only_lane(read("long.rpp", volume("PT 0 1 0\nPOOLEDENVINST 7 0 3 0 1 0 0.5 1 1 0 0 1 0 0 0 1", pool)))
    assert [evaluate(lane, at) for at in (0.25, 0.9, 1.25, 2.9)] == pytest.approx([0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("project", "envelope", "between"),
    [("0", "-1", 0.8), ("4", "-1", 1.0), ("0", "4", 1.0), ("4", "0", 0.8), ("3", "-1", 0.8)],
)
def test_an_envelope_bypassed_outside_of_its_items(read: Read, project: str, envelope: str, between: float) -> None:
    two = "POOLEDENVINST 7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 1\nPOOLEDENVINST 7 5 1 0 1 0 0.5 -1 0 0 0 2 0 0 0 1"
    text = volume(f"PT 0 0.8 0\nPT 3 0.8 0\n{two}", f"POOLEDENVATTACH {project}\n{POOL}")
    lane = only_lane(read("bypass.rpp", text.replace("ACT 1 -1", f"ACT 1 {envelope}")))
    after = 0.8 if between == 0.8 else 0.0
    assert [evaluate(lane, at) for at in (3.0, 5.25, 9.0)] == pytest.approx([between, 0.75, after])


def test_on_a_fader_a_pooled_value_is_a_place_of_the_fader(read: Read) -> None:
    lane = only_lane(
        read("fader.rpp", volume("VOLTYPE 1\nPT 0 1 0\nPOOLEDENVINST 7 1 1 0 1 0 0.5 1 0 0 0 1 0 0 0 4", POOL))
    )
    # Half of the way to +12 dB is 500 of 1000 on REAPER's fader, which its scripting interface calls 0.2798…
    assert evaluate(lane, 1.5) == pytest.approx(10**0.6 * (0.5**3 + 0.5**6) / 2, abs=1e-9)


def test_an_item_on_a_parameter_spans_its_range(read: Read) -> None:
    envelope = "<PARMENV 0 -60 6 0\nACT 1 -1\nPOOLEDENVINST 7 0 1 0 1 0 0.5 1 0 0 0 1 0 0 0 0\n>\n"
    guide, other = (
        only_lane(read("guide.rpp", track(f"<FXCHAIN\nBYPASS 0 0 0\n{plugin}{envelope}>", POOL)))
        for plugin in (GUIDE, OTHER)
    )
    assert [(p.time_s, p.value) for p in guide.points] == [(p.time_s, p.value) for p in other.points]
    assert evaluate(guide, 0.5) == pytest.approx(-27.0) and guide.guide and not other.guide


def test_the_tempo_of_its_place_counts(read: Read) -> None:
    tempo = "TEMPO 60 4 4\n<TEMPOENVEX\nPT 0 60 1\nPT 10 120 0 262148\nPT 20 240 1\n>\n"
    items = "".join(f"POOLEDENVINST 7 {at} 4 0 1 0 0.5 1 0 0 0 1 0 0 0 1\n" for at in (0, 10, 15))
    lane = only_lane(read("tempo.rpp", volume(f"PT 0 0.8 0\n{items}", tempo + POOL)))
    assert [evaluate(lane, at) for at in (1.0, 10.5, 15 + 1 / 3)] == pytest.approx([0.5, 0.5, 0.5])


@pytest.mark.parametrize("item", ["", "7", "7 x 1 0 1", "7 1 1 0 1e-320", "7 1 1 1e300 1", "7 1 0 0 1", "8 1 1 0 1"])
def test_an_item_that_cannot_be_is_told_and_left_out(read: Read, item: str) -> None:
    project = read("odd.rpp", volume(f"PT 0 0.8 0\nPOOLEDENVINST {item}", POOL))
    assert [p.value for p in only_lane(project).points] == [0.8]
    assert any("could not be read" in warning for warning in project.warnings)


def test_endless_loops_take_neither_time_nor_memory(read: Read) -> None:
    items = "POOLEDENVINST 7 0 8e6 0 1000 0 0.5 2 1 0 0 1 0 0 0 1\n" * 500
    begun = time.process_time()
    project = read("endless.rpp", volume(f"PT 0 0.8 0\n{items}", POOL))
    assert time.process_time() - begun < 2.0 and len(only_lane(project).points) < 300_000
    assert any("the rest of them is left out" in warning for warning in project.warnings)


# --------------------------------------------------------------------------------------------------- markers, regions


def marked(read: Read, *lines: str) -> list[tuple[str, str, float, float | None]]:
    project = read("marked.rpp", rpp("\n".join(lines)))
    return [(m.kind, m.name, m.time_s, m.end_s) for m in project.markers]


@pytest.mark.parametrize(
    "end", ['"" 1 0 1 B {22222222-0000-0000-0000-000000000001} 0', '"" 1 0 1 B', '"" 1 0 1 R', '"" 1']
)
def test_the_spellings_of_a_regions_end(read: Read, end: str) -> None:
    begin = 'MARKER 4 1.5 "rain on tin" 1 0 1 B {22222222-0000-0000-0000-000000000001} 0'
    assert marked(read, begin, f"MARKER 4 2.25 {end}") == [("region", "rain on tin", 1.5, 2.25)]


def test_regions_of_one_number_that_overlap_or_lost_their_end(read: Read) -> None:
    first, second = (f"1 0 1 B {{{n}2222222-0000-0000-0000-000000000001}} 0" for n in (1, 2))
    lines = f"MARKER 4 1 a {first}", f"MARKER 4 2 b {second}", 'MARKER 4 3 "" 1', 'MARKER 4 4 "" 1'
    assert marked(read, *lines) == [("region", "a", 1.0, 3.0), ("region", "b", 2.0, 4.0)]
    assert marked(read, *lines[:3]) == [("region", "a", 1.0, 3.0), ("region", "b", 2.0, None)]
    # One inside the other: the ends' own GUIDs say whose they are.
    ends = f'MARKER 4 3 "" {second}', f'MARKER 4 4 "" {first}'
    assert marked(read, *lines[:2], *ends) == [("region", "a", 1.0, 4.0), ("region", "b", 2.0, 3.0)]


def test_a_marker_and_a_region_of_one_number_hidden_and_in_a_ruler_lane(read: Read) -> None:
    lines = [
        "RULERHEIGHT 80 80", 'RULERLANE 1 8 "spotting" 0 -1', 'MARKER 1 0 "" 16 0 1 B {A} 2',
        'MARKER 1 1 "r" 17 0 1 B {B} 1', "MARKER 1 1.5 m 8 0 1 B {C} 0", 'MARKER 1 2 "" 1',
        "MARKER 0 -1 before 0 0 1 R",
        '<NOTES 0 2\n|MARKER 9 9 "no" 0\n>',
    ]  # fmt: skip
    assert marked(read, *lines) == [
        ("marker", "", 0.0, None), ("region", "r", 1.0, 2.0), ("marker", "m", 1.5, None),
        ("marker", "before", -1.0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("door", "door"), ('"door slams"', "door slams"), ("'say \"boo\"'", 'say "boo"'),
        ("`it's \"both\"`", 'it\'s "both"'),
        ('"it\'s `odd`"', "it's `odd`"), ('""', ""), ("#1;x", "#1;x"), ('"> <VOLENV2"', "> <VOLENV2"), ("Tür", "Tür"),
        ("雨\u3000音", "雨\u3000音"), ("Pas\u00a0!", "Pas\u00a0!"),
        ("\"a\u2028b\u0085c\"", "a\u2028b\u0085c"),
        ('"two  spaces and\ta tab "', "two  spaces and\ta tab "), ("1.5", "1.5"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_names_in_every_quote(read: Read, word: str, name: str, newline: str) -> None:
    text = rpp(f"MARKER 1 2.5 {word} 8 0 1 B {{A}} 0\n<TRACK\nNAME {word}\n>").replace("\n", newline)
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        project = read("names.rpp", data)
        assert [(m.name, m.time_s, m.selected) for m in project.markers] == [(name, 2.5, True)]
        assert [one.name for one in project.tracks] == [name]


@pytest.mark.parametrize(
    ("fields", "color"),
    [("23514367 1 B", "#66ccff"), ("33541222 1 R", "#66ccff"), ("0 1 B", None), ("16777216 1 B", "#000000"),
     ("16777471 1 R", "#ff0000"), ("16777471", "#0000ff")],
)  # fmt: skip
def test_colours_of_either_order(read: Read, fields: str, color: str | None) -> None:
    assert [m.color for m in read("colors.rpp", rpp(f"MARKER 1 0 x 0 {fields}")).markers] == [color]


# ----------------------------------------------------------------------------------------------------- items, project


def test_take_envelopes_run_at_their_own_takes_rate(read: Read) -> None:
    take = "SOFFS 3\nPLAYRATE {} 1 0 -1\n<SOURCE WAVE\nFILE a.wav\n>\n<VOLENV\nACT 1 -1\nPT 0 1 0\nPT 2 0.5 0\n>\n"
    fx = f"<TAKEFX\nBYPASS 0 0 0\n{OTHER}<PARMENV 0 0 1 0.5\nPT 1 0.5 0\n>\n>\n"
    body = f"<ITEM\nPOSITION 10\nLENGTH 4\nNAME a\n{take.format(2)}TAKE SEL\nNAME b\n{take.format(0.5)}{fx}TAKE NULL\n>"
    (foley,) = read("takes.rpp", track(body)).tracks
    assert [(lane.controls, [p.time_s for p in lane.points]) for lane in foley.lanes] == [
        ("take", [10.0, 11.0]), ("take", [10.0, 14.0]), ("param", [12.0])]  # fmt: skip


VIDEO = "SOFFS 2 4\nPLAYRATE 1.001 0 0 -1\n<SOURCE VIDEO\nAUDIO 0\nFILE film.mov\n>\n"


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (VIDEO, [("film.mov", 2.0)]),
        (f"<SOURCE WAVE\nFILE a.wav\n>\nTAKE SEL\n{VIDEO}", [("film.mov", 2.0)]),
        (f"{VIDEO}TAKE SEL\n<SOURCE WAVE\nFILE a.wav\n>\n", []),
        (f"ALLTAKES 1\n{VIDEO}TAKE SEL\n<SOURCE WAVE\nFILE a.wav\n>\n", [("film.mov", 2.0)]),
        (f"MUTE 1 0\n{VIDEO}", []),
        (f"SOFFS 2\n<SOURCE SECTION\nLENGTH 9\nSTARTPOS 30\n{VIDEO.partition('-1')[2]}>", [("film.mov", 32.0)]),
    ],
)
def test_the_video_that_is_shown(read: Read, item: str, shown: list[tuple[str, float]]) -> None:
    project = read("video.rpp", track(f"<ITEM\nPOSITION 5\nLENGTH 8\n{item}>"))
    assert [(video.path, video.offset_s) for video in project.video] == shown


@pytest.mark.parametrize(
    ("line", "start"),
    [("PROJOFFS 3600 0 0", 3600.0), ("PROJOFFS -2.5 -4 1", -2.5), ("PROJOFFS 0.00000000000000 0", 0.0),
     ("PROJOFFS nan", 0.0), ("PROJOFFS 1e300 0", 0.0), ("PROJOFFS", 0.0), ("", 0.0)],
)  # fmt: skip
def test_the_start_offset_moves_no_marker(read: Read, line: str, start: float) -> None:
    project = read("start.rpp", rpp(f"{line}\nMARKER 1 2 x 0"))
    assert (project.start_s, [m.time_s for m in project.markers]) == (start, [2.0])


@pytest.mark.parametrize(
    ("line", "rate"),
    [("1 5 -1 30 0 0 -1 0", "30"), ("1 0 -1 24 2", "23.976"), ("0 3 0 30 1", "29.97DF"), ("1 4 -1 30 2", "29.97NDF"),
     ("5 2 5 25 0 0 -1", "25"), ("1 9 -1 60 0", "60"), ("1 11 -1 75 0", "75"), ("1", "None")],
)  # fmt: skip
def test_frame_rates(read: Read, line: str, rate: str) -> None:
    assert str(read("rate.rpp", rpp(f"TIMEMODE {line}")).frame_rate) == rate


def test_a_tempo_map_that_begins_late_glides_and_is_damaged_in_places(read: Read) -> None:
    points = "PT 4 90 0 262148 0 1\nPT 8 180 1\nPT x 100 1\nPT 9 0 1\nPT 10"
    project = read("tempo.rpp", rpp(f"TEMPO 60.5 3 4\n<TEMPOENVEX\nACT 1 -1\nDEFSHAPE 1 -1 -1\n{points}\n>"))
    assert [(p.time_s, p.bpm, p.ramp) for p in project.tempo] == [
        (0.0, 60.5, False), (4.0, 90.0, True), (8.0, 180.0, False)]  # fmt: skip
    assert sum("tempo marker" in warning for warning in project.warnings) == 3


# ------------------------------------------------------------------------------------------------------ damaged files


@pytest.mark.parametrize("cut", ["PT 2 0.2", "PT 2", "P"])
def test_a_line_that_the_end_of_the_file_cuts_is_not_believed(read: Read, cut: str) -> None:
    project = read("cut.rpp", volume("PT 0 1 0\nPT 1 0.5 0\nPT 2 0.25 0").partition("PT 2")[0] + cut)
    assert [p.value for p in only_lane(project).points] == [1.0, 0.5]
    assert any("ends in the middle" in warning for warning in project.warnings)


@pytest.mark.parametrize("ending", ["", ">", ">\n", ">\r\n\r\n", ">\n>\n>"])
def test_any_ending_of_a_whole_file(read: Read, ending: str) -> None:
    text = volume("PT 0 1 0").removesuffix(">\n") + ending
    assert [p.value for p in only_lane(read("end.rpp", text)).points] == [1.0]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b"<REAPER_PROJECT", ""),
        (b"\0" * 5000, "not a readable REAPER project"),
        (rpp("<A\n" * 200).encode(), "deep"),
    ],
)
def test_what_is_broken_is_one_line_or_empty(read: Read, content: bytes, part: str) -> None:
    try:
        project = read("bad.rpp", content)
    except ProjectError as error:
        assert part in str(error) and "\n" not in str(error)
    else:
        assert not part and not project.tracks


def test_deeply_nested_containers_are_read(read: Read) -> None:
    chain = f"BYPASS 0 0 0\n{GUIDE}{LOUDNESS}"
    for _ in range(40):
        chain = f"BYPASS 0 0 0\n{NESTED.format(chain)}"
    assert only_lane(read("deep.rpp", track(f"<FXCHAIN\n{chain}>"))).guide


def test_values_beyond_all_sense_are_left_out(read: Read) -> None:
    lane = only_lane(read("far.rpp", volume("PT 0 1 0\nPT 9e9 1 0\nPT 1 1e300 0\nPT inf 1 0\nPT 2 0x10 0\nPT 3 1,5 0")))
    assert np.array([p.time_s for p in lane.points]).tolist() == [0.0]
