"""Login flow v2 of Nextcloud: an app password from a browser, so that nobody types theirs in here.

`begin` gives an address for the user's browser, `poll` the app password once the user granted it there, and
`revoke` ends its life. The client of the first two has no credentials; that of the last has the app password.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.dav.names import decoded
from recognize_cli.dav.nextcloud import OCS
from recognize_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from recognize_cli.dav.client import DavClient

LIFETIME: Final = 20 * 60.0
"""Seconds after which servers forget a login that nobody granted."""

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_NOT_FOR_ALL: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """A login that waits for its user, who has to open the ``page`` in a browser.

    ``endpoint`` is where to ask whether that was done, a decoded path at the same host; the answer goes to
    who knows the ``token``.
    """

    page: str
    endpoint: str
    token: Secret


def begin(client: DavClient, root: str, name: str) -> LoginFlow:
    """Asks for a login at the Nextcloud that lies at the path ``root`` of the client's host.

    The app password will bear ``name`` in the user's list of devices. Raises RequestFailed where the server
    offers no such login, and what `DavClient.request` raises.
    """
    plain = "".join(each if each.isascii() and each.isprintable() else "?" for each in name)
    answer = client.request(
        "POST", f"{root}/index.php/login/v2", headers={"User-Agent": plain}, repeatable=True
    )
    if answer.status in _NOT_FOR_ALL:
        raise failed("the server offers no login by browser; make an app password in its settings instead")
    told = _object(answer.status, answer.body)
    poll = told.get("poll")
    page, endpoint, token = told.get("login"), _of(poll, "endpoint"), _of(poll, "token")
    if not isinstance(page, str) or not endpoint or not token:
        raise failed("the server's answer is no login flow")
    if urlsplit(page).scheme not in {"http", "https"} or not (page.isascii() and page.isprintable()):
        raise failed("the server gives an address for the browser that is none")
    return LoginFlow(page, _path_at(client, endpoint), Secret(token))


def poll(client: DavClient, flow: LoginFlow) -> Credentials | None:
    """The login name and app password, once and for all; None while the user has not granted it.

    A lost answer is lost for good: then only a new login helps. Raises what `DavClient.request` raises.
    """
    body = urlencode({"token": flow.token.reveal()}).encode()
    answer = client.request("POST", flow.endpoint, headers=_FORM, body=body, repeatable=False)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    told = _object(answer.status, answer.body)
    user, password = told.get("loginName"), told.get("appPassword")
    if not isinstance(user, str) or not isinstance(password, str) or not user or not password:
        raise failed("the server's answer has no app password in it")
    return Credentials(user, Secret(password))


def revoke(client: DavClient, root: str) -> bool:
    """Makes the app password that the client uses worthless; False where it is none, but the user's own.

    Raises LoginRefused where it was worthless already, and what else `DavClient.request` raises.
    """
    answer = client.request("DELETE", f"{root}/ocs/v2.php/core/apppassword", headers=OCS)
    if answer.status == HTTPStatus.FORBIDDEN:
        return False
    if answer.status != HTTPStatus.OK:
        raise StatusError(answer.status)
    return True


def _path_at(client: DavClient, endpoint: str) -> str:
    """The path of an address that the server gave, which has to be one at the host that was asked.

    Behind a reverse proxy servers often get their own scheme or port wrong, so ours are kept.
    """
    there = urlsplit(endpoint)
    if there.hostname != urlsplit(client.url).hostname:
        raise failed(
            "the server wants to be asked at another host for the password; if that one is right, give its"
            " address, else set overwrite.cli.url and overwritehost in the server's config.php"
        )
    return decoded(there.path)


def _object(status: int, body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; its body never gets into an error, for it may hold a password."""
    if status != HTTPStatus.OK:
        raise StatusError(status)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise failed("the server's answer is no JSON object")
    return told


def _of(value: object, name: str) -> str:
    """A text in an object, ``""`` where it is not there."""
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
