"""What `install-presets` writes, and above all what it leaves alone."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge.cli import COMMANDS
from bridge.errors import UserError
from bridge.presets import PRESETS, SOURCE, files_of, install
from bridge.presets_ardour import ACTIONS, HOOK

KEYS = """<?xml version="1.0" encoding="UTF-8"?>
<BindingSet name="mine"><Bindings name="Editor"><Press>
<Binding key="Primary-Secondary-g" action="Editor/my-own" group="Mine"/>
<Binding key="space" action="Transport/ToggleRoll" group="Transport"/>
</Press></Bindings></BindingSet>
"""


def _scripts(folder: Path) -> str:
    root = ElementTree.parse(folder / "ui_scripts").getroot()
    return base64.b64decode(root.findtext("ActionScript") or "").decode()


@pytest.mark.parametrize("host", sorted(PRESETS))
def test_every_preset_installs_whole_and_a_second_time_changes_nothing(host: str, tmp_path: Path) -> None:
    install(host, tmp_path)
    first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for source, target in files_of(PRESETS[host], tmp_path):
        assert target.read_bytes() == source.read_bytes()
    install(host, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == first


@pytest.mark.parametrize("host", sorted(PRESETS))
def test_every_preset_has_one_page_with_a_table_and_says_what_was_not_tried(host: str) -> None:
    page = (SOURCE / host / "README.md").read_text(encoding="utf-8")
    assert "| what" in page and "how it works" in page
    assert re.search(r"not (been )?tried", page, re.IGNORECASE)
    assert len(page.splitlines()) <= 80
    for subject in ("template", "key", "midi", "undo", "errors", "progress"):
        assert subject in page.lower(), f"nothing is said of {subject}"


@pytest.mark.parametrize("host", sorted(PRESETS))
def test_the_page_names_only_commands_and_files_that_are_there(host: str, tmp_path: Path) -> None:
    page = (SOURCE / host / "README.md").read_text(encoding="utf-8")
    commands = {name.replace("_", "-") for name in COMMANDS}
    assert set(re.findall(r"drawaudio ([a-z][a-z-]+)", page)) <= commands
    assert set(re.findall(r"install-presets (\w+)", page)) <= set(PRESETS)
    assert f"drawaudio install-presets {host}" in page
    for file in re.findall(r"[\w./-]+\.py\b|guide\.mid|midi\.json", page):
        names = {target.name for _, target in files_of(PRESETS[host], tmp_path)}
        assert Path(file).name in names, f"{file} is not installed"


def test_a_users_file_of_the_same_name_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "scripts" / ACTIONS[0].script
    mine.parent.mkdir()
    mine.write_text('ardour { name = "mine" }')
    lines = install("ardour", tmp_path)[0].done
    assert mine.read_text() == 'ardour { name = "mine" }'
    assert mine.with_name(mine.name + ".new").exists()
    assert any("kept yours" in line for line in lines)


def test_our_own_file_is_renewed_but_not_once_the_user_changed_it(tmp_path: Path) -> None:
    install("ardour", tmp_path)
    library, script = tmp_path / "drawaudio" / "wire.lua", tmp_path / "scripts" / HOOK
    record = tmp_path / ".drawaudio-installed.json"
    # An older version of ours, as its checksum in the record says.
    library.write_bytes(b"-- older\n")
    record.write_text(
        re.sub(
            r'("drawaudio/wire.lua": ")[0-9a-f]+',
            lambda found: found.group(1) + hashlib.sha256(b"-- older\n").hexdigest(),
            record.read_text(),
        )
    )
    script.write_text("-- changed by the user\n")
    install("ardour", tmp_path)
    assert library.read_bytes() != b"-- older\n"
    assert script.read_text() == "-- changed by the user\n"


def test_ardour_gets_six_actions_a_hook_and_free_keys_only(tmp_path: Path) -> None:
    folder = tmp_path / "ardour7"
    folder.mkdir()
    (folder / "ardour.keys").write_text(KEYS)
    lines = install("ardour", folder)[0].done
    text = _scripts(folder)
    assert re.findall(r"scripts\[(\d+)\] = \{\}", text) == ["1", "2", "3", "4", "5", "6"]
    hooks = ElementTree.parse(folder / "ui_scripts").getroot().findall("ActionHooks/LuaCallback")
    assert [hook.get("signals", "").index("1") for hook in hooks] == [0]
    assert len(hooks[0].get("signals", "")) == 48, "bit 47 is LuaTimerDS in Ardour 7"
    keys = ElementTree.parse(folder / "ardour.keys").getroot()
    bindings = {binding.get("key"): binding.get("action") for binding in keys.iter("Binding")}
    assert bindings["Primary-Secondary-g"] == "Editor/my-own", "the user's own key must stay"
    assert bindings["space"] == "Transport/ToggleRoll"
    assert bindings["Primary-Secondary-r"] == "LuaAction/script-2"
    assert (folder / "ardour.keys.before-drawaudio").read_text() == KEYS
    assert any("Primary-Secondary-g is yours" in line for line in lines)


def test_a_users_action_slots_stay_and_ours_take_free_ones(tmp_path: Path) -> None:
    folder = tmp_path / "ardour7"
    folder.mkdir()
    own = 'scripts = {} scripts[2] = {} scripts[2]["n"] = "My script" scripts[2]["s"] = "x" scripts[2]["f"] = "y" '
    stored = base64.b64encode(own.encode()).decode()
    document = f'<UIScripts><ActionScript lua="Lua 5.3">{stored}</ActionScript><ActionHooks/></UIScripts>'
    (folder / "ui_scripts").write_text(document)
    install("ardour", folder)
    text = _scripts(folder)
    assert text.startswith(own)
    assert re.findall(r"scripts\[(\d+)\] = \{\}", text) == ["2", "1", "3", "4", "5", "6", "7"]
    assert (folder / "ui_scripts.before-drawaudio").read_text() == document


def test_slots_that_ardour_has_rewritten_in_its_own_spelling_are_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "ardour7"
    folder.mkdir()
    stored = 'scripts = {} scripts[3] = {} scripts[3]["s"] = "x" scripts[3]["n"] = "Draw an Audio: Generate" '
    document = f"<UIScripts><ActionScript>{base64.b64encode(stored.encode()).decode()}</ActionScript></UIScripts>"
    (folder / "ui_scripts").write_text(document)
    install("ardour", folder)
    assert re.findall(r"scripts\[(\d+)\] = \{\}", _scripts(folder)) == ["3", "1", "2", "4", "5", "6"]
    keys = ElementTree.parse(folder / "ardour.keys").getroot() if (folder / "ardour.keys").exists() else None
    if keys is not None:
        bindings = {binding.get("key"): binding.get("action") for binding in keys.iter("Binding")}
        assert bindings["Primary-Secondary-g"] == "LuaAction/script-3"


def test_an_untried_ardour_is_told_to_add_the_hook_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "ardour9"
    folder.mkdir()
    assert any(line.startswith("by hand") for line in install("ardour", folder)[0].done)
    assert ElementTree.parse(folder / "ui_scripts").getroot().find("ActionHooks/LuaCallback") is None


def test_a_broken_settings_file_is_one_line_and_stays(tmp_path: Path) -> None:
    (tmp_path / "ui_scripts").write_text("<UIScripts>")
    with pytest.raises(UserError, match="ui_scripts is not XML"):
        install("ardour", tmp_path)
    assert (tmp_path / "ui_scripts").read_text() == "<UIScripts>"


def test_what_an_interrupted_install_placed_is_known_as_ours(tmp_path: Path) -> None:
    *_, (_, last) = files_of(PRESETS["reaper"], tmp_path)
    last.mkdir(parents=True)
    with pytest.raises(UserError, match="README"):
        install("reaper", tmp_path)
    last.rmdir()
    (_, first), *_ = files_of(PRESETS["reaper"], tmp_path)
    ours = first.read_bytes()
    first.write_bytes(b"-- older\n")
    record = tmp_path / ".drawaudio-installed.json"
    current, older = (hashlib.sha256(text).hexdigest() for text in (ours, b"-- older\n"))
    assert current in record.read_text()
    record.write_text(record.read_text().replace(current, older))
    install("reaper", tmp_path)
    assert first.read_bytes() == ours
    assert not list(tmp_path.rglob("*.partial")) and not list(tmp_path.rglob("*.new"))


def test_a_settings_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "ardour7", tmp_path / "dotfiles"
    folder.mkdir()
    elsewhere.mkdir()
    (elsewhere / "ardour.keys").write_text(KEYS)
    (folder / "ardour.keys").symlink_to(elsewhere / "ardour.keys")
    install("ardour", folder)
    assert (folder / "ardour.keys").is_symlink() and "script-2" in (elsewhere / "ardour.keys").read_text()
    assert (folder / "ardour.keys.before-drawaudio").read_text() == KEYS


def test_an_unknown_host_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="ardour"):
        install("winamp")


def test_folders_are_found_per_system(tmp_path: Path) -> None:
    for path in (".config/ardour7", ".config/ardour8", "Library/Preferences/Ardour8"):
        (tmp_path / path).mkdir(parents=True)
    find = PRESETS["ardour"].folders
    assert [path.name for path in find("linux", tmp_path, {})] == ["ardour7", "ardour8"]
    assert [path.name for path in find("darwin", tmp_path, {})] == ["Ardour8"]
    assert find("linux", tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}) == []
