"""Models that are loaded when they are first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Closable(Protocol):
    """Holds memory until it is closed."""

    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class OnDemand(Generic[T]):
    """Something that is opened once, whichever thread asks for it first, and can be closed."""

    def __init__(self, open_: Callable[[], T]) -> None:
        self._open = open_
        self._opened: T | None = None
        self._lock = threading.Lock()

    @property
    def value(self) -> T:
        """What `load` opened; RuntimeError before that."""
        if self._opened is None:
            raise RuntimeError("used before load()")
        return self._opened

    def load(self) -> None:
        """Opens it, if it is not open yet; raises what opening it raises."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()

    def close(self) -> None:
        """Gives its memory back; it may be loaded again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
