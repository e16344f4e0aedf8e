"""Stopping a run: signals that end it between two batches, and a limit on its duration.

Outside of a long run a signal is an exception (`signals_as_exceptions`), so that `finally` blocks run.
Inside of one, `Interrupt` turns the first signal into a request that the run polls; the second ends
the process at once. Neither depends on what the main thread does or waits for, see `signals`.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from threading import Thread
from typing import TYPE_CHECKING, NoReturn, Self

from recognize_cli.errors import ExitCode
from recognize_cli.signals import Listener, handling, handling_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType, TracebackType

_LOG = logging.getLogger(__name__)


class Stop(StrEnum):
    """Why a run was asked to stop; the stable word in summaries."""

    SIGINT = "SIGINT"
    SIGTERM = "SIGTERM"
    TIME_LIMIT = "time-limit"

    @property
    def exit_code(self) -> ExitCode:
        """What a run that stopped for this reason ends with."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Stop.SIGINT: ExitCode.INTERRUPTED,
    Stop.SIGTERM: ExitCode.TERMINATED,
    Stop.TIME_LIMIT: ExitCode.TIME_LIMIT,
}
_SIGNALS: Mapping[int, Stop] = {signal.SIGINT: Stop.SIGINT, signal.SIGTERM: Stop.SIGTERM}


class Terminated(BaseException):
    """SIGTERM, as an exception. Like KeyboardInterrupt it is no Exception, so nothing swallows it."""


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Within it SIGTERM raises Terminated and SIGINT KeyboardInterrupt, in the main thread.

    SIGINT is set as well because ``recognize ... &`` in a shell script starts with it ignored,
    and somebody who sends it on purpose means it. Only for the main thread.
    """
    with handling_at_once(
        {signal.SIGTERM: _raise_terminated, signal.SIGINT: signal.default_int_handler},
    ):
        yield


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


class Interrupt:
    """Asks a long run to stop: at the first SIGINT or SIGTERM, or when `max_duration` is over.

    A context manager for the main thread; the object itself is the question whether to stop, to be
    asked between two batches, from any thread. A second signal does not wait: it runs the callbacks
    given to `on_abort` (kill the workers, remove temporary files) and ends the process with 130 or 143.
    """

    def __init__(
        self,
        max_duration: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        """`max_duration` is in seconds from entering the context; None is no limit.

        `clock` and `leave` are the clock and the way out of the process, for tests.
        """
        self._max_duration = max_duration
        self._clock = clock
        self._leave = leave
        self._deadline = float("inf")
        self._is_late = False
        self._signalled: Stop | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._message: Thread | None = None
        self._process = os.getpid()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._process = os.getpid()
        if self._max_duration is not None:
            self._deadline = self._clock() + self._max_duration
        self._stack.enter_context(Listener(self._hear))
        self._stack.enter_context(
            handling({number: self._handle for number in (signal.SIGINT, signal.SIGTERM)})
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        if self._message is not None:
            self._message.join()

    def __call__(self) -> bool:
        """Whether the run should stop now."""
        return self.requested is not None

    @property
    def requested(self) -> Stop | None:
        """Why the run should stop; None while it should go on. A signal outweighs the time limit."""
        if self._signalled is None and not self._is_late and self._clock() >= self._deadline:
            self._is_late = True
            _LOG.warning("the time limit is reached; stopping after the batch in hand")
        return self._reason

    @property
    def exit_code(self) -> ExitCode:
        """`ExitCode.DONE` unless the run was asked to stop."""
        return ExitCode.DONE if self._reason is None else self._reason.exit_code

    @property
    def _reason(self) -> Stop | None:
        return self._signalled or (Stop.TIME_LIMIT if self._is_late else None)

    def on_abort(self, callback: Callable[[], None]) -> None:
        """Has a callback run before a second signal ends the process; the latest one comes first."""
        self._callbacks.append(callback)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Python's handler, which the main thread runs when it can; `_hear` acts at once."""
        if os.getpid() != self._process and number == signal.SIGTERM:
            # A forked worker inherits this handler. Ctrl-C reaches it too, but its parent decides.
            self._leave(Stop.SIGTERM.exit_code)

    def _hear(self, number: int) -> None:
        reason = _SIGNALS.get(number)
        if reason is None:  # another one for which somebody has a handler
            return
        if self._signalled is not None:
            self._abort(reason)
        self._signalled = reason
        self._say(f"{reason}: stopping after the batch in hand; again to stop at once")

    def _say(self, message: str) -> None:
        """Logs from a thread: where nobody reads stderr this would wait, and a second signal is not to."""
        thread = Thread(target=_LOG.warning, args=("%s", message), name="message", daemon=True)
        with suppress(RuntimeError):  # as many threads as there may be: that it stops is what counts
            thread.start()
            self._message = thread

    def _abort(self, reason: Stop) -> None:
        for callback in reversed(self._callbacks):
            with suppress(Exception):  # one that fails must not keep the others from running
                callback()
        self._leave(reason.exit_code)
