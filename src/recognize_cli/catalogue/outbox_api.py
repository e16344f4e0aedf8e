"""What a catalogue knows of tags on servers: which we put there, and which are still to be put or removed.

A *target* is an account on a server that tags are pushed to. A file is followed there from the time that
`Outcome.remotes` or `Outbox.follow` names its id. From then on what is wanted of it is what the catalogue
knows of it: the tags of its results and, if the target takes them, the names of the people in it. Whatever
changes those (a scan, other rules, a new name) changes what is wanted in the same transaction. The outbox is
what differs between that and what is known of the server.

Only what we know to be ours is ever removed. A tag that a file bore before we asked for it is
`State.FOREIGN` for good. One that we asked for is ours once the server confirmed it, which is noted before
the next request. Where the answer was an error, or was lost (`State.SENT`), the server may have given the tag
all the same: if the file bears it later, it is ours. Of a run that was killed in the middle nobody knows
which of the requests that it was about to make were sent, and a user may have given a tag since. So
`Outbox.begin` makes those of which nothing was noted ones that we never asked for, which are foreign if the
file bears them by then. That costs no more than the tags that were being asked for at that moment (one a
connection): they stay on their files when they are not wanted any more. To take a user's tag off would be
worse.

It is the other way round where we asked for what is ours to be taken off, and heard no answer
(`State.LEAVING`): what the file bears still is ours still.

What is wanted of a file stays as it is while the catalogue knows no more than that the file is gone, for its
tags go with it. A tag is not taken off a file while the recognizer that gave it fails on that. A file that
a marker covers wants no tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager


class State(StrEnum):
    """What is known of a tag at a file of a server."""

    NEW = "new"  # we never asked for it
    SENT = "sent"  # we asked for it, and it was not confirmed: if the file bears the tag, it is ours
    OURS = "ours"  # we put it there
    LEAVING = "leaving"  # we put it there, asked for it to be taken off, and heard no answer
    FOREIGN = "foreign"  # it was there before us
    WITHDRAWN = "withdrawn"  # it was there, and somebody else took it off: let it be


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server: the target, its id there, and its path below the account's files."""

    target: str
    file_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A known file, by its place in the catalogue, and where its tags are to go."""

    storage: str
    directory: str
    name: str
    remote: Remote


@dataclass(frozen=True, slots=True)
class PushTag:
    """A tag of a file: whether it is wanted, what is known of it, and how often it was asked for in vain."""

    name: str
    wanted: bool
    state: State
    due: bool = False
    attempts: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PushFile:
    """A followed file with all its tags; ``id`` is the outbox's own, ``file_id`` the server's."""

    id: int
    file_id: str
    folder: str
    name: str
    tags: tuple[PushTag, ...]

    @property
    def path(self) -> str:
        """Below the account's files."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Settled:
    """What became known of a tag of the file ``id``; ``state`` None says that the file does not bear it.

    ``retry_at`` (seconds since 1970) is when to ask again. With a ``problem`` and no such time it is refused:
    left alone until what is wanted changes, or `Outbox.retry`.
    """

    id: int
    tag: str
    state: State | None
    problem: str = ""
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class TagCount:
    """In how many files of a target a tag is ours, was there before us, waits, and was refused."""

    name: str
    ours: int
    foreign: int
    waiting: int
    refused: int


class Outbox(Protocol):
    """Pushes that a server has not confirmed yet. Every change is one transaction.

    Methods raise CatalogueError. What is said of a target, file or tag that is not known is passed over.
    """

    def targets(self) -> list[str]:
        """The names of all targets."""
        ...

    def add_target(self, name: str, *, people: bool = False) -> None:
        """Makes a target known, or changes whether the names of people are pushed to it."""
        ...

    def follow(self, files: Sequence[Followed]) -> None:
        """From now on the tags of these files are pushed. Cheap for those that are followed already."""
        ...

    def pending(self, target: str, *, now: float, size: int = 256) -> Iterator[tuple[PushFile, ...]]:
        """The files that a tag is due of, by folder and name, ``size`` at a time; each file comes once.

        Changes meanwhile are fine.
        """
        ...

    def next_due(self, target: str) -> float | None:
        """When the next tag is due, in seconds since 1970 (0 for now); None if nothing waits."""
        ...

    def begin(self, target: str) -> None:
        """A run begins: what an earlier one was about to ask for when it was killed was never asked for."""
        ...

    def sent(self, changes: Sequence[tuple[int, str, State]]) -> None:
        """Requests for these tags (ids of `PushFile` and names) will be sent now; `SENT` or `LEAVING`."""
        ...

    def settle(self, news: Sequence[Settled]) -> None:
        """What came of them, or what was seen of others."""
        ...

    def noting(self) -> AbstractContextManager[Callable[[Sequence[Settled]], None]]:
        """`settle` for any thread, as long as the context lasts: an answer is noted by who hears it."""
        ...

    def rehearsal(self) -> AbstractContextManager[Outbox]:
        """An outbox all of whose changes are undone at the end of the context; this one rests meanwhile."""
        ...

    def remember(self, files: Sequence[Followed]) -> None:
        """Keeps files for a rehearsal, which follows them; forgotten when the catalogue is closed."""
        ...

    def retry(self, target: str) -> None:
        """What was refused is asked for again."""
        ...

    def withdraw(self, target: str) -> None:
        """Follows no file of a target any more: all that is ours there is to be removed."""
        ...

    def forget(self, target: str) -> None:
        """Forgets a target with all that is known of it; what is ours there stays there."""
        ...

    def counts(self, target: str) -> list[TagCount]:
        """All tags of a target, by name."""
        ...

    def troubles(self, target: str) -> list[tuple[str, int]]:
        """What tags that wait were asked for in vain for, and how many those are; the most frequent first."""
        ...
