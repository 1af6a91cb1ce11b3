"""Put the files a DAW loads where it looks for them, and never touch what the user made.

`PRESETS` says for every host where its folder is on each system and which files go where. A file that stands there
already is replaced only if it is one we put there and the user has not changed since (a list of checksums is kept
beside them); else ours is written next to it as `NAME.new`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import UserError

SOURCE = Path(__file__).resolve().parent.parent / "plugin_presets"
RECORD = ".drawaudio-installed.json"

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Copy:
    """Files of one role: `pattern` under plugin_presets/ is copied into `folder` under the host's own folder."""

    pattern: str
    folder: str


@dataclass(frozen=True)
class Preset:
    """One host: `folders` finds its folders here, `copies` says what goes in, `after` does what copying cannot."""

    name: str
    title: str
    folders: Callable[[str, Path, Environment], list[Path]]
    copies: tuple[Copy, ...]
    next_steps: tuple[str, ...]
    must_exist: bool = True
    after: Callable[[Path], list[str]] | None = None


@dataclass(frozen=True)
class Installed:
    """What was done in one folder: lines for the user, in order."""

    folder: Path
    done: tuple[str, ...]
    next_steps: tuple[str, ...]


def install(host: str, into: Path | None = None) -> list[Installed]:
    """Install the preset of `host` into every folder of it found here, or into `into`. Raises UserError."""
    preset = PRESETS.get(host)
    if preset is None:
        raise UserError(f"no preset for {host!r}; there are: {', '.join(PRESETS)}")
    if not SOURCE.is_dir():
        raise UserError(
            f"the preset files are missing ({SOURCE}); install the project again, with its plugin_presets folder"
        )
    folders = [into] if into else preset.folders(sys.platform, Path.home(), os.environ)
    if not into and preset.must_exist:
        folders = [folder for folder in folders if folder.is_dir()]
    if not folders:
        raise UserError(
            f"no settings folder of {preset.title} was found; start it once, or name its folder with --into"
        )
    return [_install_into(preset, folder) for folder in folders]


def _install_into(preset: Preset, folder: Path) -> Installed:
    done = []
    try:
        record = _read_record(folder)
        try:
            for source, target in files_of(preset, folder):
                done.append(_place(source, target, folder, record))
        finally:  # what is placed is ours, whatever stopped the rest
            if record:
                _write_record(folder, record)
        if preset.after:
            done += preset.after(folder)
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or folder}: {error.strerror}; check the folder's rights"
        ) from error
    return Installed(folder, tuple(done), preset.next_steps)


