"""Temporary files for downloads: a bounded number of bytes at a time, gone when nobody needs them.

They lie in a folder of this process, for its owner only, below TMPDIR. A lock that the process holds on it
tells others that it is alive; what a killed process left is removed by the next one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recognize_cli.errors import ConfigError, FileFailure
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_LOG = logging.getLogger(__name__)

PREFIX: Final = "recognize-spool-"
MIB: Final = 1 << 20

_LOCK: Final = "lock"
_YOUNG: Final = 3600.0  # seconds in which a folder without a lock may be one that is just being made
_MOST_ON_DISK: Final = 4096 * MIB
_MOST_IN_MEMORY: Final = 512 * MIB
_LEAST: Final = 64 * MIB
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


class SpoolClosed(CancelledError):
    """There is no room for a file any more, for the run ends.

    It is raised by a second Ctrl-C, which closes the spool while downloads wait. Like any other file that was
    dropped, the file is not told as broken: the next run finds it as this one found it.
    """


class Spool:
    """Room for temporary files, shared by threads. All of them together take at most ``limit`` bytes.

    Without a ``limit`` it is 4 GiB, or half of what is free there, if that is less; where TMPDIR is kept in
    memory (tmpfs), 512 MiB or an eighth of the free memory. ``keep_free`` bytes of the file system stay free.
    """

    def __init__(
        self, parent: Path | None = None, *, limit: int | None = None, keep_free: int = 256 * MIB
    ) -> None:
        """Raises ConfigError where no folder can be made in ``parent`` (TMPDIR if None)."""
        where = Path(tempfile.gettempdir()) if parent is None else parent
        _remove_leftovers(where)
        try:
            self._folder, self._lock = _make_folder(where)
        except OSError as error:
            problem = f"no temporary files can be made there ({error.strerror}); set TMPDIR to another folder"
            raise ConfigError(where=str(where), problem=problem) from error
        self.in_memory = is_in_memory(self._folder)
        self.limit = default_limit(self._folder, in_memory=self.in_memory) if limit is None else limit
        self._keep_free = keep_free
        self._numbers = count(1)
        self._held: dict[Path, int] = {}
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def held(self) -> int:
        """How many bytes are set aside now."""
        with self._changed:
            return sum(self._held.values())

    def close(self) -> None:
        """Removes everything; who waits for room gets SpoolClosed."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    @contextmanager
    def file(self, size: int, suffix: str = "") -> Iterator[BinaryIO]:
        """An empty file to which at most ``size`` bytes may be written; its path is its ``name``.

        Waits, in turn, until there is room. It is removed at the end. ``suffix`` is left out unless it looks
        like one. Raises FileFailure for a file that will never have room, and SpoolClosed.
        """
        path = self._folder / f"{next(self._numbers)}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        self._reserve(path, size)
        try:
            with self._open(path) as stream:
                yield stream
        finally:
            with suppress(FileNotFoundError):  # close() may have been here before
                path.unlink()
            with self._changed:
                del self._held[path]
                self._changed.notify_all()

    def _open(self, path: Path) -> BinaryIO:
        try:
            return open(str(path), "x+b")
        except OSError as error:
            problem = f"no temporary file can be made in {self._folder} ({error.strerror})"
            raise FileFailure(Reason.IO, problem) from error

    def _reserve(self, path: Path, size: int) -> None:
        if size > self.limit:
            raise FileFailure(Reason.TOO_LARGE, self._too_large(size))
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not (self._closed or (self._waiting[0] is ticket and self._has_room(size))):
                    self._changed.wait()
                if self._closed:
                    raise SpoolClosed
                self._held[path] = size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        """Whether a file fits now; raises FileFailure where waiting for others cannot help."""
        if sum(self._held.values()) + size > self.limit:
            return False
        coming = sum(held - _size(path) for path, held in self._held.items())
        if _free(self._folder) - coming - size >= self._keep_free:
            return True
        if not self._held:
            raise FileFailure(
                Reason.IO,
                f"no room for {_mib(size)} in {self._folder.parent}, where {_mib(self._keep_free)} shall stay"
                " free; make room there, or set TMPDIR to a folder on another disk",
            )
        return False

    def _too_large(self, size: int) -> str:
        memory = "; it lies in memory, set TMPDIR to a folder on a disk" if self.in_memory else ""
        return (
            f"{_mib(size)} are more than the {_mib(self.limit)} that temporary files may take"
            f" in {self._folder.parent}{memory}"
        )


def is_in_memory(folder: Path) -> bool:
    """Whether what is written into a folder takes memory rather than a disk (tmpfs, ramfs)."""
    import psutil

    real = Path(os.path.realpath(folder))
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    for place in (real, *real.parents):
        if place in mounts:
            return mounts[place] in {"tmpfs", "ramfs"}
    return False


def default_limit(folder: Path, *, in_memory: bool) -> int:
    """How many bytes of temporary files a folder can well take."""
    if not in_memory:
        return max(_LEAST, min(_MOST_ON_DISK, _free(folder) // 2))
    import psutil

    limit = max(_LEAST, min(_MOST_IN_MEMORY, psutil.virtual_memory().available // 8))
    _LOG.info("%s lies in memory: downloads take at most %s of it at a time", folder.parent, _mib(limit))
    return limit


def _make_folder(parent: Path) -> tuple[Path, int]:
    """A new folder with a lock that this process holds; the lock gets its name when it is held."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(folder / f"{_LOCK}.new", os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.rename(folder / f"{_LOCK}.new", folder / _LOCK)
    return folder, lock


def _remove_leftovers(parent: Path) -> None:
    """Removes the folders of processes of this user that are gone."""
    with suppress(OSError), os.scandir(parent) as found:
        for each in found:
            if each.name.startswith(PREFIX) and each.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_leftover(each)


def _remove_leftover(entry: os.DirEntry[str]) -> None:
    status = entry.stat(follow_symlinks=False)
    if status.st_uid != os.geteuid():
        return
    try:
        lock = os.open(os.path.join(entry.path, _LOCK), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - status.st_mtime > _YOUNG:
            shutil.rmtree(entry.path, ignore_errors=True)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its process is alive
        _LOG.info("removing %s, which a run that was killed left", entry.path)
        shutil.rmtree(entry.path, ignore_errors=True)
    finally:
        os.close(lock)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(size: int) -> str:
    return f"{max(1, round(size / MIB))} MiB"
