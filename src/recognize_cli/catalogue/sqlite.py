"""The catalogue in one SQLite file: each method a transaction or a bounded number of reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from recognize_cli.catalogue import faces, files, outbox, results, visits
from recognize_cli.catalogue.api import GRACE
from recognize_cli.catalogue.database import open_database
from recognize_cli.catalogue.face_store import SqliteFaceStore
from recognize_cli.catalogue.listings import SqliteListings
from recognize_cli.catalogue.outbox_store import SqliteOutbox
from recognize_cli.catalogue.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType

    from recognize_cli.catalogue.api import Known, Moved, Outcome, Retagged, StoredScores, Unvisited
    from recognize_cli.catalogue.database import Database
    from recognize_cli.records import ClassScore, Face, Gone


class SqliteCatalogue:
    """See `Catalogue` for what the methods promise."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._path = str(database.path)
        with database.reading() as connection:
            visits.create(connection)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Opens the catalogue at `path`, makes it if there is none, and brings its tables up to date.

        The caller holds the lock of `recognize_cli.locking` if it means to write. `clock` gives seconds
        since 1970. Raises CatalogueUnusable, CatalogueTooNew or Locked.
        """
        database = open_database(path)
        try:
            migrate(database)
            return cls(database, clock)
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def face_store(self) -> SqliteFaceStore:
        """Faces and people, for as long as the catalogue is open."""
        return SqliteFaceStore(self._database)

    @property
    def outbox(self) -> SqliteOutbox:
        """What is to be pushed to servers, for as long as the catalogue is open."""
        return SqliteOutbox(self._database)

    @property
    def listings(self) -> SqliteListings:
        """What directories of servers held, for as long as the catalogue is open."""
        return SqliteListings(self._database)

    def known(self, storage: str, directory: str) -> dict[str, Known]:
        with self._database.reading() as connection:
            return dict(files.known(connection, storage, directory, self._path))

    def scores(self, id: int, recognizer: str) -> tuple[ClassScore, ...]:
        with self._database.reading() as connection:
            return results.scores(connection, id, recognizer, self._path)

    def commit(self, outcomes: Sequence[Outcome]) -> list[tuple[Face, ...]]:
        with self._database.writing() as connection:
            ids = []
            for outcome in outcomes:
                directory = files.directory_id(connection, outcome.storage, outcome.directory)
                ids.append(files.put(connection, directory, outcome.result.file))
                results.store(connection, ids[-1], outcome)
                for remote in outcome.remotes:
                    outbox.link(connection, ids[-1], remote)
            return [faces.of_file(connection, id_) for id_ in ids]

    def found(self, ids: Collection[int]) -> None:
        with self._database.writing() as connection:
            files.found(connection, ids)

    def missing(self, ids: Collection[int], why: Gone) -> list[int]:
        with self._database.writing() as connection:
            return files.missing(connection, ids, why, self._clock())

    def find_moved(self, storage: str, file_id: str, version: str, size: int) -> list[Moved]:
        with self._database.reading() as connection:
            return list(files.find_moved(connection, storage, file_id, version, size, self._path))

    def move(self, id: int, storage: str, directory: str, name: str) -> None:
        with self._database.writing() as connection:
            files.move(connection, id, storage, directory, name, self._clock())

    def visit(self, storage: str, directory: str) -> None:
        with self._database.reading() as connection:
            visits.visit(connection, storage, directory)

    def unvisited(
        self, storage: str, base: str, *, except_below: Collection[str] = ()
    ) -> Iterator[Unvisited]:
        return visits.unvisited(self._database, storage, base, except_below)

    def iter_scores(self, recognizer: str, *, except_rules: str | None = None) -> Iterator[StoredScores]:
        return results.iter_scores(self._database, recognizer, except_rules)

    def update_tags(self, batch: Sequence[Retagged]) -> None:
        with self._database.writing() as connection:
            results.update_tags(connection, batch)

    def tags(self) -> dict[str, int]:
        with self._database.reading() as connection:
            return results.count_tags(connection)

    def purge(self, grace: timedelta = GRACE) -> int:
        before = self._clock() - grace.total_seconds()
        total = 0
        while True:
            with self._database.writing() as connection:
                gone = files.purge_some(connection, before)
            total += gone
            if not gone:
                return total
