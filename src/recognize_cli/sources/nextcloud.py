"""The files of an account on a Nextcloud.

One request lists a folder, or one a page. A change anywhere below a folder gives it another etag, so
a `RememberedSource` around this one asks only for the folders that lead to a change.
"""

from __future__ import annotations

import errno
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from recognize_cli.dav.entries import PROPERTIES, DavEntry, entry_of, seconds_of
from recognize_cli.dav.nextcloud import Nextcloud, find_root, sign_in
from recognize_cli.dav.pages import Paging
from recognize_cli.dav.previews import Previews
from recognize_cli.dav.tree import below, copied, folder_in, id_at, is_fresh, listing_of
from recognize_cli.dav.xml import NEXTCLOUD
from recognize_cli.errors import SourceNotFound
from recognize_cli.media.kinds import kind_of
from recognize_cli.naming import printable
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.dav.address import Address
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.spool import Spool
    from recognize_cli.dav.xml import Answer
    from recognize_cli.records import Listing, MediaFile

_LOG = logging.getLogger(__name__)

PROTOCOL: Final = "nextcloud"

_HAS_PREVIEW: Final = f"{NEXTCLOUD}has-preview"
_MOUNT: Final = f"{NEXTCLOUD}mount-type"


def is_settled(listing: Listing) -> bool:
    """Whether no file of a listing can change any more without getting another version."""
    return not any(is_fresh(entry) for entry in listing.entries)


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
        """The files and folders in a folder, sorted by the bytes of their names; see `tree.listing_of`.

        A folder's version is its etag, or none on storage that others than the server may change.
        Raises SourceNotFound for the root and OSError for another folder that cannot be listed, LoginRefused
        and SourceUnreachable where no folder can be.
        """
        try:
            return self._listing(directory)
        except OSError as error:
            if directory:
                raise
            raise SourceNotFound(source=self.id, problem=_of_root(error)) from error

    @contextmanager
    def lease(self, file: MediaFile, *, preview: bool = False) -> Iterator[str]:
        """The path of a copy, which is removed at the end; see `Source.lease`.

        Where a preview cannot be had now, it is a copy of the file itself.
        """
        picture: bytes | None = None
        if preview and file.kind is Kind.IMAGE:
            try:
                picture = self.preview(file)
            except OSError as error:
                _LOG.debug("%s: no preview (%s)", printable(file.path), error.strerror)
        if picture is None:
            with copied(self.client, self._spool, self._root, file) as path:
                yield path
            return
        with self._spool.file(len(picture), ".jpg") as stream:
            stream.write(picture)
            stream.flush()
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
        return id_at(self.client, f"{self.cloud.files}{path}")

    @property
    def _root(self) -> str:
        """The path of the root at the server."""
        cloud, path = self._place
        return f"{cloud.files}/{path}" if path else cloud.files

    @property
    def _place(self) -> tuple[Nextcloud, str]:
        """The Nextcloud, and the path of the root among the account's files."""
        with self._lock:
            if self._found is None:
                try:
                    root, path = find_root(self.client, self._address.path)
                    self._found = sign_in(self.client, root), path
                except OSError as error:
                    raise SourceNotFound(source=self.id, problem=_of_root(error)) from error
            return self._found

    def _listing(self, directory: str) -> Listing:
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
        answer = paging.read(self.client, f"{below(self._root, directory)}/")
        folder = folder_in(answer)
        if folder.own.file_id is None:  # how it answers for the files of somebody else
            raise PermissionError(errno.EACCES, "the server tells this account nothing of it")

        def version(entry: DavEntry) -> str:
            return "" if entry.path in foreign else entry.etag or ""

        return listing_of(directory, folder, seconds_of(answer.headers.get("Date")), version)


def _truth(text: str | None) -> bool | None:
    return None if text is None else text == "true"


def _of_root(error: OSError) -> str:
    problem = error.strerror or str(error)
    return f"{problem}; check the path" if error.errno == errno.ENOENT else problem
