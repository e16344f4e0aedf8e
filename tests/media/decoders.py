"""Decoders that misbehave, for the workers of the tests. The name of the file says how."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.errors import FileFailure
from recognize_cli.media.jobs import Content, Raw
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.media.jobs import DecodeJob, Limits

HERE = "tests.media.decoders:perform"
GIGABYTES_10 = 10 << 30


def perform(job: DecodeJob, limits: Limits) -> Content:
    """Does what the file's name says, then gives a picture of `min_side` black pixels."""
    answer = DEEDS[Path(job.path).name](Path(job.path))
    array = np.zeros((1, job.min_side or 1, 3), np.uint8) if answer is None else answer
    return Content({None: Raw(array.tobytes(), array.shape, array.dtype.str)})


def crash(path: Path) -> None:
    """Dies as by a wild pointer."""
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def real_crash(path: Path) -> None:
    """Follows a wild pointer."""
    ctypes.string_at(0)


def killed(path: Path) -> None:
    """Dies as by the kernel's hand."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave(path: Path) -> None:
    """Ends the process as a library should not."""
    os._exit(3)


def spin(path: Path) -> None:
    """Never ends, and never lets go of the interpreter's lock for long."""
    while True:
        pass


def sleep_in_c(path: Path) -> None:
    """Never ends, inside a C library that keeps the interpreter's lock."""
    ctypes.PyDLL(None).sleep(1000)


def nap(path: Path) -> None:
    """Takes its time."""
    time.sleep(0.5)


def allocate(path: Path) -> NDArray[np.uint8]:
    """Takes ten gigabytes at once."""
    return np.ones((1, GIGABYTES_10 // 3, 3), np.uint8)


def allocate_bit_by_bit(path: Path) -> None:
    """Takes ten gigabytes in small pieces."""
    pieces = []
    while len(pieces) < GIGABYTES_10 >> 20:
        pieces.append(b"x" * (1 << 20) + str(len(pieces)).encode())


HOARD: list[bytes] = []


def hoard(path: Path) -> None:
    """Takes sixty megabytes and keeps them."""
    HOARD.append(b"x" * 60_000_000)


def refuse(path: Path) -> None:
    """Fails as a decoder may."""
    raise FileFailure(Reason.UNSUPPORTED, "not today")


def blunder(path: Path) -> None:
    """Fails as a decoder may not."""
    raise ZeroDivisionError("secret")


def chatter(path: Path) -> None:
    """Writes to the standard streams, in C and in Python, and reads."""
    for stream in (1, 2):
        os.write(stream, b"noise from a worker\n")
    sys.stdout.write("more noise\n")
    sys.stderr.write("more noise\n")
    assert os.read(0, 1) == b""


def forge(path: Path) -> None:
    """Writes junk where the answer belongs."""
    os.write(int(sys.argv[1]), b"\0\0\0\x04junk" * 100)


def half_an_answer(path: Path) -> None:
    """Dies in the middle of its answer."""
    os.write(int(sys.argv[1]), b"\0\0\0\x7f{")
    os._exit(0)


def surroundings(path: Path) -> NDArray[np.float32]:
    """What the worker has around it, as numbers."""
    limits = (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)
    numbers = [resource.getrlimit(limit)[0] for limit in limits]
    numbers.append(any(name.startswith("RECOGNIZE_") for name in os.environ))
    numbers.append(os.getpgid(0) == os.getpid())
    numbers.append("evil" in sys.modules)
    numbers.append(int(Path("/proc/self/oom_score_adj").read_text()))
    return np.array(numbers, "<f4")


def wait(path: Path) -> None:
    """Notes that it is at work in the file ``begun`` beside it, then waits for the file ``go``."""
    path.with_name("begun").write_text("")
    while not path.with_name("go").exists():
        time.sleep(0.01)


def note(path: Path) -> None:
    """Leaves a mark beside its file."""
    path.with_name("noted").write_text("")


def nothing(path: Path) -> None:
    """Just works."""


DEEDS = {
    deed.__name__: deed
    for deed in (
        crash,
        real_crash,
        killed,
        leave,
        spin,
        sleep_in_c,
        nap,
        allocate,
        allocate_bit_by_bit,
        hoard,
        refuse,
        blunder,
        chatter,
        forge,
        half_an_answer,
        surroundings,
        wait,
        note,
        nothing,
    )
}
