"""How far a run is, on stderr: a bar for a person at a terminal, a line a minute in a log."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from tqdm import tqdm

    from recognize_cli.protocols import Progress

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 60.0


def file_progress(show: bool | None, what: str = "scan") -> Progress:
    """The progress of files; `show` is what ``--progress/--no-progress`` says, None if neither was given.

    Without one a bar is shown on a terminal, unless -q is given.
    """
    return Bar(what) if _wants_bar(show) else LogLines()


@contextmanager
def byte_progress(what: str, show: bool | None) -> Iterator[Callable[[int, int], None]]:
    """The progress of a download: gives a function to be told the bytes that are here, and all there are."""
    if not _wants_bar(show):
        _LOG.info("fetching %s", what)
        yield lambda _done, _total: None
        return
    with _tqdm(desc=what, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


class Bar:
    """Files so far, their rate, and how many were known already or failed."""

    def __init__(self, what: str = "scan") -> None:
        """`what` is the word in front."""
        self._bar = _tqdm(desc=what, unit=" files")
        self._counts = {"unchanged": 0, "failed": 0}

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        """One more file is done."""
        self._counts["failed"] += failed
        self._counts["unchanged"] += unchanged
        if failed or unchanged:
            self._bar.set_postfix_str(_in_words(self._counts), refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.close()


class LogLines:
    """A message a minute, as long as files come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is for tests."""
        self._clock = clock
        self._started = clock()
        self._due = self._started + _EVERY_SECONDS
        self._files = 0
        self._counts = {"unchanged": 0, "failed": 0}

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        """One more file is done."""
        self._files += 1
        self._counts["failed"] += failed
        self._counts["unchanged"] += unchanged
        now = self._clock()
        if now >= self._due:
            self._due = now + _EVERY_SECONDS
            rate = self._files / (now - self._started)
            details = "".join(f", {words}" for words in [_in_words(self._counts)] if words)
            _LOG.info("%d files so far, %.1f a second%s", self._files, rate, details)

    def close(self) -> None:
        """Nothing to take away."""


def _in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _wants_bar(show: bool | None) -> bool:
    if show is not None:
        return show
    return sys.stderr.isatty() and _LOG.isEnabledFor(logging.INFO)


class _AboveBar:
    """A stream on a terminal that a bar may be on as well: the bar makes room for each write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes above the bar."""
        from tqdm import tqdm

        with tqdm.external_write_mode(file=self._stream):
            return self._stream.write(text)

    def flush(self) -> None:
        """Passes it on."""
        self._stream.flush()


def above_bar(stream: TextIO) -> TextIO:
    """The stream for results in text, so that a bar on the same terminal does not get in their way."""
    return cast("TextIO", _AboveBar(stream)) if stream.isatty() and sys.stderr.isatty() else stream


def _tqdm(**attributes: Any) -> tqdm[Any]:
    from tqdm import tqdm

    # tqdm's helper thread, and its lock between processes, do not go with forked workers.
    tqdm.monitor_interval = 0
    tqdm.set_lock(RLock())
    return tqdm(
        file=sys.stderr, leave=False, dynamic_ncols=True, smoothing=0.1, mininterval=0.2, **attributes
    )
