"""Empties the outbox of a target: a few requests at a time, in order of folders, until nothing is due.

A page of files at a time: look at their folders, plan, note in the outbox what will be asked for, ask.
Requests go out from threads of their own, which note each answer before they ask for more; all else of the
outbox is for the calling thread. Killed at any moment, the next run finds what was not answered still due,
looks at what the server has, and goes on. Whose a tag is then, `outbox_api` says.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from recognize_cli.catalogue.outbox_api import PushFile, Settled, State
from recognize_cli.pushing.asking import Asking, Work
from recognize_cli.pushing.looks import Looks
from recognize_cli.pushing.plan import keys_of, needs_look, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.catalogue.outbox_api import Outbox
    from recognize_cli.errors import RecognizeError
    from recognize_cli.protocols import TagServer

_LOG = logging.getLogger(__name__)

FILES_A_PAGE: Final = 64
PATIENCE: Final = 60.0
_TROUBLES_TOLD: Final = 3
TELL_EVERY: Final = 60.0
SEARCH_EVERY: Final = 2.0
"""Seconds; finding what is due takes the longer the more files there are."""


@dataclass(slots=True)
class Pushed:
    """What a run did: tags put on files, taken off, and found there already; refusals by reason."""

    assigned: int = 0
    removed: int = 0
    foreign: int = 0
    retried: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Pusher:
    """Pushes to one target. A context manager: at its end no request is under way any more.

    `workers` is how many requests go out at once; servers on SQLite lock up with more than a few. `stop` is
    asked before each request. What fails is tried again after a delay that doubles each time; `patience` is
    how many seconds `run` waits for that, and what is due later is left to another run. `clock` gives
    seconds since 1970; `jitter` a factor near 1.
    """

    def __init__(
        self,
        outbox: Outbox,
        server: TagServer,
        target: str,
        *,
        workers: int = 2,
        stop: Callable[[], bool] = lambda: False,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = lambda: random.uniform(0.75, 1.25),
    ) -> None:
        self.done = Pushed()
        self._outbox = outbox
        self._server = server
        self._key = keys_of(server)
        self._target = target
        self._stop = stop
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._stack = ExitStack()
        note = self._stack.enter_context(outbox.noting())
        self._asking = Asking(server, note=note, stop=stop, clock=clock, jitter=jitter)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="push")
        self._pages: Iterator[tuple[PushFile, ...]] = iter(())
        self._page: tuple[PushFile, ...] = ()
        self._looks = Looks(lambda folder: self._pool.submit(server.tags_in, folder), clock)
        self._asks: dict[Future[tuple[list[Settled], RecognizeError | None]], Work] = {}
        self._next_search = 0.0
        self._next_word = clock() + TELL_EVERY

    def __enter__(self) -> Self:
        self._outbox.begin(self._target)
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            self._pool.shutdown(cancel_futures=True)
            self._hear()

    def run(self) -> Pushed:
        """Pushes until nothing is due, or what is due is too far off, or it is asked to stop.

        Raises RecognizeError where the server, or the catalogue, cannot be used at all.
        """
        while not self._stop():
            self._tell()
            if self._advance():
                self._looks.wait()
                wait(self._asks, return_when=FIRST_COMPLETED)
                continue
            due = self._outbox.next_due(self._target)
            delay = 0.0 if due is None else due - self._clock()
            if due is None or delay > self._patience:
                break
            self._pause(delay)
        if not self._stop():
            for problem, count in self._outbox.troubles(self._target)[:_TROUBLES_TOLD]:
                tags = "a tag waits" if count == 1 else f"{count} tags wait"
                _LOG.warning("%s: %s for another run: %s", self._target, tags, problem)
        return self.done

    def step(self) -> bool:
        """Does what can be done without waiting; False when nothing is due or under way.

        For a caller with other work, such as a scan, as often as it likes; `run` does the rest at the end.
        Raises as `run` does.
        """
        if not (self._page or self._asks) and self._clock() < self._next_search:
            return False
        found = self._advance()
        if not found:
            self._next_search = self._clock() + SEARCH_EVERY
        return found

    def _advance(self) -> bool:
        if self._collect():
            return True
        if self._page:
            if self._looks.are_there:
                self._ask()
            return True
        page = next(self._pages, None)
        if page is None and self._is_due():
            self._looks.forget()
            self._pages = self._outbox.pending(self._target, now=self._clock(), size=FILES_A_PAGE)
            page = next(self._pages, None)
        if page is None:
            return False
        self._look(page)
        return True

    def _is_due(self) -> bool:
        due = self._outbox.next_due(self._target)
        return due is not None and due <= self._clock()

    def _look(self, page: tuple[PushFile, ...]) -> None:
        """Begins a page: asks what the files of its folders bear now."""
        self._page = page
        files = defaultdict[str, set[str]](set)
        for file in page:
            if needs_look(file):
                files[file.folder].add(file.file_id)
        self._looks.begin(files)
        if self._looks.are_there:
            self._ask()

    def _ask(self) -> None:
        """Plans the page, notes what it asks for, and asks."""
        page, self._page = self._page, ()
        known: list[Settled] = []
        work: list[Work] = []
        for file in page:
            try:
                planned = plan(file, self._looks.names(file.folder, file.file_id), self._key)
            except OSError as error:
                known += [self._asking.again(file, tag, tag.state, error) for tag in file.tags if tag.due]
                continue
            refused, wanted = self._asking.split(file, planned)
            known += [*planned.known, *refused]
            work.append(wanted)
        if known:
            self._outbox.settle(known)
            self._count(known)
        work = [each for each in work if each.tags]
        self._outbox.sent(
            [
                (each.file.id, tag.name, State.SENT if tag.wanted else State.LEAVING)
                for each in work
                for tag in each.tags
            ]
        )
        self._asks = {self._pool.submit(self._asking.ask, each): each for each in work}

    def _collect(self) -> bool:
        """Counts the answers that are there; whether requests are still under way."""
        if error := self._hear():
            raise error
        return bool(self._asks)

    def _hear(self) -> BaseException | None:
        """Counts the answers that are there; gives back what keeps the run from going on."""
        errors = list[BaseException]()
        for ask in [ask for ask in self._asks if ask.done()]:
            work = self._asks.pop(ask)
            if ask.cancelled():
                self._asking.unasked(work.file, work.tags)
            elif error := ask.exception():
                errors.append(error)
            else:
                known, error = ask.result()
                self._count(known)
                errors += [error] if error else []
        return errors[0] if errors else None

    def _count(self, news: list[Settled]) -> None:
        for each in news:
            if each.retry_at is not None:
                self.done.retried += bool(each.problem)
            elif each.problem:
                self.done.refused[each.problem] += 1
            elif each.state is State.OURS:
                self.done.assigned += 1
            elif each.state is State.FOREIGN:
                self.done.foreign += 1
            elif each.state is None:
                self.done.removed += 1

    def _tell(self) -> None:
        """Says once a minute how far it is."""
        if self._clock() >= self._next_word:
            self._next_word = self._clock() + TELL_EVERY
            waiting = sum(count.waiting for count in self._outbox.counts(self._target))
            _LOG.info(
                "%s: %d tags put, %d taken off so far, %d wait",
                *(self._target, self.done.assigned, self.done.removed, waiting),
            )

    def _pause(self, seconds: float) -> None:
        """Waits, a moment at a time, for as long as nobody asks to stop."""
        end = self._clock() + seconds
        while not self._stop() and (left := end - self._clock()) > 0:
            self._sleep(min(left, 0.2))
