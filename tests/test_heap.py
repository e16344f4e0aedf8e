from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_MADE_AND_FREED = """
import ctypes, psutil
from recognize_cli import heap
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def made_and_freed(count, size):
    blocks = [libc.malloc(size) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    above = libc.malloc(100_000)  # keeps the heap from ending where the blocks were
    for block in blocks:
        libc.free(block)

def held():
    return psutil.Process().memory_info().rss >> 20
"""


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")


def run(script: str) -> list[int]:
    """The numbers that a script prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _MADE_AND_FREED + script], capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


def test_what_was_freed_is_given_back() -> None:
    full, trimmed = run("made_and_freed(1000, 100_000); print(held()); heap.trim(); print(held())")
    assert trimmed < full - 80


def test_what_is_large_is_not_kept() -> None:
    script = (
        "made_and_freed(1, 24 << 20); before = held(); made_and_freed(4, 20 << 20); print(held() - before)"
    )
    [kept] = run(script)
    assert kept > 60
    [kept] = run(f"heap.keep_little(); {script}")
    assert kept < 10


def test_another_c_library_is_left_alone() -> None:
    script = "heap.ctypes.CDLL = lambda name: object(); heap.trim(); heap.keep_little(); print(1)"
    assert run(script) == [1]


def test_cycles_are_sought_seldom() -> None:
    script = "import gc\nheap.seldom_collect()\nprint(gc.get_threshold()[0], gc.get_freeze_count())"
    threshold, kept = run(script)
    assert threshold > 700
    assert kept > 0
