"""Logs in to servers, and out again: by a browser where the server can, else by a password."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
import webbrowser
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from recognize_cli.accounts.account import Account
from recognize_cli.accounts.given import from_environment
from recognize_cli.cli.accounts import asker, stored_logins
from recognize_cli.dav import login as flow
from recognize_cli.dav.address import Address
from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.names import quoted
from recognize_cli.dav.nextcloud import find_root, sign_in
from recognize_cli.dav.patience import Patience
from recognize_cli.errors import (
    LoginRefused,
    LoginTimeout,
    NoPassword,
    RecognizeError,
    SourceUnreachable,
    UnknownLogin,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.accounts.logins import Login

_LOG = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
_IN_PERSON: Final = Patience(attempts=3, longest_backoff=2.0, longest_wait=10.0)
"""Somebody waits for the answer, and can try again."""


def by_browser(url: str, ca: Path | None, *, browser: bool | None) -> Login:
    """Has the user grant an app password in a browser, and stores it.

    Raises SourceError or LoginError; nothing is stored then, and no app password left behind.
    """
    address = _address(url)
    with _client(address, ca) as nobody:
        root, _ = find_root(nobody, address.path)
        waiting = flow.begin(nobody, root, f"recognize on {socket.gethostname()}")
        _show(waiting.page, browser=browser)
        credentials = _wait(nobody, waiting, address)
    return _store_cloud(address, root, credentials, ca, ours=True)


def by_app_password(url: str, ca: Path | None) -> Login:
    """Stores a password for a Nextcloud that the environment gives or the user types, if it is right."""
    address = _address(url)
    with _client(address, ca) as nobody:
        root, _ = find_root(nobody, address.path)
    return _store_cloud(address, root, _credentials(address), ca, ours=False)


def by_password(url: str, ca: Path | None) -> Login:
    """Stores a password for a WebDAV server that the environment gives or the user types, if it is right."""
    address = _address(url)
    credentials = _credentials(address)
    with _client(address, ca, credentials) as client:
        client.propfind(address.path or "/", (), lambda _: None, depth="0")
    account = replace(address.account, user=credentials.user)
    return stored_logins().put(account, "webdav", address.server + quoted(address.path), credentials.secret)


def out(url: str, ca: Path | None, *, local: bool) -> tuple[Login, bool]:
    """Forgets a login; whether its password is invalid from now on.

    Where the server cannot be asked to make it invalid, SourceError is raised and nothing forgotten, but for
    ``local``.
    """
    account, logins = Account.of(_with_scheme(url)), stored_logins()
    login = logins.find(account)
    if login is None:
        raise UnknownLogin(account=account)
    revoked = False
    if login.kind == "nextcloud" and not local:
        secret = logins.password(login)
        revoked = secret is None or _revoke(
            Address.of(login.url), Credentials(login.account.user, secret), ca
        )
    logins.forget(login)
    return login, revoked


def _store_cloud(
    address: Address, root: str, credentials: Credentials, ca: Path | None, *, ours: bool
) -> Login:
    """Tries a login and stores it; one that was made for us is revoked where that fails."""
    place = replace(address, path=root)
    try:
        with _client(place, ca, credentials) as client:
            sign_in(client, root)
        account = replace(address.account, user=credentials.user)
        return stored_logins().put(account, "nextcloud", place.server + quoted(root), credentials.secret)
    except BaseException:
        if ours:
            _take_back(place, credentials, ca)
        raise


def _take_back(address: Address, credentials: Credentials, ca: Path | None) -> None:
    """Revokes a password that cannot be stored; what went wrong before counts, whether this fails or not."""
    try:
        _revoke(address, credentials, ca)
    except RecognizeError as error:
        _LOG.warning("%s; delete the app password of recognize in the settings of the server", error)


def _revoke(address: Address, credentials: Credentials, ca: Path | None) -> bool:
    """Makes an app password invalid; False for one that is the user's own, and stays as it is."""
    try:
        with _client(address, ca, credentials) as client:
            return flow.revoke(client, address.path)
    except LoginRefused:
        return True  # it was revoked before


def _show(page: str, *, browser: bool | None) -> None:
    sys.stderr.write(f"Open this link in a browser, and allow recognize to use your account:\n\n  {page}\n\n")
    desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if browser or (browser is None and desktop and sys.stderr.isatty()):
        webbrowser.open(page)


def _wait(client: DavClient, waiting: flow.LoginFlow, address: Address) -> Credentials:
    """Asks every few seconds whether the user granted it."""
    end = time.monotonic() + flow.LIFETIME
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        try:
            if credentials := flow.poll(client, waiting):
                return credentials
        except OSError as error:
            _LOG.warning("%s: %s; asking again", address.server, error.strerror)
    raise LoginTimeout(server=address.server, minutes=round(flow.LIFETIME / 60))


def _credentials(address: Address) -> Credentials:
    """Who to be, from the URL or by asking, and the password that the environment gives or somebody types."""
    ask = asker()
    user = address.account.user
    if not user and ask:
        user = click.prompt(f"User name on {address.account.host}", err=True).strip()
    account = replace(address.account, user=user)
    if not user:
        raise NoPassword(account=f"{account.host}, nor a user name in its URL")
    if given := from_environment(os.environ):
        return Credentials(user, given[1])
    if ask is None:
        raise NoPassword(account=account)
    return Credentials(user, ask(account))


@contextmanager
def _client(address: Address, ca: Path | None, credentials: Credentials | None = None) -> Iterator[DavClient]:
    """A client for the host; what fails within is told as a server that cannot be talked to."""
    try:
        with DavClient(address.server, credentials, Options(ca=ca, patience=_IN_PERSON)) as client:
            yield client
    except OSError as error:
        raise SourceUnreachable(source=address.server, problem=error.strerror or error) from error


def _address(url: str) -> Address:
    return Address.of(_with_scheme(url))


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"https://{url}"
