"""The outbox in the catalogue's SQLite file: each change a transaction."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from recognize_cli.catalogue import outbox, rehearsed
from recognize_cli.catalogue.wanted import refresh_some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recognize_cli.catalogue.database import Database
    from recognize_cli.catalogue.outbox_api import Followed, Outbox, PushFile, Settled, State, TagCount


class SqliteOutbox:
    """See `Outbox` for what the methods promise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def targets(self) -> list[str]:
        with self._database.reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM push_targets ORDER BY name")]

    def add_target(self, name: str, *, people: bool = False) -> None:
        with self._database.writing() as connection:
            outbox.add_target(connection, name, people=people)

    def follow(self, files: Sequence[Followed]) -> None:
        with self._database.reading() as connection:
            new = outbox.not_linked(connection, files)
        if new:
            with self._database.writing() as connection:
                for file, remote in new:
                    outbox.link(connection, file, remote)

    def pending(self, target: str, *, now: float, size: int = 256) -> Iterator[tuple[PushFile, ...]]:
        self._refresh(target)
        return outbox.pending(self._database, target, now, size)

    def next_due(self, target: str) -> float | None:
        self._refresh(target)
        with self._database.reading() as connection:
            return outbox.next_due(connection, target)

    def begin(self, target: str) -> None:
        with self._database.writing() as connection:
            outbox.begin(connection, target)

    def sent(self, changes: Sequence[tuple[int, str, State]]) -> None:
        with self._database.writing() as connection:
            outbox.sent(connection, changes)

    def settle(self, news: Sequence[Settled]) -> None:
        with self._database.writing() as connection:
            outbox.settle(connection, news)

    @contextmanager
    def noting(self) -> Iterator[Callable[[Sequence[Settled]], None]]:
        other, lock = self._database.another(), Lock()

        def note(news: Sequence[Settled]) -> None:
            with lock, other.writing() as connection:
                outbox.settle(connection, news)

        try:
            yield note
        finally:
            with lock:
                other.close()

    @contextmanager
    def rehearsal(self) -> Iterator[Outbox]:
        with self._database.rehearsal() as database:
            undone = SqliteOutbox(database)
            for page in rehearsed.files(database):
                undone.follow(page)
            yield undone

    def remember(self, files: Sequence[Followed]) -> None:
        with self._database.reading() as connection:
            rehearsed.remember(connection, files)

    def retry(self, target: str) -> None:
        with self._database.writing() as connection:
            outbox.retry(connection, target)

    def withdraw(self, target: str) -> None:
        with self._database.writing() as connection:
            outbox.withdraw(connection, target)

    def forget(self, target: str) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM push_targets WHERE name = ?", (target,))

    def counts(self, target: str) -> list[TagCount]:
        self._refresh(target)
        with self._database.reading() as connection:
            return outbox.counts(connection, target)

    def troubles(self, target: str) -> list[tuple[str, int]]:
        with self._database.reading() as connection:
            return outbox.troubles(connection, target)

    def _refresh(self, target: str) -> None:
        """Works out what is wanted now, a bounded number of files a transaction."""
        with self._database.reading() as connection:
            stale = connection.execute(
                "SELECT 1 FROM push_stale AS s CROSS JOIN push_files AS p ON p.id = s.push"
                " WHERE p.target = (SELECT id FROM push_targets WHERE name = ?) LIMIT 1",
                (target,),
            ).fetchone()
        while stale:
            with self._database.writing() as connection:
                stale = refresh_some(connection, target)
