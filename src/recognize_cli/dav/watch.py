"""An end to every request, however slowly a server answers.

Time-outs of a socket start anew with each byte, so a server that sends one a minute can hold a client
for days. A `Watch` cuts the connection at a fixed time instead, whether it waits for headers or a body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from urllib3.response import HTTPResponse

_CURRENT = threading.local()


class Watch:
    """Within it, connections that this thread reads from are cut after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self.cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _CURRENT.watch = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._sockets.clear()  # the connection may serve another request now
        _CURRENT.watch = None

    def add(self, connection: object) -> None:
        """Has a connection cut at the end of the time, at once if that is over."""
        if isinstance(connection, socket.socket):
            with self._lock:
                self._sockets.append(connection)
                if self.expired:
                    _shut(connection)

    def cut(self) -> None:
        """Cuts them now."""
        with self._lock:
            self.expired = True
            for connection in self._sockets:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    """Ends both directions, which wakes a thread that waits; of a TLS connection too, without a farewell."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _watch(connection: HTTPConnection) -> None:
    watch: Watch | None = getattr(_CURRENT, "watch", None)
    if watch is not None:
        watch.add(connection.sock)


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _watch(self)
        return super().getresponse()


class _Tls(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _watch(self)
        return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class WatchedAdapter(HTTPAdapter):
    """A transport adapter of requests whose connections obey the `Watch` of their thread."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        return manager
