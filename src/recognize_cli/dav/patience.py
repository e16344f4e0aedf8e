"""What of a failed request is temporary, and how long to wait before the next try."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE: Final = 0.1
_LONGEST_ASKED: Final = 86_400.0


class Trouble(Enum):
    """Kinds of failure."""

    OFFLINE = auto()  # no connection came about: nothing was sent
    BROKEN = auto()  # cut off, timed out, or half an answer: the server may have done it
    BUSY = auto()  # 429 or 503: the server did nothing, and says to come back later
    ERROR = auto()  # 502, 504, or another status that the caller knows to pass
    SLOW = auto()  # no whole answer in all its time: another try would take as long
    LASTING = auto()  # another try would end the same way: a wrong certificate, say


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try; the server may have asked to wait some seconds, and answered a status and body."""

    trouble: Trouble
    problem: str
    retry_after: float | None = None
    status: int | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try, in seconds.

    Up to ``attempts`` tries; the waits in between grow from ``backoff`` twofold up to ``longest_backoff``,
    each a random part of that (full jitter), so that clients do not come back all at once. A server that is
    busy is asked again as often as fits into ``longest_wait``, and not before the time it asks for.
    """

    attempts: int = 5
    backoff: float = 0.5
    longest_backoff: float = 30.0
    longest_wait: float = 300.0


class Tries:
    """The tries of one request."""

    def __init__(self, patience: Patience, jitter: Callable[[], float] = random.random) -> None:
        self._patience = patience
        self._jitter = jitter
        self.failed = 0
        self._waited = 0.0

    def wait_after(self, failure: Failure) -> float | None:
        """Seconds to wait before the next try, None if there is to be none."""
        patience = self._patience
        if failure.trouble in {Trouble.SLOW, Trouble.LASTING}:
            return None
        ceiling = min(patience.longest_backoff, patience.backoff * 2.0 ** min(self.failed, 60))
        wait = self._jitter() * ceiling
        self.failed += 1
        if failure.trouble is Trouble.BUSY:
            wait = max(wait, failure.retry_after or 0.0, patience.backoff)
            if self._waited + wait > patience.longest_wait:
                return None
        elif self.failed >= patience.attempts:
            return None
        self._waited += wait
        return wait


def retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, a number or a date; None where there is none to be understood."""
    if not header:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return min(float(header), _LONGEST_ASKED)
    try:
        date = parsedate_to_datetime(header)
        seconds = (date - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), _LONGEST_ASKED)


def pausing(stop: Callable[[], bool]) -> Callable[[float], bool]:
    """A pause that ends early when ``stop`` says so, and tells whether it did."""

    def pause(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not stop():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _SLICE))
        return True

    return pause
