"""What sources on all makes of WebDAV servers share: folders as listings, copies of files, ids of files."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.entries import PROPERTIES, entry_of, folder_of
from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.errors import FileFailure
from recognize_cli.records import Entry, Listing, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.dav.client import DavClient, Multistatus
    from recognize_cli.dav.entries import DavEntry, Folder
    from recognize_cli.dav.spool import Spool
    from recognize_cli.records import MediaFile

_FRESH: Final = " fresh"
_FRESH_FOR: Final = 3.0  # seconds; etags of files are often made of dates in whole seconds
_UNKNOWN_SIZE: Final = 256 << 20


def below(root: str, relative: str) -> str:
    """The path at the server of a relative path; raises FileNotFoundError for one with ``.`` or ``..``."""
    if any(part in {".", ".."} for part in relative.split("/")):
        raise FileNotFoundError(errno.ENOENT, "no server has files of such a name", relative)
    return f"{root}/{relative}" if relative else root


def folder_in(answer: Multistatus[DavEntry]) -> Folder:
    """The folder that an answer is about; raises OSError where it is about none."""
    folder = folder_of(answer.path, answer.items)
    if folder is None:
        raise failed("the server's answer is not about the folder that it was asked for")
    if not folder.own.is_directory:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return folder


def listing_of(
    directory: str, folder: Folder, now: float | None, folder_version: Callable[[DavEntry], str]
) -> Listing:
    """The files and folders in a folder, sorted by the bytes of their names.

    ``now`` is when the server looked, by its own clock, in seconds since 1970; ``folder_version`` gives the
    version of a folder. That of a file is its etag, or else its date, and its size. One that changed within
    the last seconds is marked, so that the next run looks at it again: it may be written again within the
    same second and keep its etag.
    """

    def entry(name: str, told: DavEntry) -> Entry:
        version = folder_version(told) if told.is_directory else _file_version(told, now)
        modified = told.modified or 0.0
        return Entry(name, told.is_directory, told.size or 0, version, modified, told.file_id)

    names = sorted(folder.children, key=lambda name: name.encode("utf-8", "surrogateescape"))
    return Listing(directory, tuple(entry(name, folder.children[name]) for name in names))


def is_fresh(entry: Entry) -> bool:
    """Whether a file is so fresh that it may change once more without getting another version."""
    return entry.version.endswith(_FRESH)


@contextmanager
def copied(client: DavClient, spool: Spool, root: str, file: MediaFile) -> Iterator[str]:
    """The path of a copy of a file below a root, which is removed at the end.

    Raises FileFailure where it cannot be had, and LoginRefused and SourceUnreachable where no other can.
    """
    size = file.size or min(_UNKNOWN_SIZE, spool.limit)
    with spool.file(size, os.path.splitext(file.name)[1]) as stream:
        try:
            client.download(below(root, file.path), stream, limit=size, expected_size=file.size or None)
            stream.flush()
        except OSError as error:
            raise FileFailure(Reason.IO, error.strerror or str(error)) from error
        yield stream.name


def id_at(client: DavClient, path: str) -> str | None:
    """What the server calls the file at a path, None where there is none or it has no names for files."""
    try:
        answer = client.propfind(path, PROPERTIES, entry_of, depth="0")
    except StatusError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    return answer.items[0].file_id if answer.items else None


def _file_version(entry: DavEntry, now: float | None) -> str:
    version = entry.etag or ("" if entry.modified is None else f"{entry.modified:.0f}")
    fresh = now is not None and entry.modified is not None and entry.modified > now - _FRESH_FOR
    return f"{version} {entry.size}{_FRESH if fresh else ''}"
