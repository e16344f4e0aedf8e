"""What goes wrong with one request, in OSErrors: it costs one folder or file, not the run."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Final

_SHOWN: Final = 200
_ERRNO: Final = {
    HTTPStatus.FORBIDDEN: errno.EACCES,
    HTTPStatus.NOT_FOUND: errno.ENOENT,
    HTTPStatus.GONE: errno.ENOENT,
    HTTPStatus.INSUFFICIENT_STORAGE: errno.ENOSPC,
}


class RequestFailed(OSError):
    """A request got no sound answer; `strerror` says how it failed, without the path."""


class StatusError(RequestFailed):
    """A request was answered by another status than what it is for; `errno` fits it."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(_ERRNO.get(HTTPStatus(status), errno.EIO) if status in _KNOWN else errno.EIO, "")
        self.strerror = f"the server answers {name(status)}"
        self.status = status
        self.body = body


_KNOWN = frozenset(HTTPStatus)


def failed(problem: str) -> RequestFailed:
    """A failure with a problem that has no status."""
    return RequestFailed(errno.EIO, problem)


def name(status: int) -> str:
    """A status as people know it: ``404 Not Found``."""
    return f"{status} {HTTPStatus(status).phrase}" if status in _KNOWN else str(status)
