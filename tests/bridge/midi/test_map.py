"""The learnable map: presses, meanings, and the file."""

import json

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.map import ACTIONS, KINDS, KeyReader, MidiMap, MidiMapError, Trigger

triggers = st.builds(Trigger, st.sampled_from(sorted(KINDS)), st.integers(0, 15), st.integers(0, 127))


def presses(*messages: mido.Message) -> list[Trigger]:
    reader = KeyReader()
    return [found for found in map(reader.feed, messages) if found is not None]


def test_notes_press_when_struck():
    on, off = mido.Message("note_on", note=60), mido.Message("note_off", note=60)
    silent = mido.Message("note_on", note=60, velocity=0)
    assert presses(on, off, on, silent) == [Trigger("note", 0, 60)] * 2


def test_controllers_press_once_per_push():
    values = [0, 63, 64, 100, 127, 70, 63, 127, 0]
    pushed = presses(*(mido.Message("control_change", control=20, value=value, channel=4) for value in values))
    assert pushed == [Trigger("cc", 4, 20)] * 2


def test_programs_press_every_time():
    change = mido.Message("program_change", program=7)
    assert presses(change, change) == [Trigger("program", 0, 7)] * 2


def test_nothing_else_presses():
    assert presses(mido.Message("pitchwheel"), mido.Message("clock"), mido.Message("sysex", data=[1])) == []


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), triggers), max_size=20))
def test_the_last_word_counts_and_the_file_keeps_it(lessons):
    made = MidiMap()
    for action, trigger in lessons:
        made = made.learned(action, trigger)
        assert made.action(trigger) == action
    assert len(set(made.triggers.values())) == len(made.triggers)
    assert MidiMap.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_save_and_load(tmp_path):
    path = tmp_path / "midi.json"
    assert MidiMap.load(path).triggers == {}
    made = MidiMap().learned("keep", Trigger("note", 0, 60))
    made.save(path)
    made.learned("cancel", Trigger("cc", 15, 1)).save(path)
    assert MidiMap.load(path).action(Trigger("cc", 15, 1)) == "cancel"
    assert json.loads(path.read_text())["keys"]["keep"] == {"kind": "note", "channel": 1, "number": 60}
    assert [each.name for each in tmp_path.iterdir()] == ["midi.json"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "mend the file"),
        ("[]", "version"),
        ('{"version": 2, "keys": {}}', "version"),
        ('{"version": 1, "keys": {"explode": {"kind": "note", "channel": 1, "number": 1}}}', "no action"),
        ('{"version": 1, "keys": {"keep": {"kind": "note", "channel": 0, "number": 1}}}', "keys.keep"),
        ('{"version": 1, "keys": {"keep": {"kind": "note", "channel": 1, "number": true}}}', "keys.keep"),
        ('{"version": 1, "keys": {"keep": {"kind": ["note"], "channel": 1, "number": 1}}}', "keys.keep"),
        ('{"version": 1, "keys": {"keep": 7}}', "keys.keep"),
    ],
)
def test_damaged_files_are_said_in_one_line(tmp_path, text, word):
    path = tmp_path / "midi.json"
    path.write_text(text)
    with pytest.raises(MidiMapError, match=word) as caught:
        MidiMap.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
