"""A real HTTP server in a thread, which misbehaves as it is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.support.loopback import LoopbackServer

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One GET; answers are functions that take it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Plays the next answer for this path; the last one stays."""
        self.server.seen.append((self.path, self.headers.get("Range")))
        answers = self.server.answers[self.path] or [status(404)]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def head(self, code: int, length: int | None, **headers: str) -> None:
        """Sends status and headers; without a length the body ends when the connection does."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is None:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    @property
    def offset(self) -> int:
        """Where the client wants to start."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


class Server(LoopbackServer):
    """``answers[path]`` is what it does, in turn; ``seen`` is what was asked: (path, Range)."""

    def __init__(self) -> None:
        super().__init__(Request)
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        """The address of the root."""
        return f"http://{self.host}"


def whole(data: bytes) -> Answer:
    """The file; Range is ignored."""

    def answer(request: Request) -> None:
        request.head(200, len(data))
        request.wfile.write(data)

    return answer


def resuming(data: bytes) -> Answer:
    """The file, from where the client wants it; 416 beyond its end."""

    def answer(request: Request) -> None:
        start = request.offset
        if start >= len(data):
            request.head(416, 0, Content_Range=f"bytes */{len(data)}")
            return
        code = 206 if start else 200
        request.head(code, len(data) - start, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.wfile.write(data[start:])

    return answer


def cut_off(data: bytes, after: int, *, declared: int | None = None) -> Answer:
    """As many bytes from the offset on as `after` says, and the connection is closed."""

    def answer(request: Request) -> None:
        start = request.offset
        rest = len(data) - start if declared is None else declared
        request.head(206 if start else 200, rest, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.wfile.write(data[start : start + after])
        request.close_connection = True

    return answer


def endless(request: Request) -> None:
    """Bytes without end and without a length."""
    request.head(200, None)
    while True:
        request.wfile.write(b"\0" * 65536)


def status(code: int, **headers: str) -> Answer:
    """A status without a body."""
    return lambda request: request.head(code, 0, **headers)
