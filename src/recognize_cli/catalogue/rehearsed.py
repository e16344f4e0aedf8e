"""Files whose tags a dry run would push, kept until it tells what that would change.

They lie in a temporary table, on disk once they are many, and end with the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import decode_path, encode_path
from recognize_cli.catalogue.outbox_api import Followed, Remote

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from recognize_cli.catalogue.database import Database

_PAGE_ROWS: Final = 1000

_TABLE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS rehearsed (
        id INTEGER PRIMARY KEY, storage TEXT, directory BLOB, name BLOB, target TEXT, file_id TEXT, path BLOB)
"""
_PAGE: Final = """
    SELECT id, storage, directory, name, target, file_id, path FROM rehearsed WHERE id > ? ORDER BY id LIMIT ?
"""


def remember(connection: sqlite3.Connection, files: Sequence[Followed]) -> None:
    """Keeps files."""
    connection.execute(_TABLE)
    connection.executemany(
        "INSERT INTO rehearsed (storage, directory, name, target, file_id, path) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                each.storage,
                encode_path(each.directory),
                encode_path(each.name),
                each.remote.target,
                each.remote.file_id,
                encode_path(each.remote.path),
            )
            for each in files
        ),
    )


def files(database: Database) -> Iterator[list[Followed]]:
    """All that were kept, in their order, a page a query."""
    after = 0
    while True:
        with database.reading() as connection:
            connection.execute(_TABLE)
            rows = connection.execute(_PAGE, (after, _PAGE_ROWS)).fetchall()
        if not rows:
            return
        yield [
            Followed(
                storage,
                decode_path(directory),
                decode_path(name),
                Remote(target, file_id, decode_path(path)),
            )
            for _, storage, directory, name, target, file_id, path in rows
        ]
        after = rows[-1][0]