def files_of(preset: Preset, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each source file of a preset and the place it goes to under `folder`."""
    for copy in preset.copies:
        sources = sorted(path for path in SOURCE.glob(copy.pattern) if path.is_file())
        if not sources:
            raise UserError(f"the preset files plugin_presets/{copy.pattern} are missing; install the project again")
        for source in sources:
            yield source, folder / copy.folder / source.name


def _place(source: Path, target: Path, folder: Path, record: dict[str, str]) -> str:
    content = source.read_bytes()
    key = target.relative_to(folder).as_posix()
    shown = target
    if target.exists():
        present = target.read_bytes()
        if present == content:
            record[key] = _sha256(content)
            return f"already there: {target}"
        if record.get(key) != _sha256(present):
            shown = target.with_name(target.name + ".new")
            write(shown, content)
            return f"kept yours, ours is beside it: {shown}"
    write(shown, content)
    record[key] = _sha256(content)
    return f"installed: {shown}"


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path = path.resolve()  # a link stays one, and what it leads to is written
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_record(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(folder: Path, record: dict[str, str]) -> None:
    write(folder / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())


def _one(darwin: str, windows: str, linux: str) -> Callable[[str, Path, Environment], list[Path]]:
    """A finder for a host with one folder, given per system; ~ is the home folder, %NAME% an environment variable."""

    def find(system: str, home: Path, environment: Environment) -> list[Path]:
        text = darwin if system == "darwin" else windows if system == "win32" else linux
        if not text:
            return []
        first, _, rest = text.partition("/")
        if first.startswith("%"):
            base = environment.get(first.strip("%"))
            return [Path(base) / rest] if base else []
        return [home / rest]

    return find


def _ardour_folders(system: str, home: Path, environment: Environment) -> list[Path]:
    if system == "darwin":
        root, pattern = home / "Library" / "Preferences", "Ardour[0-9]*"
    elif system == "win32":
        root, pattern = Path(environment.get("LOCALAPPDATA", str(home / "AppData" / "Local"))), "ardour[0-9]*"
    else:
        root, pattern = Path(environment.get("XDG_CONFIG_HOME") or home / ".config"), "ardour[0-9]*"
    return sorted(path for path in root.glob(pattern) if path.is_dir())


def _register_ardour(folder: Path) -> list[str]:
    # Only Ardour needs more than copies; the module is loaded when it is installed.
    from bridge.presets_ardour import register

    return register(folder)


def _lua(folder: str, *names: str) -> tuple[Copy, ...]:
    return tuple(Copy(f"lua/{name}.lua", folder) for name in names)


def _python(folder: str) -> tuple[Copy, ...]:
    return (Copy("python/drawaudio_spool.py", folder),)


def _steinberg_folders(system: str, home: Path, environment: Environment) -> list[Path]:
    root = home / "Documents" / "Steinberg"
    return [root / name for name in ("Cubase", "Nuendo")]


def _home(system: str, home: Path, environment: Environment) -> list[Path]:
    """The service's own folder, where it looks for its MIDI map."""
    return [Path(environment.get("DRAWAUDIO_HOME") or home / ".drawaudio")]


def _table(presets: Iterable[Preset]) -> dict[str, Preset]:
    return {preset.name: preset for preset in presets}


PRESETS: Mapping[str, Preset] = _table(
    (
        Preset(
            "ardour",
            "Ardour",
            _ardour_folders,
            (
                Copy("ardour/scripts/*.lua", "scripts"),
                Copy("ardour/lib/*.lua", "drawaudio"),
                *_lua("drawaudio", "json", "files", "crc32", "service", "answers"),
                Copy("ardour/templates/*.template", "route_templates"),
                Copy("ardour/midi_maps/*.map", "midi_maps"),
                Copy("ardour/README.md", "drawaudio"),
            ),
            (
                "start Ardour (again), and `drawaudio serve YOUR-SESSION-FOLDER` in a terminal",
                "draw a track's fader lane, set it to Play, name a range marker around the playhead, press Ctrl+Alt+G",
            ),
            after=_register_ardour,
        ),
        Preset(
            "reaper",
            "REAPER",
            _one("~/Library/Application Support/REAPER", "%APPDATA%/REAPER", "~/.config/REAPER"),
            (
                Copy("reaper/scripts/*.lua", "Scripts/Draw an Audio"),
                Copy("reaper/lib/*.lua", "Scripts/Draw an Audio/lib"),
                *_lua("Scripts/Draw an Audio/lib", "json", "files", "service", "answers"),
                Copy("reaper/effects/*.jsfx", "Effects/Draw an Audio"),
                Copy("reaper/*.RTrackTemplate", "TrackTemplates"),
                Copy("reaper/*.ReaperKeyMap", "KeyMaps"),
                Copy("reaper/README.md", "Scripts/Draw an Audio"),
            ),
            (
                "in REAPER: Actions > Show action list > Key map > Import, choose 'Draw an Audio'; your keys stay",
                "start `drawaudio serve YOUR-FOLDER` in a terminal; put the cursor in a region, press Ctrl+Alt+G",
            ),
        ),
        Preset(
            "protools",
            "Pro Tools",
            _one(*3 * ("~/Documents/Draw an Audio/Pro Tools",)),
            (Copy("protools/*", "."), *_python(".")),
            (
                "in the project's folder: .venv/bin/pip install -e '.[protools]' (Python 3.12 or later)",
                "run `drawaudio serve YOUR-FOLDER`, and beside it drawaudio_protools.py from that folder",
            ),
            must_exist=False,
        ),
        Preset(
            "ableton",
            "Ableton Live",
            _one("~/Music/Ableton/User Library", "%USERPROFILE%/Documents/Ableton/User Library", ""),
            (
                Copy("ableton/DrawAnAudio/*.py", "Remote Scripts/DrawAnAudio"),
                *_python("Remote Scripts/DrawAnAudio"),
                Copy("ableton/README.md", "Remote Scripts/DrawAnAudio"),
            ),
            (
                "in Live: Settings > Link, Tempo & MIDI: choose DrawAnAudio as a control surface",
                "start `drawaudio serve YOUR-FOLDER` in a terminal; loop a passage, send note 60 on channel 16",
            ),
        ),
        Preset(
            "bitwig",
            "Bitwig Studio",
            _one("~/Documents/Bitwig Studio", "%USERPROFILE%/Documents/Bitwig Studio", "~/Bitwig Studio"),
            (
                Copy("bitwig/*", "Controller Scripts/DrawAnAudio"),
                Copy("dawproject/*.dawproject", "Controller Scripts/DrawAnAudio"),
            ),
            (
                "in Bitwig: Settings > Controllers > Add controller > Draw an Audio",
                "start `drawaudio serve YOUR-FOLDER` in a terminal; loop a passage, press Generate in the panel",
            ),
        ),
        Preset(
            "cubase_nuendo",
            "Cubase and Nuendo",
            _steinberg_folders,
            (
                Copy("cubase_nuendo/*.js", "MIDI Remote/Driver Scripts/Local/Draw an Audio/Bridge"),
                Copy("cubase_nuendo/README.md", "Draw an Audio"),
                Copy("dawproject/*.dawproject", "Draw an Audio"),
            ),
            ("start `drawaudio serve YOUR-FOLDER`, then open MIDI Remote in Cubase or Nuendo",),
        ),
        Preset(
            "logic",
            "Logic Pro",
            _one("~/Music/Draw an Audio", "", ""),
            (Copy("logic/*", "."), Copy("midi/guide.mid", ".")),
            (
                "paste 'Draw an Audio Guide.js' into Scripter on an External Instrument track",
                "start `drawaudio serve YOUR-FOLDER`, beside it `drawaudio capture PROMPT`, as README.md says",
            ),
            must_exist=False,
        ),
        Preset(
            "resolve",
            "DaVinci Resolve",
            _one(
                "~/Library/Application Support/Blackmagic Design/DaVinci Resolve",
                "%APPDATA%/Blackmagic Design/DaVinci Resolve/Support",
                "~/.local/share/DaVinciResolve",
            ),
            (
                Copy("resolve/*.py", "Fusion/Scripts/Edit"),
                *_python("Fusion/Scripts/Edit"),
                Copy("resolve/README.md", "Fusion/Scripts/Draw an Audio"),
            ),
            (
                "start `drawaudio serve YOUR-FOLDER --allow-folder FOLDER-OF-THE-FILM` in a terminal",
                "in Resolve: Workspace > Scripts > Edit > draw_an_audio",
            ),
        ),
        Preset(
            "midi",
            "any DAW, by MIDI",
            _home,
            (Copy("midi/*", "."),),
            ("start `drawaudio serve YOUR-FOLDER`; send notes 61 to 66 on channel 16 to its port",),
            must_exist=False,
        ),
    )
)
