"""What copying files cannot do for Ardour: action slots, the timer hook and the keys.

Ardour keeps its action slots and hooks in `ui_scripts` and its keys in `ardour.keys`. Only free slots and free keys are
taken; a file of the user's is copied to `NAME.before-drawaudio` before the first change, and nothing in it is removed.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bridge.errors import UserError
from bridge.presets import SOURCE, write


@dataclass(frozen=True)
class Action:
    """One verb: its script, and its key in Ardour's spelling."""

    script: str
    key: str


ACTIONS: Sequence[Action] = (
    Action("drawaudio_generate.lua", "Primary-Secondary-g"),
    Action("drawaudio_regenerate.lua", "Primary-Secondary-r"),
    Action("drawaudio_regenerate_selection.lua", "Primary-Secondary-s"),
    Action("drawaudio_next_take.lua", "Primary-Secondary-n"),
    Action("drawaudio_keep.lua", "Primary-Secondary-k"),
    Action("drawaudio_cancel.lua", "Primary-Secondary-c"),
)
HOOK = "drawaudio_watch.lua"
SCRIPTS = SOURCE / "ardour" / "scripts"
SLOTS = range(1, 33)
TIMER_BIT = {"7": 47}
"""Number of LuaTimerDS in the signal set a hook is stored with, per major version: only those that were tried."""
SYSTEM_KEYS = (Path("/etc"), Path("/usr/local/etc"), Path("/opt"))
BACKUP = ".before-drawaudio"


def register(folder: Path) -> list[str]:
    """Bind the installed scripts to action slots, the timer and keys; lines for the user. Raises UserError."""
    slots, done = _register_scripts(folder)
    return done + _register_keys(folder, slots)


def _version(folder: Path) -> str:
    found = re.search(r"(\d+)", folder.name)
    return found.group(1) if found else ""


def _parse(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise UserError(f"{path} is not XML ({error}); move it away and install again") from error


def _save(path: Path, root: ElementTree.Element) -> None:
    if path.exists():
        backup = path.with_name(path.name + BACKUP)
        if not backup.exists():
            shutil.copy2(path, backup)
    write(path, b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n")


def _lua_string(text: str) -> str:
    """A Lua string literal of plain ASCII, whatever `text` holds."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def _entry(variable: str, script: Path) -> tuple[str, str]:
    """The script's name, and the Lua text Ardour restores it from."""
    source = script.read_text(encoding="utf-8")
    named = re.search(r'name\s*=\s*"([^"]*)"', source)
    if named is None:
        raise UserError(f"{script} has no name; install the presets again")
    factory = f"local ardour = function () end\n{source}\nreturn factory (...)\n"
    fields = {"n": named.group(1), "s": source, "f": factory}
    text = f"{variable} = {{}} " + "".join(
        f'{variable}["{key}"] = {_lua_string(value)} ' for key, value in fields.items()
    )
    return named.group(1), f'{text}{variable}["a"] = {{}} '


def _register_scripts(folder: Path) -> tuple[dict[str, int], list[str]]:
    path = folder / "ui_scripts"
    root = _parse(path) if path.exists() else ElementTree.Element("UIScripts")
    before = ElementTree.tostring(root)
    actions = root.find("ActionScript")
    if actions is None:
        actions = ElementTree.SubElement(root, "ActionScript", lua="Lua 5.3")
    hooks = root.find("ActionHooks")
    if hooks is None:
        hooks = ElementTree.SubElement(root, "ActionHooks")
    stored = base64.b64decode(actions.text or "").decode("utf-8", "surrogateescape") or "scripts = {} "
    used = {int(number) for number in re.findall(r"scripts\[(\d+)\] = \{\}", stored)}
    slots: dict[str, int] = {}
    done: list[str] = []
    for action in ACTIONS:
        script = SCRIPTS / action.script
        slot = _slot_of(stored, script)
        if slot is None:
            slot = next((number for number in SLOTS if number not in used), None)
            if slot is None:
                raise UserError(f"all {len(SLOTS)} script slots of Ardour are taken; free {len(ACTIONS)} of them")
            used.add(slot)
            stored += _entry(f"scripts[{slot}]", script)[1]
        slots[action.script] = slot
    actions.text = base64.b64encode(stored.encode("utf-8", "surrogateescape")).decode()
    done.append(f"action slots: {', '.join(f'{slot} {script}' for script, slot in slots.items())}")
    done.append(_add_hook(folder, hooks))
    if ElementTree.tostring(root) != before:
        _save(path, root)
    return slots, done


def _slot_of(stored: str, script: Path) -> int | None:
    """The slot a script is bound to already: Ardour writes names with %q, we write them as escapes."""
    name = _entry("s", script)[0]
    for spelled in (f'"{name}"', _lua_string(name)):
        found = re.search(rf'scripts\[(\d+)\]\["n"\] = {re.escape(spelled)}', stored)
        if found:
            return int(found.group(1))
    return None


def _add_hook(folder: Path, hooks: ElementTree.Element) -> str:
    name, text = _entry("s", SCRIPTS / HOOK)
    if any(hook.get("name") == name for hook in hooks):
        return f"hook already there: {name}"
    bit = TIMER_BIT.get(_version(folder))
    if bit is None:
        return f"by hand, once: Edit > Lua Scripts > Script Manager > Action Hooks > Add '{name}'"
    # A stored id must only differ from the other hooks' ids.
    number = max([90000, *(int(hook.get("id", "0")) for hook in hooks)]) + 1
    signals = "1" + "0" * bit
    hook = ElementTree.SubElement(hooks, "LuaCallback", lua="Lua 5.3", id=str(number), name=name, signals=signals)
    hook.text = base64.b64encode(text.encode()).decode()
    return f"hook: {name}"


def _register_keys(folder: Path, slots: dict[str, int]) -> list[str]:
    path = folder / "ardour.keys"
    template = path if path.exists() else _system_keys(folder)
    if template is None:
        shown = ", ".join(f"{action.key} = LuaAction/script-{slots[action.script]}" for action in ACTIONS)
        return [f"by hand: Ardour's own key file was not found; set in Window > Keyboard Shortcuts: {shown}"]
    root = _parse(template)
    editor = root.find("Bindings[@name='Editor']/Press")
    if editor is None:
        return [f"by hand: {template} has no editor keys; set the six actions in Window > Keyboard Shortcuts"]
    taken = {str(binding.get("key")): str(binding.get("action")) for binding in root.iter("Binding")}
    bound = {str(binding.get("action")) for binding in editor}
    done, changed = [], False
    for action in ACTIONS:
        wanted = f"LuaAction/script-{slots[action.script]}"
        if wanted in bound:
            continue
        if action.key in taken:
            done.append(f"key {action.key} is yours ({taken[action.key]}): choose another for {wanted}")
            continue
        ElementTree.SubElement(editor, "Binding", key=action.key, action=wanted, group="Draw an Audio")
        done.append(f"key: {action.key} = {wanted}")
        changed = True
    if changed:
        _save(path, root)
    return done


def _system_keys(folder: Path) -> Path | None:
    """The key file Ardour came with: a user's own file replaces it whole, so ours must start from it."""
    version = _version(folder)
    places = [root / f"ardour{version}" / "ardour.keys" for root in SYSTEM_KEYS]
    places += sorted(Path("/opt").glob(f"Ardour-{version}*/etc/ardour.keys"))
    places += sorted(Path("/Applications").glob(f"Ardour{version}*.app/Contents/Resources/ardour.keys"))
    return next((place for place in places if place.is_file()), None)
