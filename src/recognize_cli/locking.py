"""One writer at a time: a lock file beside the catalogue.

The operating system holds the lock for the process and drops it when the process ends, however it
ends, so a killed run leaves nothing to clean up. Processes forked from the holder do not keep it
alive (filelock sees to that). The lock file itself stays; it holds the number of the process that
took it last.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.errors import CatalogueUnusable, Locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_SECONDS = 0.1
_OWN_CONTENT = re.compile(rb"\d{0,20}\n?")
_LONGEST_CONTENT = 64


def _never() -> bool:
    return False


def lock_path(catalogue: Path) -> Path:
    """The lock file of a catalogue; a catalogue reached through a link has the lock of its target."""
    return Path(f"{os.path.realpath(catalogue)}.lock")


def make_private_directories(directory: Path) -> None:
    """Creates a directory and its missing parents, for their owner only; raises OSError."""
    if not directory.exists():
        make_private_directories(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def acquire(path: Path, *, wait: bool, stop: Callable[[], bool] = _never) -> Iterator[None]:
    """Holds the lock of the catalogue at `path` for the length of the `with` block.

    With `wait` it waits for a busy lock, for as long as `stop`, asked ten times a second, says no.
    Raises Locked when another process has the lock (or `stop` ended the wait), and
    CatalogueUnusable when the lock file cannot be made.
    """
    from filelock import FileLock, Timeout  # kept out of the start-up of commands that take no lock

    file = lock_path(path)
    try:
        make_private_directories(file.parent)
        lock = FileLock(file, mode=0o600)
        lock.acquire(blocking=wait, poll_interval=_POLL_SECONDS, cancel_check=stop)
    except Timeout as error:
        raise Locked(path=path, holder=_holder(file)) from error
    except OSError as error:
        problem = f"its lock {file} cannot be taken: {error.strerror}"
        raise CatalogueUnusable(path=path, problem=problem) from error
    try:
        _write_holder(file)
        yield
    finally:
        lock.release()


def _write_holder(file: Path) -> None:
    """Notes this process in the lock file, unless that holds something that we did not write."""
    try:
        with file.open("r+b") as stream:
            if _OWN_CONTENT.fullmatch(stream.read(_LONGEST_CONTENT)):
                stream.seek(0)
                stream.truncate()
                stream.write(b"%d\n" % os.getpid())
    except OSError:
        return  # the note only makes a message better, a full disk shall not cost the run


def _holder(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST_CONTENT)
    except OSError:
        return ""
    number = content.strip()
    return f" (process {number.decode()})" if number and _OWN_CONTENT.fullmatch(content) else ""
