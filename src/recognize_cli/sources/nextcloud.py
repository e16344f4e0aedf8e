"""The files of an account on a Nextcloud.

One request lists a folder, or one a page. A change anywhere below a folder gives it another etag, so
a `RememberedSource` around this one asks only for the folders that lead to a change.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from recognize_cli.dav.entries import PROPERTIES, DavEntry, Folder, entry_of, folder_of, seconds_of
from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.dav.nextcloud import Nextcloud, find_root, sign_in
from recognize_cli.dav.pages import Paging
from recognize_cli.dav.previews import Previews
from recognize_cli.dav.xml import NEXTCLOUD
from recognize_cli.errors import FileFailure, SourceNotFound
from recognize_cli.media.kinds import kind_of
from recognize_cli.records import Entry, Kind, Listing, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from recognize_cli.dav.address import Address
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.spool import Spool
    from recognize_cli.dav.xml import Answer
    from recognize_cli.records import MediaFile

PROTOCOL: Final = "nextcloud"

_HAS_PREVIEW: Final = f"{NEXTCLOUD}has-preview"
_MOUNT: Final = f"{NEXTCLOUD}mount-type"

_FRESH: Final = " fresh"
_FRESH_FOR: Final = 3.0  # seconds; etags of files are made of dates in whole seconds
_UNKNOWN_SIZE: Final = 256 << 20


def is_settled(listing: Listing) -> bool:
    """Whether no file of a listing can change any more without getting another version."""
    return not any(entry.version.endswith(_FRESH) for entry in listing.entries)


class NextcloudSource:
    """A folder of an account on a Nextcloud and what is below it, as the `Source` protocol wants it.

    `id` is the address as the user gave it. `storage` names the server and the account's id, and `base` is a
    path among its files; both are found out by asking the server when they are first needed, as is where on
    the path of the address the Nextcloud lies. ``client`` is one for the host of the address, without a path.
    """

    is_local = False

    def __init__(self, address: Address, client: DavClient, spool: Spool) -> None:
        self._address = address
        self.client = client
        self._spool = spool
        self._lock = threading.Lock()
        self._found: tuple[Nextcloud, str] | None = None
        self._previews = Previews(client)
        self.id = address.shown(PROTOCOL)

    @property
    def storage(self) -> str:
        """The server and the account, ``nextclouds://uid@host/cloud``."""
        scheme = "nextclouds" if self._address.account.scheme == "https" else "nextcloud"
        cloud = self.cloud
        return f"{scheme}://{quote(cloud.uid, safe='')}@{self._address.account.host}{cloud.root}"

    @property
    def base(self) -> str:
        """The path of the folder among the account's files."""
        return f"/{self._place[1]}"

    @property
    def cloud(self) -> Nextcloud:
        """The server and the account. Raises SourceError and LoginRefused when it is first asked for."""
        return self._place[0]

    def listing(self, directory: str) -> Listing:
        """The files and folders in a folder, sorted by the bytes of their names.

        A file's version is its etag and size, marked while it is so fresh that it may change without a new
        etag. A folder's is its etag, or none on storage that others than the server may change.
        Raises SourceNotFound for the root and OSError for another folder that cannot be listed, LoginRefused
        and SourceUnreachable where no folder can be.
        """
        try:
            entries = self._entries(directory)
        except OSError as error:
            if directory:
                raise
            raise SourceNotFound(source=self.id, problem=_of_root(error)) from error
        return Listing(directory, tuple(sorted(entries, key=_bytes_of_name)))

    @contextmanager
    def lease(self, file: MediaFile, *, preview: bool = False) -> Iterator[str]:
        """The path of a copy, which is removed at the end; see `Source.lease`."""
        try:
            picture = self.preview(file) if preview and file.kind is Kind.IMAGE else None
        except OSError as error:
            raise FileFailure(Reason.IO, error.strerror or str(error)) from error
        size = len(picture) if picture else file.size or min(_UNKNOWN_SIZE, self._spool.limit)
        suffix = ".jpg" if picture else os.path.splitext(file.name)[1]
        with self._spool.file(size, suffix) as stream:
            if picture:
                stream.write(picture)
                stream.flush()
            else:
                self._download(file, stream, size)
            yield stream.name

    def preview(self, file: MediaFile) -> bytes | None:
        """The server's own small picture of an image, upright, its long side at most 1024 px.

        None where it makes none. Raises OSError, LoginRefused and SourceUnreachable.
        """
        if file.file_id is None:
            return None
        return self._previews.fetch(self.cloud, file.file_id, file.name)

    def id_at(self, path: str) -> str | None:
        """The id of the file at a path among the account's files, None for nothing; raises OSError."""
        try:
            answer = self.client.propfind(f"{self.cloud.files}{path}", PROPERTIES, entry_of, depth="0")
        except StatusError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return answer.items[0].file_id if answer.items else None

    @property
    def _place(self) -> tuple[Nextcloud, str]:
        """The Nextcloud, and the path of the root among the account's files."""
        with self._lock:
            if self._found is None:
                try:
                    root, below = find_root(self.client, self._address.path)
                    self._found = sign_in(self.client, root), below
                except OSError as error:
                    raise SourceNotFound(source=self.id, problem=_of_root(error)) from error
            return self._found

    def _entries(self, directory: str) -> list[Entry]:
        """What a folder holds; raises OSError."""
        foreign: set[str] = set()

        def read(answer: Answer) -> DavEntry | None:
            entry = entry_of(answer)
            if entry is not None:
                if (answer.text(_MOUNT) or "").startswith("external"):
                    foreign.add(entry.path)
                if kind_of(name := entry.path.rpartition("/")[2]) is Kind.IMAGE:
                    self._previews.learn(name, _truth(answer.text(_HAS_PREVIEW)))
            return entry

        paging = Paging((*PROPERTIES, _HAS_PREVIEW, _MOUNT), read)
        answer = paging.read(self.client, f"{self._path(directory)}/")
        folder = _of_sound(folder_of(answer.path, answer.items))
        now = seconds_of(answer.headers.get("Date"))
        return [
            _entry(name, entry, now, is_foreign=entry.path in foreign)
            for name, entry in folder.children.items()
        ]

    def _download(self, file: MediaFile, stream: BinaryIO, limit: int) -> None:
        try:
            self.client.download(self._path(file.path), stream, limit=limit, expected_size=file.size or None)
            stream.flush()
        except OSError as error:
            raise FileFailure(Reason.IO, error.strerror or str(error)) from error

    def _path(self, relative: str) -> str:
        if any(part in {".", ".."} for part in relative.split("/")):
            raise FileNotFoundError(errno.ENOENT, "no server has files of such a name", relative)
        cloud, below = self._place
        return "/".join(part for part in (cloud.files, below, relative) if part)


