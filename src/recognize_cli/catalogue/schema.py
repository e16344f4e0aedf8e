"""The tables, as a list of named migrations.

A migration is a function that changes the tables; its name is recorded in ``migrations`` in the same
transaction. Append new ones to `MIGRATIONS`; never rename, reorder or edit one that was released.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from recognize_cli.errors import CatalogueTooNew

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from recognize_cli.catalogue.database import Database

Migration = Callable[["sqlite3.Connection"], None]


def files_and_results(connection: sqlite3.Connection) -> None:
    """Directories, files, and per file what recognizers found and what failed."""
    for statement in (
        """CREATE TABLE directories (
            id INTEGER PRIMARY KEY,
            storage TEXT NOT NULL,
            path BLOB NOT NULL,
            UNIQUE (storage, path))""",
        # name is NULL once another file has taken the place of a missing one.
        """CREATE TABLE files (
            id INTEGER PRIMARY KEY,
            directory INTEGER NOT NULL REFERENCES directories (id),
            name BLOB,
            kind TEXT NOT NULL,
            size INTEGER NOT NULL,
            version TEXT NOT NULL,
            file_id TEXT,
            modified REAL NOT NULL,
            missing_since INTEGER,
            why_missing TEXT,
            UNIQUE (directory, name),
            CHECK ((missing_since IS NULL) = (why_missing IS NULL)),
            CHECK (name IS NOT NULL OR missing_since IS NOT NULL))""",
        "CREATE INDEX files_by_file_id ON files (file_id) WHERE file_id IS NOT NULL",
        "CREATE INDEX files_missing ON files (missing_since) WHERE missing_since IS NOT NULL",
        # scores last: they are the longest, and most reads stop before them.
        """CREATE TABLE results (
            file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
            recognizer TEXT NOT NULL,
            version TEXT NOT NULL,
            model TEXT NOT NULL,
            rules TEXT NOT NULL,
            tags TEXT NOT NULL,
            scores TEXT NOT NULL,
            PRIMARY KEY (file, recognizer)) WITHOUT ROWID""",
        """CREATE TABLE failures (
            file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
            stage TEXT NOT NULL,
            version TEXT NOT NULL,
            reason TEXT NOT NULL,
            message TEXT NOT NULL,
            decoder TEXT NOT NULL,
            PRIMARY KEY (file, stage)) WITHOUT ROWID""",
    ):
        connection.execute(statement)


def faces_and_people(connection: sqlite3.Connection) -> None:
    """Faces of files, people, which faces are of whom, and what somebody decided of it by hand."""
    for statement in (
        # AUTOINCREMENT: an id is never used again. folded is the name without case.
        """CREATE TABLE people (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT,
            folded TEXT UNIQUE,
            CHECK ((name IS NULL) = (folded IS NULL)))""",
        # What is NULL of roll to sharpness could not be measured.
        """CREATE TABLE faces (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
            person INTEGER REFERENCES people (id),
            by_hand INTEGER NOT NULL DEFAULT 0,
            distance REAL,
            model TEXT NOT NULL,
            x REAL NOT NULL,
            y REAL NOT NULL,
            width REAL NOT NULL,
            height REAL NOT NULL,
            score REAL NOT NULL,
            roll REAL,
            yaw REAL,
            pitch REAL,
            sharpness REAL,
            landmarks BLOB NOT NULL)""",
        "CREATE INDEX faces_by_file ON faces (file)",
        "CREATE INDEX faces_by_person ON faces (person) WHERE person IS NOT NULL",
        # Apart from the faces: they are the longest, and only grouping reads them.
        """CREATE TABLE embeddings (
            face INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
            vector BLOB NOT NULL)""",
        """CREATE TABLE rejections (
            face INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
            person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
            PRIMARY KEY (face, person)) WITHOUT ROWID""",
        "CREATE INDEX rejections_by_person ON rejections (person)",
    ):
        connection.execute(statement)


def outbox(connection: sqlite3.Connection) -> None:
    """Files on servers that tags are pushed to, and what is known of each tag there; see `outbox_api`."""
    for statement in (
        """CREATE TABLE push_targets (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            people INTEGER NOT NULL)""",
        """CREATE TABLE push_files (
            id INTEGER PRIMARY KEY,
            target INTEGER NOT NULL REFERENCES push_targets (id) ON DELETE CASCADE,
            file_id TEXT NOT NULL,
            folder BLOB NOT NULL,
            name BLOB NOT NULL,
            UNIQUE (target, file_id))""",
        "CREATE INDEX push_files_by_place ON push_files (target, folder, name, id)",
        # Files of which it is to be worked out again what is wanted. Were that a column with an index, each
        # statement that fires a trigger would need a journal of its own, which costs more than the statement;
        # so would an INSERT that can fail. (OR IGNORE would not do: the statement outside overrules it.)
        """CREATE TABLE push_stale (
            push INTEGER PRIMARY KEY REFERENCES push_files (id) ON DELETE CASCADE)""",
        # Without a reference to files: what is to be removed from a server outlives the file.
        """CREATE TABLE push_links (
            file INTEGER NOT NULL,
            push INTEGER NOT NULL REFERENCES push_files (id) ON DELETE CASCADE,
            PRIMARY KEY (file, push)) WITHOUT ROWID""",
        "CREATE INDEX push_links_by_push ON push_links (push)",
        # recognizer: who gave the tag last. due: when to ask the server next, NULL for never.
        """CREATE TABLE push_tags (
            push INTEGER NOT NULL REFERENCES push_files (id) ON DELETE CASCADE,
            tag TEXT NOT NULL,
            recognizer TEXT NOT NULL,
            wanted INTEGER NOT NULL,
            state TEXT NOT NULL,
            due REAL,
            attempts INTEGER NOT NULL DEFAULT 0,
            problem TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (push, tag)) WITHOUT ROWID""",
        "CREATE INDEX push_tags_due ON push_tags (due) WHERE due IS NOT NULL",
        *_OUTBOX_TRIGGERS,
    ):
        connection.execute(statement)


def _stale_after(name: str, event: str, files: str) -> str:
    """A trigger after which what is wanted of some files is to be worked out again."""
    return f"""CREATE TRIGGER push_stale_{name} AFTER {event} BEGIN
        INSERT INTO push_stale SELECT push FROM push_links WHERE file IN ({files}) ON CONFLICT DO NOTHING;
    END"""


# Whatever changes the tags of a file, the outbox knows in the same transaction.
_OUTBOX_TRIGGERS: Final = (
    _stale_after("result_made", "INSERT ON results", "NEW.file"),
    _stale_after("result_changed", "UPDATE OF tags, version ON results", "NEW.file"),
    _stale_after("result_dropped", "DELETE ON results", "OLD.file"),
    _stale_after("file_missing", "UPDATE OF missing_since, why_missing ON files", "NEW.id"),
    _stale_after("face_made", "INSERT ON faces", "NEW.file"),
    _stale_after("face_moved", "UPDATE OF person ON faces", "NEW.file"),
    _stale_after("face_dropped", "DELETE ON faces", "OLD.file"),
    _stale_after("person_named", "UPDATE OF name ON people", "SELECT file FROM faces WHERE person = NEW.id"),
    # A file that is forgotten is gone from the server as well, and with it its tags; but one that is
    # ignored is there, and what is still to be removed from it stays.
    """CREATE TRIGGER push_file_forgotten AFTER DELETE ON files BEGIN
        DELETE FROM push_tags WHERE wanted AND push IN (
            SELECT push FROM push_links AS l WHERE l.file = OLD.id AND NOT EXISTS (
                SELECT 1 FROM push_links AS o WHERE o.push = l.push AND o.file <> OLD.id));
        INSERT INTO push_stale SELECT push FROM push_links WHERE file = OLD.id ON CONFLICT DO NOTHING;
        DELETE FROM push_links WHERE file = OLD.id;
    END""",
)


def listings(connection: sqlite3.Connection) -> None:
    """What directories of servers held at some version; see `catalogue.listings`."""
    connection.execute(
        """CREATE TABLE listings (
            storage TEXT NOT NULL,
            path BLOB NOT NULL,
            version TEXT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (storage, path)) WITHOUT ROWID"""
    )


def trees(connection: sqlite3.Connection) -> None:
    """How many entries the directories of a tree on a server had; see `catalogue.listings`."""
    connection.execute(
        """CREATE TABLE trees (
            storage TEXT NOT NULL,
            path BLOB NOT NULL,
            sizes BLOB NOT NULL,
            PRIMARY KEY (storage, path)) WITHOUT ROWID"""
    )


MIGRATIONS: Final[tuple[Migration, ...]] = (files_and_results, faces_and_people, outbox, listings, trees)


def migrate(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Brings the tables up to date; raises CatalogueTooNew for a change that this program does not know."""
    with database.writing() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
        )
        applied = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    unknown = applied - {migration.__name__ for migration in migrations}
    if unknown:
        raise CatalogueTooNew(path=database.path, migration=min(unknown))
    for migration in migrations:
        _apply(database, migration)


def _apply(database: Database, migration: Migration) -> None:
    """Runs a migration and records it, unless it is recorded already."""
    name = migration.__name__
    with database.writing() as connection:
        if not connection.execute("SELECT 1 FROM migrations WHERE name = ?", (name,)).fetchone():
            migration(connection)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute("INSERT INTO migrations (name, applied_at) VALUES (?, ?)", (name, now))
