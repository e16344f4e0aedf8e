"""Real WebDAV servers in threads: WsgiDAV, and one that answers whatever a test wants."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from cheroot.wsgi import Server as Cheroot
from wsgidav.wsgidav_app import WsgiDAVApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USER = "alice"
PASSWORD = "correct horse battery staple"


class WsgiDav:
    """WsgiDAV with a folder of this machine at ``/dav``; ``seen`` is what was asked: (method, path)."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.seen: list[tuple[str, str]] = []
        self._app = WsgiDAVApp(
            {
                "provider_mapping": {"/dav": str(folder)},
                "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
                "http_authenticator": {
                    "accept_basic": True,
                    "accept_digest": False,
                    "default_to_digest": False,
                },
                "logging": {"enable": False},
                "verbose": 0,
                **config,
            }
        )
        self._server = Cheroot(("127.0.0.1", 0), self._answer)
        self._server.shutdown_timeout = 1
        self._server.expiration_interval = 0.02  # how often it looks whether to stop

    def __enter__(self) -> Self:
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self._server.bind_addr[1]}"

    def _answer(self, environment: dict[str, Any], start: Any) -> Any:
        path = environment["PATH_INFO"].encode("latin-1").decode()  # as PEP 3333 has it
        self.seen.append((environment["REQUEST_METHOD"], path))
        return self._app(environment, start)


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hostile:
    """Answers the bytes that ``script`` gives for the requests, in turn; the last one stays.

    An answer is a function that gets the request and a socket to write to. The connection is closed after
    each, unless it gives True. ``asked`` are the requests so far; ``tls`` may wrap a connection.
    """

    script: list[Callable[[Asked, socket.socket], object]]
    asked: list[Asked] = field(default_factory=list)
    tls: Callable[[socket.socket], socket.socket] = lambda connection: connection

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._over = False
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        with socket.create_connection(("127.0.0.1", self._port)):
            self._threads[0].join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # the client has left
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}"

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._over:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(self.tls(connection),))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            with connection, connection.makefile("rb") as stream:
                while (request := _read(stream)) is not None:
                    with self._lock:
                        self.asked.append(request)
                        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    if not answer(request, connection):
                        return
        except OSError:
            return  # the client left early
        finally:
            with self._lock:
                self._open.discard(connection)


def _read(stream: Any) -> Asked | None:
    start = stream.readline().decode("latin-1").split()
    if len(start) < 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(start[0], start[1], headers, stream.read(int(headers.get("content-length", 0))))


def raw(data: bytes) -> Callable[[Asked, socket.socket], object]:
    """Exactly these bytes, and the connection is closed."""

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(data)

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[Asked, socket.socket], object]:
    """A sound answer on a connection that stays open."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {code} Whatever\r\n{lines}Content-Length: {len(body)}\r\n\r\n"

    def answer(_: Asked, connection: socket.socket) -> bool:
        connection.sendall(head.encode("latin-1") + body)
        return True

    return answer


def drip(start: bytes, each: bytes, wait: threading.Event) -> Callable[[Asked, socket.socket], object]:
    """Some bytes, and then a few every now and then, without end, until ``wait`` is set."""

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(start)
        while not wait.wait(0.02):
            connection.sendall(each)

    return answer


def multistatus(*responses: str) -> bytes:
    """A multistatus body."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">'
        + "".join(responses)
        + "</d:multistatus>"
    ).encode()


def told(
    href: str, *, directory: bool = False, size: int = 5, etag: str = "&quot;1&quot;", more: str = ""
) -> str:
    """One response of a multistatus, as a server writes it."""
    kind = "<d:collection/>" if directory else ""
    length = "" if directory else f"<d:getcontentlength>{size}</d:getcontentlength>"
    return (
        f"<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:resourcetype>{kind}</d:resourcetype>{length}"
        f"<d:getetag>{etag}</d:getetag>{more}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        "</d:response>"
    )
