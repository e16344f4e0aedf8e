"""A tree on a disk of this machine.

Names travel as bytes in here, so that a tree reads the same in every locale; `Listing` and
the other records carry them as UTF-8 with surrogate escapes.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import nullcontext
from operator import attrgetter
from typing import TYPE_CHECKING

from recognize_cli.errors import SourceNotFound
from recognize_cli.records import Entry, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from recognize_cli.records import MediaFile

_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_REMEDIES = {
    errno.ENOENT: "it does not exist; check the path, and that its disk is mounted",
    errno.ENOTDIR: "it is neither a directory nor a file",
    errno.EACCES: "permission denied; run as a user who may read and search it",
    errno.ELOOP: "its symbolic links lead in a circle",
}


def open_local(path: str, *, follow_symlinks: bool = False) -> tuple[LocalSource, str | None]:
    """The source for a path that a user gave, and the name in it where the path is one file.

    A file is meant to be read as a listed part of its directory (`stages.listed`), whose markers
    count. A symbolic link that the user names is followed. Raises SourceNotFound.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise _not_found(path, error) from error
    if not stat.S_ISREG(mode):
        return LocalSource(path, follow_symlinks=follow_symlinks), None
    directory, name = os.path.split(os.path.realpath(path) if os.path.islink(path) else path)
    return LocalSource(directory or os.curdir, follow_symlinks=follow_symlinks), _text(os.fsencode(name))


class LocalSource:
    """A directory and what is below it, as the `Source` protocol wants it.

    `id` is the path as the user gave it, made absolute; `base` is where it really is. Only
    regular files and directories are listed. With ``follow_symlinks`` a link counts as what it
    leads to, unless that is a directory which the link lies in.
    """

    storage = "local"
    is_local = True

    def __init__(self, path: str, *, follow_symlinks: bool = False) -> None:
        """Raises SourceNotFound for an empty path: an unset variable must not mean the working directory."""
        if not path:
            raise SourceNotFound(source="''", problem="the path is empty")
        given = os.fsencode(path)
        self._base = os.path.realpath(given)
        self._follow = follow_symlinks
        self.id = _text(os.path.abspath(given))
        self.base = _text(self._base)

    def listing(self, directory: str) -> Listing:
        """The regular files and directories in a directory, sorted by the bytes of their names.

        A name that vanishes meanwhile is left out. One that is there and cannot be looked at (a
        disk error, a path too long) is listed without a version, so that reading it fails visibly.
        Raises SourceNotFound for the root and OSError for another directory that cannot be listed.
        """
        path = self._path(directory)
        entries: list[Entry] = []
        links: list[str] = []
        try:
            with os.scandir(path) as found:
                children = sorted(found, key=attrgetter("name"))
            device = str(os.stat(path).st_dev)
            for child in children:
                seen = self._look(child, directory)
                if isinstance(seen, Entry):
                    entries.append(seen)
                elif seen is not None:
                    links.append(seen)
        except OSError as error:
            if directory:
                raise
            raise _not_found(self.id, error) from error
        return Listing(directory, tuple(entries), tuple(links), device)

    def lease(self, file: MediaFile, *, preview: bool = False) -> AbstractContextManager[str]:
        """The path of a file; there are no previews."""
        return nullcontext(self.local_path(file))

    def local_path(self, file: MediaFile) -> str:
        """The absolute path of a file."""
        return os.fsdecode(self._path(file.path))

    def id_at(self, path: str) -> str | None:
        """The id of what is at an absolute path, None for nothing; raises OSError if that cannot be known."""
        try:
            return _file_id(os.stat(_bytes(path), follow_symlinks=self._follow))
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def _path(self, relative: str) -> bytes:
        return os.path.join(self._base, _bytes(relative)) if relative else self._base

    def _look(self, child: os.DirEntry[bytes], directory: str) -> Entry | str | None:
        """The entry of a name, only its name where it is a link not followed, None for anything else."""
        try:
            status = child.stat(follow_symlinks=self._follow)
        except OSError as error:
            return None if error.errno in _NOT_THERE else self._unknown(child, directory, error)
        if stat.S_ISREG(status.st_mode):
            return _entry(child.name, status, is_directory=False)
        if stat.S_ISDIR(status.st_mode):
            loops = child.is_symlink() and any(
                os.path.samestat(status, above) for above in self._above(directory)
            )
            return _text(child.name) if loops else _entry(child.name, status, is_directory=True)
        return _text(child.name) if stat.S_ISLNK(status.st_mode) else None

    def _above(self, directory: str) -> Iterator[os.stat_result]:
        """A directory and those that it lies in, from the root of the source downwards."""
        path = self._base
        yield os.stat(path)
        for name in _bytes(directory).split(b"/") if directory else ():
            path = os.path.join(path, name)
            yield os.stat(path)

    def _unknown(self, child: os.DirEntry[bytes], directory: str, error: OSError) -> Entry:
        """The entry of a name that cannot be looked at; raises where that is true of the whole directory."""
        if error.errno == errno.EACCES and not os.access(self._path(directory), os.X_OK, effective_ids=True):
            raise error
        return Entry(_text(child.name), is_directory=child.is_dir(follow_symlinks=False))


def _entry(name: bytes, status: os.stat_result, *, is_directory: bool) -> Entry:
    return Entry(
        name=_text(name),
        is_directory=is_directory,
        size=status.st_size,
        version=f"{status.st_mtime_ns}-{status.st_size}",
        modified=status.st_mtime,
        file_id=_file_id(status),
        device=str(status.st_dev),
    )


def _file_id(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"


def _not_found(path: str, error: OSError) -> SourceNotFound:
    problem = _REMEDIES.get(error.errno or 0) or error.strerror or str(error)
    return SourceNotFound(source=path or "''", problem=problem)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
