"""Files that are whole or absent: written as ``NAME.partial``, then given their name without overwriting."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL_SUFFIX = ".partial"


def partial_path(path: Path) -> Path:
    """Where ``path`` is written until it is whole."""
    return path.with_name(path.name + PARTIAL_SUFFIX)


def open_partial(path: Path) -> BinaryIO:
    """Open and lock ``path``'s partial file, empty, unbuffered, for reading and writing.

    What a killed program left behind is taken over; what a living one is writing is left alone (``BlockingIOError``).
    """
    partial = partial_path(path)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(partial, flags, 0o644)
        try:
            _lock(descriptor)
            if _is_still(descriptor, partial):
                os.ftruncate(descriptor, 0)
                return os.fdopen(descriptor, "r+b", buffering=0)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # Published or removed between our opening and locking it: open anew.


def publish(file: BinaryIO, path: Path) -> None:
    """Make the open partial ``file`` durable under ``path`` and close it.

    Atomic; raises ``FileExistsError`` if ``path`` exists by now, leaving both files as they are.
    """
    partial = partial_path(path)
    os.fsync(file.fileno())
    if sys.platform == "win32":
        file.close()  # Windows renames no open file, and its rename never overwrites.
        os.rename(partial, path)
        return
    try:
        os.link(partial, path)
        os.unlink(partial)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # No hard links here (exFAT, some network shares): claim the name with an empty file, then move onto our claim.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        os.replace(partial, path)
    file.close()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(file: BinaryIO, path: Path) -> None:
    """Close the partial ``file`` of ``path`` and remove it."""
    if sys.platform == "win32":
        file.close()
    partial_path(path).unlink(missing_ok=True)
    file.close()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until the block is done: files that belong together get their names together."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python tells of signals in the main thread only
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda number, _: held.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def _lock(descriptor: int) -> None:
    """Take the writer's lock; the system drops it when the program ends, however it ends."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 1 << 40, os.SEEK_SET)  # Far past the end: Windows locks bytes, and ours must stay free.
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(errno.EAGAIN, "locked by another program") from error
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            # Some network file systems know no locks; there two writers of one name are told apart at publishing.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
