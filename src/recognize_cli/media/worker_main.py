"""What runs in a decode worker: ``python -P -m recognize_cli.media.worker_main SOCKET``.

It says that it is ready, then answers one job after the other until the parent closes the socket.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recognize_cli.errors import FileFailure
from recognize_cli.heap import trim
from recognize_cli.media import wire
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.records import Clips, Kind, Reason, View

if TYPE_CHECKING:
    from recognize_cli.media.jobs import Decoder

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64
_MUCH = 128 << 20
"""Bytes that a worker may keep of what it freed: more than common files take, less than huge pictures do."""
_MAPPED, _RESIDENT = 0, 1  # fields of /proc/self/statm
_GRACE = 5.0  # seconds that the parent has to end a hanging worker before the kernel does


def main(descriptor: int) -> None:
    """Serves the parent at the other end of the socket, and ends with it."""
    _answer_to_the_parent_alone()
    with socket.socket(fileno=descriptor) as line:
        try:
            serve(line)
        except (EOFError, ConnectionError):  # the parent is done, or gone
            return


def serve(line: socket.socket) -> None:
    """Gets ready as the first message says, then decodes what the following ones name."""
    order = wire.receive(line)
    limits = Limits(**order["limits"])
    decoders = {Kind(kind): where for kind, where in order["decoders"].items()}
    try:
        _load(decoders[Kind(order["kind"])])
    except (ImportError, AttributeError) as error:
        wire.send(line, {"problem": str(error)})
        return
    _limit_resources(limits.memory_limit)
    wire.send(line, {"problem": None})
    while True:
        message = wire.receive(line)
        views = tuple(map(_view, message["views"]))
        job = DecodeJob(message["path"], Kind(message["kind"]), views, message["min_side"])
        _answer(line, job, limits, decoders[job.kind])
        if _held(_RESIDENT) > _MUCH:
            trim()


def _answer(line: socket.socket, job: DecodeJob, limits: Limits, where: str) -> None:
    """Decodes one file, and sends its arrays or the failure."""
    signal.setitimer(signal.ITIMER_REAL, limits.timeout + _GRACE)
    started = time.process_time()
    try:
        content = _load(where)(job, limits)
    except FileFailure as failure:
        message = {"reason": failure.reason, "message": failure.message}
    except MemoryError:
        message = {"reason": Reason.MEMORY, "message": "decoding it takes more memory than the limit allows"}
    except Exception as error:  # noqa: BLE001 - a decoder's bug costs the file, and the message says so
        problem = f"the decoder failed by an error of its own ({type(error).__name__})"
        message = {"reason": Reason.CRASH, "message": problem}
    else:
        answer = {
            "reason": None,
            "cpu_seconds": time.process_time() - started,
            "views": [job.views.index(view) for view in content.arrays],
            "position": content.position and astuple(content.position),
        }
        wire.send(line, answer, list(content.arrays.values()))
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    wire.send(line, message)


def _view(message: dict[str, Any] | None) -> View | None:
    """A view, from its fields."""
    if message is None:
        return None
    clips = message.pop("clips")
    return View(**message, clips=Clips(**clips) if clips else None)


def _load(where: str) -> Decoder:
    module, _, function = where.partition(":")
    decoder: Decoder = getattr(importlib.import_module(module), function)
    return decoder


def _answer_to_the_parent_alone() -> None:
    """Leaves signals meant for the program to the parent, and ends when the parent is killed.

    An idle worker sees the socket close; a busy one is killed by the kernel: at once where it offers
    that (Linux), else by the timer that `_answer` sets.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_resources(memory: int) -> None:
    """Bounds memory (beyond what is mapped now) and open files; forbids core dumps.

    Should the machine run out of memory all the same, a worker is to die for it and not the program.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if sys.platform == "linux":
        _lower(resource.RLIMIT_AS, _held(_MAPPED) + memory)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _held(field: int) -> int:
    """Bytes of address space in use, or of memory; 0 where only Linux could tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[field]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def _lower(limit: int, value: int) -> None:
    """Sets a limit, hard and soft, unless a lower one is in force."""
    in_force = [bound for bound in resource.getrlimit(limit) if bound != resource.RLIM_INFINITY]
    bound = min(value, *in_force) if in_force else value
    resource.setrlimit(limit, (bound, bound))


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # without the interpreter's farewell, which takes longer than the parent likes to wait
