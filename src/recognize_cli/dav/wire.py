"""One exchange with a server: webdavclient3's client, on a session that keeps credentials at home.

From webdavclient3 (`webdav3.client.Client`) come the connection settings and `execute_request`, which puts
address, headers, certificates and time-outs together and streams the answer. Not used are its methods for
files, and what belongs to them:

- `list`, `info`, `download_from` send two to four requests where one does (HEAD and PROPFIND before each
  GET), and read an answer with lxml when all of it is in memory, without a bound;
- `Urn` drops names made of dots (``/.../``) and cannot carry names that are not UTF-8;
- it follows redirects, repeats nothing, knows no total time, and puts an error's whole body, however long,
  into an exception;
- it would keep the password as an attribute. It is never given one: the session adds the header itself.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from recognize_cli import __version__
from recognize_cli.dav.watch import WatchedAdapter

with warnings.catch_warnings():  # its sources have escapes that newer Pythons warn of when they compile them
    warnings.simplefilter("ignore")
    from webdav3.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from recognize_cli.dav.credentials import Credentials
    from recognize_cli.secret import Secret

_BAD_REQUEST: Final = 400
_MOST_COOKIES: Final = 64  # a server that sends others each time would fill memory, and requests, with them
_PORTS: Final = {"http": 80, "https": 443}
_METHODS: Final = ("GET", "PROPFIND", "POST", "PUT", "DELETE")  # nothing else can be sent


@dataclass(frozen=True, slots=True)
class Question:
    """One request. ``target`` is percent-encoded and starts with a slash."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


def target(path: str, query: Mapping[str, str] | None) -> str:
    """A percent-encoded path with its query."""
    return f"{path}?{urlencode(query)}" if query else path


class Wire:
    """Connections to one server, shared by several threads; ``origin`` as `origin` gives it."""

    def __init__(
        self,
        origin: str,
        credentials: Credentials | None,
        *,
        ca: Path | None,
        connections: int,
        timeout: tuple[float, float],
    ) -> None:
        self.origin = origin
        self._client: Any = Client({"webdav_hostname": origin})
        self._client.session.close()
        self._client.session = _Session(origin, credentials, connections)
        self._client.requests = {method: method for method in _METHODS}
        self._client.timeout = timeout
        self._client.verify = _authorities() if ca is None else str(ca)

    def close(self) -> None:
        """Closes all connections."""
        self._client.session.close()

    def ask(self, question: Question) -> requests.Response:
        """Sends a request once; gives the answer, whatever its status, with its body unread.

        The caller closes it. Raises requests' and urllib3's exceptions.
        """
        lines = [f"{name}: {value}" for name, value in question.headers.items()]
        try:
            answer: requests.Response = self._client.execute_request(
                action=question.method, path=question.target, data=question.body or None, headers_ext=lines
            )
        except _Refusal as refusal:
            return refusal.answer
        return answer


class _Refusal(Exception):
    """Carries an answer past webdavclient3, which would read all of its body into an exception."""

    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer


class _Session(requests.Session):
    """Sends credentials to nobody but whom it is told to ask: it follows no redirect, and reads no netrc."""

    def __init__(self, origin: str, credentials: Credentials | None, connections: int) -> None:
        super().__init__()
        # Once for all: requests would go through the whole environment twice for each request.
        self.trust_env = False
        self.proxies.update(get_environ_proxies(origin))
        self.auth = _Login(credentials.basic() if credentials else None)
        self.headers.update({"User-Agent": f"recognize-cli/{__version__}", "Accept-Encoding": "identity"})
        adapter = WatchedAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed in here."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().request(*args, **kwargs)
        if len(self.cookies) > _MOST_COOKIES:
            self.cookies.clear()
        if answer.status_code >= _BAD_REQUEST:
            raise _Refusal(answer)
        return answer


class _Login(AuthBase):
    """Puts the Authorization header on, if there is one; without it, too, requests looks into no netrc."""

    def __init__(self, header: Secret | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header is not None:
            request.headers["Authorization"] = self._header.reveal()
        return request


def _authorities() -> str | bool:
    """The file with certificates that the environment names, by the names that requests and curl know."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def origin(url: str) -> str:
    """``scheme://host`` of an http address, with a port unless it is the usual one; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"no http address: {parts.scheme}://{parts.hostname or ''}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = parts.port in (None, _PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{parts.port}"
