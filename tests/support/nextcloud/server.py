"""HTTP for the test server: threads, faults, cut lines and the request log."""

from __future__ import annotations

import random
import socket
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.loopback import LoopbackServer
from tests.support.nextcloud.exchange import OUTSIDE, Fault, Request, Seen
from tests.support.nextcloud.multistatus import error
from tests.support.nextcloud.routes import answer

if TYPE_CHECKING:
    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Answer

_WRITES = ("DELETE", "MKCOL", "MOVE", "POST", "PROPPATCH", "PUT")


class NextcloudServer(LoopbackServer):
    """Serves a `Cloud` on the loopback in threads, one a connection."""

    request_queue_size = 64

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(_Handler)
        self.cloud = cloud
        self.writing = 0
        self._random = random.Random(0)

    @property
    def url(self) -> str:
        """The address of the Nextcloud, with the folder that it lies in."""
        return f"http://{self.host}{self.cloud.folder}"

    def perform(self, request: Request) -> Answer:
        """Does what is asked; on SQLite a write that meets another one may find the database locked."""
        cloud = self.cloud
        if cloud.database != "sqlite" or request.method not in _WRITES:
            with cloud.lock:
                return answer(cloud, request, self.host)
        with cloud.lock:
            refused = self.writing > 0 and self._random.random() < cloud.lock_rate
            self.writing += 1
        try:
            if refused:
                return _database_locked()
            time.sleep(cloud.write_seconds)
            with cloud.lock:
                return answer(cloud, request, self.host)
        finally:
            with cloud.lock:
                self.writing -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: NextcloudServer

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """The server keeps a log of its own."""

    def _serve(self) -> None:
        request = self._read()
        self.server.cloud.before(request)
        fault = self.server.cloud.faults.draw(request)
        match fault:
            case Fault.CUT_BEFORE:
                self._cut(request)
            case Fault.CUT_AFTER:
                self.server.perform(request)
                self._cut(request)
            case Fault.ERROR:
                self._send(request, error(500, "Something went wrong"))
            case Fault.LOCKED:
                self._send(request, _database_locked())
            case Fault.ERROR_AFTER:
                self.server.perform(request)
                self._send(request, error(500, "Something went wrong afterwards"))
            case Fault.NONE:
                self._send(request, self.server.perform(request))

    def _read(self) -> Request:
        folder = self.server.cloud.folder
        url = urlsplit(self.path)
        path = unquote(url.path)
        inside = path.removeprefix(folder) if path.startswith(f"{folder}/") else OUTSIDE + path
        return Request(
            self.command, inside, dict(parse_qsl(url.query)), dict(self.headers.items()), self._body()
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, request: Request, found: Answer) -> None:
        self._log(request, found.headers.get("X-User-Id", ""), found.status)
        self.send_response_only(found.status)
        self.send_header("Server", "nginx")
        self.send_header("Date", formatdate(self.server.cloud.now(), usegmt=True))
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.status not in (204, 304):
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        if request.method != "HEAD":
            self.wfile.write(found.body)

    def _cut(self, request: Request) -> None:
        """Ends the line without a word."""
        self._log(request, "", 0)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _log(self, request: Request, uid: str, status: int) -> None:
        self.server.cloud.seen.append(Seen(request.method, request.path, uid, status))


def _database_locked() -> Answer:
    return error(
        500,
        "An exception occurred while executing a query: SQLSTATE[HY000]: General error: 5 database is locked",
    )
