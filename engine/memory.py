"""Memory that the C library keeps after it was freed, handed back to the system.

Only glibc keeps enough of it to matter: a take of ten minutes grew by 360 MB without this. Elsewhere nothing happens.
"""

import ctypes
from functools import cache

LARGE_BYTES = 4 << 20
"""What is at least so large goes back as soon as it is freed. At a quarter of it rendering takes a quarter longer."""

M_MMAP_THRESHOLD = -3


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library with large blocks set apart from its heap; None where it is not glibc."""
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        return library if library.malloc_trim else None
    except (OSError, AttributeError):
        return None


def hand_back() -> None:
    """Hand back what is free. Some milliseconds: meant for once per window of a long take."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)
