"""From the address of a folder on a server to a source, and to the server's tags.

What talks HTTP is imported when the first server is: a scan of local folders needs none of it.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from recognize_cli.cli.accounts import passwords, stored_logins
from recognize_cli.dav.address import Address
from recognize_cli.errors import ConfigError, NoPassword, UnknownLogin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recognize_cli.accounts.account import Account
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.spool import Spool
    from recognize_cli.dav.systemtags import SystemTags
    from recognize_cli.protocols import Listings, Source
    from recognize_cli.sources.nextcloud import NextcloudSource
    from recognize_cli.sources.whole import WholeSource

_NEXTCLOUD: Final = ("nextcloud", "nextclouds")
_WEBDAV: Final = ("webdav", "webdavs", "dav", "davs")
_WEB: Final = {"http": "", "https": "s"}

_GRACE: Final = 3.0
"""Seconds for requests that are under way when the run is asked to stop."""
_POLL: Final = 0.1


def is_nextcloud(address: str) -> bool:
    """Whether an address is that of a folder on a Nextcloud."""
    return address.partition("://")[0] in _NEXTCLOUD


def check_address(address: str) -> None:
    """Raises UserError, which names the remedy, for an address that no source can be opened for.

    No message repeats it as a whole: there may be a password in it.
    """
    scheme = address.partition("://")[0]
    if scheme in (*_NEXTCLOUD, *_WEBDAV):
        Address.of(address)
    elif scheme in _WEB:
        place, secure = Address.of(address), _WEB[scheme]
        host = place.account.host + place.path
        problem = (
            f"write nextcloud{secure}://{host} for a Nextcloud, webdav{secure}://{host} for another server"
        )
        raise ConfigError(where=f"{scheme}://{host}", problem=problem)
    else:
        problem = "a folder on a server is written nextclouds://user@host/path or webdavs://user@host/path"
        raise ConfigError(where=f"{scheme}://", problem=problem)


class Remotes:
    """The servers of one run: one client for each account, one spool for all. A context manager."""

    def __init__(
        self,
        *,
        stop: Callable[[], bool],
        ca: Path | None,
        connections: int,
        spool_limit: int | None = None,
        listings: Listings | None = None,
        whole: bool = False,
    ) -> None:
        """``spool_limit`` bounds the bytes of temporary files; in ``listings`` folders are remembered.

        ``whole`` says that trees are read in whole, so that it is worth asking for all folders at once.
        What is under way a few seconds after ``stop`` says so is cut off.
        """
        self._ca = ca
        self._connections = connections
        self._stop = stop
        self._spool_limit = spool_limit
        self._listings = listings
        self._whole = whole
        self._walked: list[WholeSource] = []
        self._passwords = passwords()
        self._clients: dict[Account, DavClient] = {}
        self._spool: Spool | None = None
        self._over = threading.Event()
        self._stack = ExitStack()
        self.clouds: dict[str, NextcloudSource] = {}
        """The accounts on a Nextcloud that were opened, by their storage."""

    def __enter__(self) -> Remotes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._stack.close()
        if kind is None:
            self._note_sizes()

    def source(self, address: str) -> Source:
        """The source for ``webdavs://user@host/path`` or ``nextclouds://user@host/path``.

        Raises UserError, LoginError and SourceError.
        """
        from recognize_cli.sources.nextcloud import is_settled
        from recognize_cli.sources.remembered import RememberedSource
        from recognize_cli.sources.webdav import WebDavSource
        from recognize_cli.sources.whole import WholeSource

        check_address(address)
        if is_nextcloud(address):
            cloud = self.nextcloud(address)
            return RememberedSource(cloud, self._listings, is_settled) if self._listings else cloud
        place = self._place(address)
        source = WebDavSource(place, self._client(place.account), self._temporary())
        if not (self._whole and self._listings):
            return source
        self._walked.append(WholeSource(source, self._listings.sizes(source.storage, source.base)))
        return self._walked[-1]

    def nextcloud(self, address: str) -> NextcloudSource:
        """A folder of a Nextcloud, which asks the server for it every time; raises as `source` does."""
        from recognize_cli.sources.nextcloud import NextcloudSource

        place = self._place(address)
        cloud = NextcloudSource(place, self._client(place.account), self._temporary())
        self.clouds.setdefault(cloud.storage, cloud)
        return cloud

    def tags(self, storage: str) -> SystemTags:
        """The tags of one of the `clouds`; raises TagsSwitchedOff."""
        from recognize_cli.dav.patience import pausing
        from recognize_cli.dav.systemtags import SystemTags
        from recognize_cli.dav.writing import Writer

        source = self.clouds[storage]
        return SystemTags(source.client, source.cloud, Writer(source.client, pause=pausing(self._stop)))

    def abort(self) -> None:
        """Removes the temporary files, for a process that ends without leaving its contexts."""
        if self._spool is not None:
            self._spool.close()

    def _note_sizes(self) -> None:
        """Remembers what the next run wants to know of the trees that were read."""
        for source in self._walked:
            if self._listings and (sizes := source.sizes) is not None:
                self._listings.put_sizes(source.storage, source.base, sizes)

    def _place(self, address: str) -> Address:
        """An address, with the user of the one login that is stored for its server where it names none.

        Where none is stored, a WebDAV server is asked without a login.
        """
        place = Address.of(address)
        if place.account.user:
            return place
        logins = stored_logins()
        if login := logins.find(place.account):
            return replace(place, account=login.account)
        if is_nextcloud(address):
            raise NoPassword(account=f"{place.account.host}, and the address names no user")
        if any(replace(login.account, user="") == place.account for login in logins.all()):
            raise UnknownLogin(account=f"{place.account.host}, and the address names no user")
        return place

    def _client(self, account: Account) -> DavClient:
        from recognize_cli.dav.client import DavClient, Options
        from recognize_cli.dav.credentials import Credentials
        from recognize_cli.dav.patience import pausing

        if not self._clients:
            threading.Thread(target=self._cut_late, name="cut", daemon=True).start()
        if account not in self._clients:
            credentials = Credentials(account.user, self._passwords.of(account)) if account.user else None
            server = f"{account.scheme}://{account.host}"
            options = Options(ca=self._ca, connections=self._connections)
            client = DavClient(server, credentials, options, pause=pausing(self._stop))
            self._clients[account] = self._stack.enter_context(client)
        return self._clients[account]

    def _temporary(self) -> Spool:
        from recognize_cli.dav.spool import Spool

        if self._spool is None:
            self._spool = self._stack.enter_context(Spool(limit=self._spool_limit))
        return self._spool

    def _cut_late(self) -> None:
        """Waits for the stop, and a little longer, and then cuts all requests off; the life of a thread."""
        while not self._stop():
            if self._over.wait(_POLL):
                return
        if not self._over.wait(_GRACE):
            for client in list(self._clients.values()):
                client.cut()
