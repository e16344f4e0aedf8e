"""What is kept of the memory that was freed, and how often Python looks for more.

glibc gives memory back at the end of a heap only, has a heap for each thread that allocates, and raises its
own bounds when something large is freed: of 320 MB that a scan of everything held, 60 were of no use.
"""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # as malloc.h names and numbers them
_LARGE = 4 << 20
"""Bytes: arrays of songs and videos, not photos, which come and go too often."""


_NEW, _OLD, _ALL = 50_000, 50, 100
"""Objects, and collections of younger ones, until Python looks for cycles; it comes with 700, 10 and 10."""


def seldom_collect() -> None:
    """Has Python seldom look for cycles: a scan makes few, and many objects that stay a while.

    A tree of 50 000 files that a server tells at once cost a fifth more to take in.
    """
    gc.freeze()
    gc.set_threshold(_NEW, _OLD, _ALL)


def keep_little() -> None:
    """Has this process keep little: for threads together, and nothing that is large. For glibc only."""
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _LARGE)


def trim() -> None:
    """Gives back what is free now, in some milliseconds."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
