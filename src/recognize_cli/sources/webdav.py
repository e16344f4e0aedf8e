"""A tree on a WebDAV server, of any make.

One request lists a folder. A folder's etag tells nothing of what lies below it: RFC 4918 does not ask for
that, and of the servers that were looked at WsgiDAV and rclone give folders none, and Apache makes one of the
folder's own date and size, which stay when a file in it is overwritten. Only the family of ownCloud and
Nextcloud, which is known by the ids that it gives files, hands changes up to all folders above. So only there
has a folder a version; elsewhere it is to be asked for in every run.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.entries import PROPERTIES, DavEntry, Folder, entry_of, folder_of, seconds_of
from recognize_cli.dav.failures import RequestFailed, StatusError, failed
from recognize_cli.errors import FileFailure, SourceNotFound
from recognize_cli.records import Entry, Listing, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from recognize_cli.dav.address import Address
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.spool import Spool
    from recognize_cli.records import MediaFile

PROTOCOL: Final = "webdav"

_FRESH: Final = 3.0  # seconds; etags are often made of dates in whole seconds
_UNKNOWN_SIZE: Final = 256 << 20


class WebDavSource:
    """A folder of a WebDAV server and what is below it, as the `Source` protocol wants it.

    `id` and `storage` name the user, for two users may see different files at one address, and never a
    password. ``client`` is one for the server of ``address``; ``spool`` is where files are downloaded to.
    """

    is_local = False

    def __init__(self, address: Address, client: DavClient, spool: Spool) -> None:
        self._client = client
        self._spool = spool
        self._root = address.path
        self.id = address.shown(PROTOCOL)
        self.storage = address.place(PROTOCOL)
        self.base = address.path or "/"

    def listing(self, directory: str) -> Listing:
        """The files and folders in a folder, sorted by the bytes of their names.

        Raises SourceNotFound for the root and OSError for another folder that cannot be listed, LoginRefused
        and SourceUnreachable where no folder can be.
        """
        try:
            folder, now = self._folder(directory)
        except OSError as error:
            if directory:
                raise
            raise SourceNotFound(source=self.id, problem=_of_root(error)) from error
        names = sorted(folder.children, key=lambda name: name.encode("utf-8", "surrogateescape"))
        return Listing(directory, tuple(_entry(name, folder.children[name], now) for name in names))

    @contextmanager
    def lease(self, file: MediaFile, *, preview: bool = False) -> Iterator[str]:
        """The path of a downloaded copy, which is removed at the end; there are no previews."""
        size = file.size or min(_UNKNOWN_SIZE, self._spool.limit)
        with self._spool.file(size, os.path.splitext(file.name)[1]) as stream:
            self._download(file, stream, size)
            yield stream.name

    def id_at(self, path: str) -> str | None:
        """What the server calls the file at a path, None where there is none or it has no names for files."""
        try:
            answer = self._client.propfind(path, PROPERTIES, entry_of, depth="0")
        except StatusError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return answer.items[0].file_id if answer.items else None

    def _folder(self, directory: str) -> tuple[Folder, float | None]:
        """What a folder holds, and the time at the server; raises OSError."""
        answer = self._client.propfind(f"{self._path(directory)}/", PROPERTIES, entry_of)
        folder = folder_of(answer.path, answer.items)
        if folder is None:
            raise failed("the server's answer is not about the folder that it was asked for")
        if not folder.own.is_directory:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return folder, seconds_of(answer.headers.get("Date"))

    def _download(self, file: MediaFile, stream: BinaryIO, limit: int) -> None:
        try:
            self._client.download(self._path(file.path), stream, limit=limit, expected_size=file.size or None)
            stream.flush()
        except OSError as error:
            raise FileFailure(Reason.IO, error.strerror or str(error)) from error

    def _path(self, relative: str) -> str:
        if any(part in {".", ".."} for part in relative.split("/")):
            raise FileNotFoundError(errno.ENOENT, "no server has files of such a name", relative)
        return f"{self._root}/{relative}" if relative else self._root


def _entry(name: str, entry: DavEntry, now: float | None) -> Entry:
    return Entry(
        name=name,
        is_directory=entry.is_directory,
        size=entry.size or 0,
        version=_version(entry, now),
        modified=entry.modified or 0.0,
        file_id=entry.file_id,
    )


def _version(entry: DavEntry, now: float | None) -> str:
    """Of a file the etag, or else the date, and the size; of a folder an etag that changes with all below it.

    A file that changed within the last seconds is marked, so that the next run looks at it again: it may
    be written again within the same second and keep its etag.
    """
    if entry.is_directory:
        return entry.etag or "" if entry.file_id else ""
    version = entry.etag or ("" if entry.modified is None else f"{entry.modified:.0f}")
    fresh = now is not None and entry.modified is not None and entry.modified > now - _FRESH
    return f"{version} {entry.size}{' fresh' if fresh else ''}"


def _of_root(error: OSError) -> str:
    problem = error.strerror or str(error)
    if isinstance(error, StatusError) and error.errno == errno.ENOENT:
        return f"{problem}; check the path"
    if isinstance(error, RequestFailed):
        return f"{problem}; check that the address is that of a WebDAV folder"
    return problem
