"""From a request to what answers it: maintenance, the log-in, and the address."""

from __future__ import annotations

import base64
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from tests.support.nextcloud import web
from tests.support.nextcloud.accounts import Braked
from tests.support.nextcloud.exchange import OUTSIDE
from tests.support.nextcloud.files import FILES, files
from tests.support.nextcloud.multistatus import error
from tests.support.nextcloud.search import search
from tests.support.nextcloud.systemtags import RELATIONS, SYSTEMTAGS, relations, systemtags
from tests.support.nextcloud.tree import Refused

if TYPE_CHECKING:
    from tests.support.nextcloud.accounts import User
    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Answer, Request

_SESSION = "nc_session_id"
_LOGIN = ("/index.php/login/v2", "/login/v2")


def answer(cloud: Cloud, request: Request, host: str) -> Answer:
    """What the server says to a request; ``host`` is the name that it gives itself."""
    if request.path == "/status.php":
        return web.status(cloud)
    if cloud.maintenance:
        busy = error(503, "System is in maintenance mode.")
        busy.headers |= {"Retry-After": "120", "X-Nextcloud-Maintenance-Mode": "1"}
        return busy
    if request.path.startswith(OUTSIDE):
        return error(404, "Not found")
    for start in _LOGIN:
        if request.path.startswith(start):
            return web.login(cloud, request, request.path.removeprefix(start).strip("/"), host)
    try:
        user, password, session = _enter(cloud, request)
    except Braked:
        return error(429, "Too many requests")
    if user is None:
        wrong = error(401, "No public access to this resource., Username or password was incorrect")
        wrong.headers["WWW-Authenticate"] = 'Basic realm="Nextcloud", charset="UTF-8"'
        return wrong
    used = password if password in user.app_passwords else ""
    try:
        found = _route(cloud, replace(request, user=user, app_password=used), user.uid)
    except Refused as refused:
        found = error(refused.status, str(refused))
    found.headers["X-User-Id"] = user.uid
    if session:
        found.headers["Set-Cookie"] = f"{_SESSION}={session}; path={cloud.folder}/; HttpOnly; SameSite=Lax"
    return found


def _enter(cloud: Cloud, request: Request) -> tuple[User | None, str, str]:
    """Who asks, with what password, and the session that was begun; a running session beats the password."""
    cookies = SimpleCookie(request.header("Cookie"))
    running = cloud.accounts.resume(cookies[_SESSION].value) if _SESSION in cookies else None
    if running is not None:
        return *running, ""
    name, password = _basic(request.header("Authorization"))
    user = cloud.accounts.enter(name, password) if name else None
    if user is None:
        return None, "", ""
    return user, password, cloud.accounts.open_session(user, password)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    name, _, password = base64.b64decode(value).decode().partition(":")
    return name, password


def _route(cloud: Cloud, request: Request, uid: str) -> Answer:
    path = request.path
    if path.startswith(FILES):
        return files(cloud, request, uid, path.removeprefix(FILES))
    if path.startswith(RELATIONS):
        return relations(cloud, request, uid, path.removeprefix(RELATIONS))
    if f"{path}/".startswith(SYSTEMTAGS):
        return systemtags(cloud, request, uid, path.removeprefix(SYSTEMTAGS.rstrip("/")))
    if path.rstrip("/") == "/remote.php/dav" and request.method == "SEARCH":
        return search(cloud, request, uid)
    if path.startswith("/ocs/v2.php/"):
        return web.ocs(cloud, request, path.removeprefix("/ocs/v2.php/"))
    if path == "/index.php/core/preview":
        return web.preview(cloud, request)
    return error(404, "Not found")
