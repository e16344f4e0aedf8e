"""A request and its answer, the faults that come between them, and the log of what was asked."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.nextcloud.accounts import User


OUTSIDE = "/outside of the server's folder"


@dataclass(frozen=True)
class Seen:
    """A line of the request log; no password, no header gets in here. ``status`` 0: the line was cut."""

    method: str
    path: str
    user: str
    status: int


@dataclass(frozen=True)
class Request:
    """What came in. ``path`` is decoded and relative to the server's own folder, or below `OUTSIDE`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user: User | None = None
    app_password: str = ""

    def header(self, name: str) -> str:
        """A header in any case, ``""`` where it was not sent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclass
class Answer:
    """What goes out."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Fault(Enum):
    """What goes wrong with a request."""

    NONE = auto()
    ERROR = auto()  # 500, nothing was done
    LOCKED = auto()  # 500 "database is locked", nothing was done
    ERROR_AFTER = auto()  # 500, and yet it was done
    CUT_BEFORE = auto()  # the line is cut, nothing was done
    CUT_AFTER = auto()  # the line is cut after it was done


@dataclass
class Faults:
    """Draws a fault for each request, by its rates; the same seed draws the same ones.

    ``only`` says which requests are concerned. `script` goes first: faults for the next requests of these.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0
    only: Callable[[Request], bool] = lambda request: True
    script: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def draw(self, request: Request) -> Fault:
        if not self.only(request):
            return Fault.NONE
        with self._lock:
            if self.script:
                return self.script.pop(0)
            drawn = self._random.random()
        for fault, rate in self.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return Fault.NONE
