"""Hearing signals at once, whatever the main thread waits for.

Python runs the handler of a signal in the main thread only, and not before that goes on. A signal that comes
just as this thread begins to wait for a lock, a queue or a server, or that the kernel hands to another
thread, does not end the wait: it is heard after it, which may be never. As it comes, though, C code of
Python writes its number to a file (`signal.set_wakeup_fd`), and a thread that reads there hears it.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Handlers = Mapping[signal.Signals, signal._HANDLER]

_END = b"\0"  # no signal has this number
_ROUSING = signal.SIGURG
"""Comes to nobody who has no handler for it: one that comes late does no harm."""
_AGAIN_AFTER = 0.05  # seconds


@contextmanager
def handling(handlers: Handlers) -> Iterator[None]:
    """Within it signals have these handlers. Only for the main thread."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def handling_at_once(handlers: Handlers) -> Iterator[None]:
    """As `handling`; and a signal ends a wait of the main thread, in every case, so that its handler can run.

    For handlers that raise: others leave the wait as it is. Not for waits that no signal can end.
    """
    rouser = _Rouser()
    with handling({_ROUSING: rouser.note}), Listener(rouser.rouse):
        try:
            with handling(handlers):
                yield
        finally:
            rouser.end()


class Listener:
    """Tells ``hear`` the number of each signal that has a handler in Python, from a thread of its own.

    A context manager for the main thread. At its end all that came before was told. While ``hear`` runs
    nothing more is told. One within another hears in its place. A process forked within it hears nothing.
    """

    def __init__(self, hear: Callable[[int], None]) -> None:
        self._hear = hear
        self._process = os.getpid()
        self._before = self._reading = self._writing = -1
        self._thread = Thread(target=self._listen, name="signals", daemon=True)

    def __enter__(self) -> Self:
        self._process = os.getpid()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._thread.start()
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        if os.getpid() != self._process:
            return
        signal.set_wakeup_fd(self._before)
        os.write(self._writing, _END)
        self._thread.join()
        os.close(self._writing)
        os.close(self._reading)

    def _listen(self) -> None:
        while (number := os.read(self._reading, 1)) != _END:
            self._hear(number[0])


def _leave_to_parent() -> None:
    """A forked process has the pipe of its parent, who would take each signal of the child for its own."""
    signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_leave_to_parent)


class _Rouser:
    """Has the main thread run the handlers of signals that came, out of any wait that a signal can end.

    It sends that thread one more signal, again and again until the handler of this one has run: one of them
    comes when the wait has begun. Python runs handlers in the order of the numbers of their signals, and that
    of `signal.SIGURG` after those of SIGINT and SIGTERM; if one of these raises, at the next occasion.
    """

    def __init__(self) -> None:
        """Only for the main thread."""
        self._main = get_ident()
        self._heard: SimpleQueue[None] = SimpleQueue()  # its `put` may come in the middle of another
        self._is_over = False

    def note(self, *_: object) -> None:
        """The handler of the signal that rouses."""
        self._heard.put(None)

    def end(self) -> None:
        """Lets `rouse` return."""
        self._is_over = True

    def rouse(self, number: int) -> None:
        """Returns once the main thread has come to the handler of a signal that came."""
        if number == _ROUSING:
            return
        while not self._heard.empty():
            self._heard.get()
        self._send_until_heard()
        self._send_until_heard()  # Python may have been past the handler of `number` the first time

    def _send_until_heard(self) -> None:
        while not self._is_over:
            signal.pthread_kill(self._main, _ROUSING)
            with suppress(Empty):
                self._heard.get(timeout=_AGAIN_AFTER)
                return
