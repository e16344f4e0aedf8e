"""Asks a server for the changes to one file after the other, and says what came of each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.outbox_api import PushFile, PushTag, Settled, State
from recognize_cli.errors import FileRefused, RecognizeError, TagRefused
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recognize_cli.protocols import TagServer
    from recognize_cli.pushing.plan import Plan

_LOG = logging.getLogger(__name__)

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Work:
    """The requests for one file, one after the other."""

    file: PushFile
    assign: tuple[PushTag, ...]
    unassign: tuple[PushTag, ...]

    @property
    def tags(self) -> tuple[PushTag, ...]:
        return self.unassign + self.assign


class Asking:
    """The requests of a run; what a server refuses for a whole tag is not asked for again.

    `note` is told what came of each request, before the next one is sent. `stop` is asked before each
    request, `clock` gives seconds since 1970, `jitter` a factor near 1. All but `split` may be called from
    several threads at once, and so may `note`.
    """

    def __init__(
        self,
        server: TagServer,
        *,
        note: Callable[[Sequence[Settled]], None],
        stop: Callable[[], bool],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._server = server
        self._note = note
        self._stop = stop
        self._clock = clock
        self._jitter = jitter
        self._is_over = False
        self._refused: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()

    def split(self, file: PushFile, planned: Plan) -> tuple[list[Settled], Work]:
        """Parts what is known to be refused from what to ask for."""
        refused = [
            Settled(file.id, tag.name, tag.state, self._refused[tag.name])
            for tag in planned.assign + planned.unassign
            if tag.name in self._refused
        ]
        assign, unassign = (
            tuple(tag for tag in tags if tag.name not in self._refused)
            for tags in (planned.assign, planned.unassign)
        )
        return refused, Work(file, assign, unassign)

    def ask(self, work: Work) -> tuple[list[Settled], RecognizeError | None]:
        """Sends the requests for a file: what came of them, and why it is no use to go on, if it is not."""
        file, news = work.file, list[Settled]()
        for number, tag in enumerate(work.tags):
            if self._stop() or self._is_over:
                self.unasked(file, work.tags[number:])
                break
            try:
                answers = [self._ask_once(file, tag)]
            except FileRefused as error:
                rest = work.tags[number:]
                answers = [Settled(file.id, each.name, each.state, str(error)) for each in rest]
                self._tell(file.folder, "the tags of %s stay as they are: %s", file.path, error)
            except RecognizeError as error:
                # Nobody knows of this one; of those behind it, what was known still holds. Whatever waits for
                # a thread would wait for the server, as this one did.
                self._is_over = True
                self.unasked(file, work.tags[number + 1 :])
                return news, error
            self._remember(answers)
            news += answers
            if len(news) == len(work.tags):  # all were asked for, or refused at once
                break
        return news, None

    def _remember(self, answers: list[Settled]) -> None:
        """Has answers noted; where that fails (a full disk), nothing more is asked for."""
        try:
            self._note(answers)
        except RecognizeError:
            self._is_over = True
            raise

    def unasked(self, file: PushFile, tags: Sequence[PushTag]) -> None:
        """Notes what is to be asked for later: nothing was sent, so what was known of it still holds."""
        self._note([Settled(file.id, tag.name, tag.state, retry_at=self._clock()) for tag in tags])

    def _ask_once(self, file: PushFile, tag: PushTag) -> Settled:
        name = tag.name
        if problem := self._refused.get(name):
            return Settled(file.id, name, tag.state, problem)
        try:
            if not tag.wanted:
                self._server.unassign(file.file_id, name)
                return Settled(file.id, name, None)
            # It was not there when we looked. If it was when we asked, and no earlier request of ours can
            # have put it there, somebody else did.
            ours = self._server.assign(file.file_id, name) or tag.state is State.SENT
            return Settled(file.id, name, State.OURS if ours else State.FOREIGN)
        except TagRefused as error:
            self._refused[name] = str(error)
            self._tell(name, "the tag %s is left alone: %s", name, error)
            return Settled(file.id, name, tag.state, str(error))
        except OSError as error:
            return self.again(file, tag, State.SENT if tag.wanted else State.LEAVING, error)

    def again(self, file: PushFile, tag: PushTag, state: State, error: OSError) -> Settled:
        """To be tried again; the request may have had its effect."""
        delay = min(FIRST_DELAY * 2**tag.attempts, LONGEST_DELAY) * self._jitter()
        problem = error.strerror or str(error) or type(error).__name__
        _LOG.debug("%s, tag %s: %s; again in %.0f s", file.path, tag.name, problem, delay)
        return Settled(file.id, tag.name, state, problem, self._clock() + delay)

    def _tell(self, about: str, message: str, name: str, error: Exception) -> None:
        """Warns once of each folder or tag, and reason."""
        if (about, str(error)) not in self._told:
            self._told.add((about, str(error)))
            _LOG.warning(message, printable(name), error)
