"""The SQLite file behind the catalogue: opening it safely, transactions, and errors with a remedy.

Durability: the write-ahead log with ``synchronous=NORMAL``. A killed process loses no commit; a power
cut may lose the last few, whose files are then scanned again, and leaves the file sound. Where the file
system cannot keep a write-ahead log, SQLite stays with its rollback journal, and we sync every commit.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import DAMAGED
from recognize_cli.errors import CatalogueUnusable, Locked
from recognize_cli.locking import make_private_directories

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

APPLICATION_ID: Final = 0x52434F47  # "RCOG"; `file` and we tell our databases from others by it
_BUSY_SECONDS: Final = 10.0
_PATIENT_SECONDS: Final = 300.0
_CACHE_KIB: Final = 4096

_WRITABLE: Final = "make it and its directory writable for this user"
_PROBLEMS: Final = {
    sqlite3.SQLITE_NOTADB: "it is not a catalogue ({detail})",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run again: all that was committed is kept",
    sqlite3.SQLITE_READONLY: f"it is read-only ({{detail}}); {_WRITABLE}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened ({{detail}}); {_WRITABLE}",
    sqlite3.SQLITE_IOERR: "it cannot be read or written ({detail}); check the disk and its free space",
}


class Database:
    """An open catalogue file. All use of its connection goes through `reading` and `writing`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection; what SQLite raises inside becomes CatalogueUnusable or Locked."""
        with _translated(self.path):
            yield self._connection

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection for several reads that all see the same state."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection in a transaction: committed at the end, undone when anything is raised."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.reading() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def rehearsal(self) -> Iterator[Database]:
        """The same connection; whatever is changed by what this gives is undone at the end."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _Rehearsed(self.path, connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def another(self) -> Database:
        """The same file by a connection of its own, for other threads: one at a time, and briefly.

        It waits for as long as this one may write.
        """
        with _translated(self.path):
            connection = sqlite3.connect(
                f"{Path(os.path.realpath(self.path)).as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=_PATIENT_SECONDS,
                check_same_thread=False,
            )
            ((mode,),) = connection.execute("PRAGMA journal_mode")
            _set_up(connection, mode)
        return Database(self.path, connection)

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        with _translated(self.path):
            self._connection.close()


class _Rehearsed(Database):
    """A database whose transactions are parts of one that will be undone."""

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.reading() as connection:
            connection.execute("SAVEPOINT part")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK TO part")
                raise
            connection.execute("RELEASE part")


def open_database(path: Path) -> Database:
    """Opens the catalogue file, and creates it (and its directories, for the owner only) if need be.

    Raises CatalogueUnusable when it cannot be written, is damaged or is not ours (then it is left
    untouched), and Locked when another program keeps it busy.
    """
    real = Path(os.path.realpath(path))
    try:
        make_private_directories(real.parent)
        _create_private(real)
    except OSError as error:
        raise CatalogueUnusable(path=path, problem=f"{error.filename}: {error.strerror}") from error
    if not real.is_file():
        raise CatalogueUnusable(path=path, problem="it is not a regular file")
    with _translated(path):
        _check_ours(path, real)
        connection = sqlite3.connect(
            f"{real.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
        )
    database = Database(path, connection)
    try:
        _prepare(database)
    except BaseException:
        connection.close()
        raise
    return database


def _create_private(path: Path) -> None:
    """Makes an empty file, for its owner only, where there is none."""
    # Never opens what exists: closing it again would drop the locks that SQLite has on it in this process.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _check_ours(path: Path, real: Path) -> None:
    """Raises unless the file is empty or ours. Opened immutable, so that nothing in it is touched."""
    if not real.stat().st_size:
        return
    with closing(sqlite3.connect(f"{real.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        # Lets SQLite read the header of a file that is shorter than it says, as one is whose last pages are
        # still in the write-ahead log.
        connection.execute("PRAGMA writable_schema = ON")
        ((application,),) = connection.execute("PRAGMA application_id")
    if application != APPLICATION_ID:
        raise CatalogueUnusable(path=path, problem="it is not a catalogue, but a file of another program")


def _prepare(database: Database) -> None:
    """Proves that the file can be written, marks it as ours, and sets the connection up."""
    with database.writing() as connection:
        # Into the file itself, before there is a write-ahead log: `_check_ours` does not read that.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    with database.reading() as connection:
        ((mode,),) = connection.execute("PRAGMA journal_mode = WAL")
        _set_up(connection, mode)


def _set_up(connection: sqlite3.Connection, mode: str) -> None:
    """What holds for a connection only; ``mode`` is that of the file's journal."""
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # The low byte of the extended code is the primary one; errors of the Python module have none.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Locked(path=path, holder="") from error
        problem = _PROBLEMS.get(code, "{detail}").format(detail=error)
        raise CatalogueUnusable(path=path, problem=problem) from error
