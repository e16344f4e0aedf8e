"""Pushes of one run, to all servers that its files turn out to be on."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from recognize_cli.catalogue.outbox_api import Followed
from recognize_cli.errors import LoginError, SourceError, SourceUnreachable
from recognize_cli.pushing.preview import preview
from recognize_cli.pushing.runner import Pusher
from recognize_cli.stages.reconcile import place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from recognize_cli.catalogue.outbox_api import Outbox, Remote
    from recognize_cli.errors import RecognizeError
    from recognize_cli.protocols import Source, TagServer
    from recognize_cli.pushing.destinations import Destination
    from recognize_cli.records import Change, MediaFile

T = TypeVar("T")

CONNECTIONS: Final = 2
"""Requests for tags at a time: more of them make a server with SQLite lock itself up."""


class Pushes:
    """Pushes to the targets that files turn out to have. A context manager.

    A server that cannot be used costs no more than what would be pushed to it: that is told once, and waits
    for another run.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Sequence[Destination],
        server: Callable[[str], TagServer],
        *,
        people: bool,
        stop: Callable[[], bool],
        problem: Callable[[RecognizeError], None],
        retry: bool = False,
        dry_run: bool = False,
    ) -> None:
        """``server`` gives the tags of a target; with ``people`` the names of people are tags, too.

        ``problem`` is told why a server cannot be used. With ``retry`` what was refused is asked for again.
        """
        self._outbox = outbox
        self._destinations = list(destinations)
        self._server = server
        self._people = people
        self._stop = stop
        self._problem = problem
        self._retry = retry
        self._dry_run = dry_run
        self._servers: dict[str, TagServer] = {}
        self._pushers: dict[str, Pusher] = {}
        self._given_up: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Pushes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def remotes(self, source: Source, file: MediaFile) -> tuple[Remote, ...]:
        """The files that the tags of a file go to; none in a dry run, which keeps them to itself."""
        found = [
            remote
            for each in list(self._destinations)
            for remote in self._answer(each, partial(each.remotes, source, file))
        ]
        remotes = tuple(remote for remote in found if self._begin(remote.target))
        if not self._dry_run:
            return remotes
        where = place(source, file.directory)
        self._outbox.remember([Followed(source.storage, where, file.name, remote) for remote in remotes])
        return ()

    def step(self) -> None:
        """Pushes what can be without waiting."""
        self._each(Pusher.step)

    def changes(self) -> Iterator[Change]:
        """What a push would change now; the outbox stays as it is."""
        self._begin_all()
        with self._outbox.rehearsal() as outbox:
            for target, server in self._servers.items():
                self._prepare(outbox, target)
                try:
                    for change in preview(outbox, server, target):
                        if self._stop():
                            return
                        yield change
                except OSError as error:
                    self._tell(SourceUnreachable(source=target, problem=error.strerror or error))
                except (SourceError, LoginError) as error:
                    self._tell(error)

    def finish(self) -> dict[str, int]:
        """Pushes the rest, as far as that can be done soon; counts for the summary of the run.

        Those are the tags that were put on files, taken off, and refused for the first time by this run, and
        all that are refused and that wait after it.
        """
        self._begin_all()
        self._each(Pusher.run)
        done = [pusher.done for pusher in self._pushers.values()]
        counts = [count for target in self._servers for count in self._outbox.counts(target)]
        return {
            "assigned": sum(each.assigned for each in done),
            "removed": sum(each.removed for each in done),
            "newly_refused": sum(each.refused.total() for each in done),
            "refused": sum(each.refused for each in counts),
            "waiting": sum(each.waiting for each in counts),
        }

    def _each(self, act: Callable[[Pusher], object]) -> None:
        """Does something with each target; one that cannot be used is left alone from then on."""
        for target, pusher in self._pushers.items():
            if target in self._given_up:
                continue
            try:
                act(pusher)
            except (SourceError, LoginError) as error:
                self._give_up(target, error)

    def _begin_all(self) -> None:
        """Begins with targets that no file was found for, too: a marker may cover all that had tags there."""
        for each in list(self._destinations):
            for target in self._answer(each, each.targets):
                self._begin(target)

    def _answer(self, destination: Destination, question: Callable[[], Collection[T]]) -> Collection[T]:
        """What a destination says; nothing where it cannot be used, and then it is not asked again."""
        try:
            return question()
        except (SourceError, LoginError) as error:
            self._destinations.remove(destination)
            self._tell(error)
            return ()

    def _begin(self, target: str) -> bool:
        """Makes a target known, if it is not; whether it can be pushed to."""
        if target in self._servers or target in self._given_up:
            return target in self._servers
        try:
            server = self._server(target)
        except (SourceError, LoginError) as error:
            self._give_up(target, error)
            return False
        self._servers[target] = server
        if not self._dry_run:
            self._prepare(self._outbox, target)
            pusher = Pusher(self._outbox, server, target, workers=CONNECTIONS, stop=self._stop)
            self._pushers[target] = self._stack.enter_context(pusher)
        return True

    def _prepare(self, outbox: Outbox, target: str) -> None:
        """Tells the outbox what this run is to push."""
        outbox.add_target(target, people=self._people)
        if self._retry:
            outbox.retry(target)

    def _give_up(self, target: str, error: SourceError | LoginError) -> None:
        self._given_up.add(target)
        self._tell(error)

    def _tell(self, error: SourceError | LoginError) -> None:
        if isinstance(error, LoginError) or not self._stop():  # else it was cut short
            self._problem(error)