def _of_sound(folder: Folder | None) -> Folder:
    """The folder that an answer is about; raises OSError where it is not."""
    if folder is None:
        raise failed("the server's answer is not about the folder that it was asked for")
    if folder.own.file_id is None:  # how it answers for the files of somebody else
        raise PermissionError(errno.EACCES, "the server tells this account nothing of it")
    if not folder.own.is_directory:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return folder


def _entry(name: str, entry: DavEntry, now: float | None, *, is_foreign: bool) -> Entry:
    etag = entry.etag or ""
    if entry.is_directory:
        version = "" if is_foreign else etag
    else:
        is_fresh = now is not None and entry.modified is not None and entry.modified > now - _FRESH_FOR
        version = f"{etag} {entry.size}{_FRESH if is_fresh else ''}"
    return Entry(
        name=name,
        is_directory=entry.is_directory,
        size=entry.size or 0,
        version=version,
        modified=entry.modified or 0.0,
        file_id=entry.file_id,
    )


def _truth(text: str | None) -> bool | None:
    return None if text is None else text == "true"


def _bytes_of_name(entry: Entry) -> bytes:
    return entry.name.encode("utf-8", "surrogateescape")


def _of_root(error: OSError) -> str:
    problem = error.strerror or str(error)
    return f"{problem}; check the path" if error.errno == errno.ENOENT else problem
