"""A tree on a WebDAV server, of any make.

One request lists a folder. A folder's etag tells nothing of what lies below it: RFC 4918 does not ask for
that, and of the servers that were looked at WsgiDAV and rclone give folders none, and Apache makes one of the
folder's own date and size, which stay when a file in it is overwritten. Only the family of ownCloud and
Nextcloud, which is known by the ids that it gives files, hands changes up to all folders above. So only there
has a folder a version; elsewhere it is to be asked for in every run, alone or with the whole tree.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.entries import PROPERTIES, entry_of, seconds_of
from recognize_cli.dav.failures import RequestFailed, StatusError
from recognize_cli.dav.tree import below, copied, folder_in, id_at, listing_of
from recognize_cli.dav.whole import ask
from recognize_cli.errors import SourceNotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from recognize_cli.dav.address import Address
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.entries import DavEntry
    from recognize_cli.dav.spool import Spool
    from recognize_cli.records import Listing, MediaFile

PROTOCOL: Final = "webdav"


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
        """The files and folders in a folder, sorted by the bytes of their names; see `tree.listing_of`.

        Raises SourceNotFound for the root and OSError for another folder that cannot be listed, LoginRefused
        and SourceUnreachable where no folder can be.
        """
        try:
            answer = self._client.propfind(f"{below(self._root, directory)}/", PROPERTIES, entry_of)
            now = seconds_of(answer.headers.get("Date"))
            return listing_of(directory, folder_in(answer), now, _folder_version)
        except OSError as error:
            if directory:
                raise
            raise SourceNotFound(source=self.id, problem=_of_root(error)) from error

    def whole(self, most: int) -> Callable[[str], Listing | None]:
        """All listings from one answer of the server, if the tree has no more than ``most`` entries.

        Gives what `listing` would, once for each folder, or None where the answer names nothing in it: it may
        be empty then, or the server did not look into it. Raises OSError where the server gives no such
        answer, LoginRefused and SourceUnreachable.
        """
        tree = ask(self._client, self._root, most)

        def take(directory: str) -> Listing | None:
            folder = tree.take(directory)
            return None if folder is None else listing_of(directory, folder, tree.now, _folder_version)

        return take

    def lease(self, file: MediaFile, *, preview: bool = False) -> AbstractContextManager[str]:
        """The path of a downloaded copy, which is removed at the end; there are no previews."""
        return copied(self._client, self._spool, self._root, file)

    def id_at(self, path: str) -> str | None:
        """What the server calls the file at a path, None where there is none or it has no names for files."""
        return id_at(self._client, path)


def _folder_version(entry: DavEntry) -> str:
    """An etag that changes with all below the folder, if the server has such ones."""
    return entry.etag or "" if entry.file_id else ""


def _of_root(error: OSError) -> str:
    problem = error.strerror or str(error)
    if isinstance(error, StatusError) and error.errno == errno.ENOENT:
        return f"{problem}; check the path"
    if isinstance(error, RequestFailed):
        return f"{problem}; check that the address is that of a WebDAV folder"
    return problem
