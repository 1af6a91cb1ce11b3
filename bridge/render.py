"""From a cue to takes on disk: whole or absent, numbered on, nothing overwritten."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import whole_file
from bridge.broadcast_wave import BroadcastWaveError
from bridge.errors import UserError
from bridge.scene import render_scene, with_curves
from bridge.take_names import TakeName, claim, file_name
from bridge.take_writer import TakeFile, TakeWriter, title, write_all
from engine.cue import Cue, CueError
from engine.take import Progress

if TYPE_CHECKING:
    from engine.generator import Generator


def check_files(cue: Cue) -> None:
    """Raise `CueError` naming the first file that the cue needs and that is not there, or no video."""
    wanted = [("video.path", cue.video.path)] if cue.video is not None else []
    for field, masks in cue.masks_by_field():
        wanted += [(f"{field}[{i}].path", mask.path) for i, mask in enumerate(masks) if mask.path is not None]
    for field, path in wanted:
        if not Path(path).is_file():
            raise CueError(field, f"there is no file {path}", "mend the path; it is relative to the cue file")
    if cue.video is not None:
        from engine.video import VideoError, probe

        try:
            probe(cue.video.path)
        except VideoError as error:
            raise CueError("video.path", str(error)) from error


def unheard(generator: Generator, cue: Cue) -> str | None:
    """A line saying which parts of the cue do not shape the sound with these weights; None if all do."""
    masked = any(masks for _, masks in cue.masks_by_field())
    if not (cue.video or masked):
        return None
    if cue.video is None:
        return "note: the masks do not shape the sound: the cue names no video"
    if generator.uses_video:
        return None
    parts = "the video and its masks do" if masked else "the video does"
    drawn = all(part.loudness is not None for part in cue.sources or (cue,))
    where = "whose curve is drawn by hand" if drawn else "only the curve that is drawn from it"
    return f"note: {parts} not shape the sound, {where}: these weights have no Mask-Attention Module"


def render_cue(
    generator: Generator,
    cue: Cue,
    folder: Path,
    *,
    name: str | None = None,
    previous_seed: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[TakeFile]:
    """Render all takes of `cue` into `folder`, made if need be, as NAME_take01_seed7.wav with a .json beside it.

    Where the cue has a video but no curve, one is drawn from the picture. A cue of several sources gives mixes, each
    with its stems beside it. `name` defaults to the prompt;
    `previous_seed` continues the seeds of an earlier take. Memory does not grow with
    the take's length. Raises `CueError`, `UserError` for a folder or disk that refuses, `engine.errors.Cancelled`;
    whatever is raised, no half file stays.
    """
    from engine.timeline import take_start

    check_files(cue)
    with _about_the_video():
        cue, notes = with_curves(generator, cue) if cue.sources else generator.with_curve(cue)
    seeds = generator.seeds(cue, previous_seed)
    with _about_the_video(), _takes_in(folder, name or title(cue), seeds) as names, ExitStack() as stack:
        if cue.sources:
            return render_scene(generator, cue, names, folder, notes=notes, progress=progress, cancelled=cancelled)
        writers = [stack.enter_context(TakeWriter(take, cue, take_start(cue))) for take in names]
        rendering = generator.stream(cue, seeds, progress=progress, cancelled=cancelled)
        for block in rendering:
            for writer, part in zip(writers, block, strict=True):
                writer.write(part)
        reports = [replace(report, warnings=(*notes, *report.warnings)) for report in rendering.reports]
        with whole_file.undisturbed():
            return [writer.finish(report) for writer, report in zip(writers, reports, strict=True)]


@contextmanager
def _about_the_video() -> Iterator[None]:
    """A video or mask that turns out to be of no use is the cue's fault."""
    from engine.video import VideoError

    try:
        yield
    except VideoError as error:
        raise CueError("video", str(error)) from error


@contextmanager
def _takes_in(folder: Path, name: str, seeds: list[int]) -> Iterator[list[TakeName]]:
    """Names for takes in `folder`; if no take comes of it, a folder made for them goes, and the disk's no is told."""
    made = make_folder(folder)
    try:
        with claim(folder, file_name(name), seeds) as names:
            yield names
    except BaseException as error:
        for empty in made:
            _remove_if_empty(empty)
        if isinstance(error, BroadcastWaveError):
            raise UserError(str(error)) from error
        if isinstance(error, OSError):
            raise refused(folder, error) from error
        raise


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is whole or absent. Raises `FileExistsError`, and `OSError` as the disk does."""
    file = whole_file.open_partial(path)
    try:
        write_all(file, data)
        whole_file.publish(file, path)
    except BaseException:
        whole_file.discard(file, path)
        raise


def check_folder(folder: Path) -> None:
    """Raise `UserError` for a folder that takes could not be written to, so far as that shows beforehand."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise refused(there, OSError(errno.ENOTDIR, ""))
    if not os.access(there, os.W_OK | os.X_OK):
        raise refused(there, OSError(errno.EACCES, ""))


def make_folder(folder: Path) -> list[Path]:
    """Make `folder` and what is missing above it; returns what was made, innermost first. Raises `UserError`."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    return made


def refused(folder: Path, error: OSError) -> UserError:
    """The one line for a folder or disk that says no."""
    if isinstance(error, FileExistsError) and error.strerror is None:
        return UserError(str(error))
    reasons = {
        errno.ENOSPC: "the disk is full; make room or choose another folder with -o",
        errno.EDQUOT: "your quota is used up; make room or choose another folder with -o",
        errno.EACCES: "may not be written to; choose another folder with -o",
        errno.EPERM: "may not be written to; choose another folder with -o",
        errno.EROFS: "lies on a read-only disk; choose another folder with -o",
        errno.ENOTDIR: "is no folder; choose another with -o",
        errno.EEXIST: "is no folder; choose another with -o",
    }
    fallback = f"could not be written ({error.strerror or error}); choose another folder with -o"
    return UserError(f"{folder}: {reasons.get(error.errno or 0, fallback)}; no half file was left behind")


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
