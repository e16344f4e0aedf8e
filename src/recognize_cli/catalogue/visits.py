"""Which directories this run has seen, and the known files of those that it has not.

The visits lie in a temporary table, on disk once they are many, and end with the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.api import Unvisited
from recognize_cli.catalogue.codec import decode_path, encode_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from recognize_cli.catalogue.database import Database

_PAGE_ROWS: Final = 1000

_TABLE = "CREATE TEMP TABLE visited (storage TEXT, path BLOB, PRIMARY KEY (storage, path)) WITHOUT ROWID"

_UNVISITED = """
    SELECT d.path, f.name, f.id FROM directories AS d CROSS JOIN files AS f ON f.directory = d.id
    WHERE d.storage = :storage AND d.path >= :path AND d.path < :end AND (d.path > :path OR f.name > :name)
        AND NOT EXISTS (SELECT 1 FROM visited AS v WHERE v.storage = d.storage AND v.path = d.path)
        AND f.missing_since IS NULL
    ORDER BY d.path, f.name LIMIT :rows
"""


def create(connection: sqlite3.Connection) -> None:
    """Makes the temporary table."""
    connection.execute(_TABLE)


def visit(connection: sqlite3.Connection, storage: str, directory: str) -> None:
    """Notes a directory as seen."""
    connection.execute("INSERT OR IGNORE INTO visited VALUES (?, ?)", (storage, encode_path(directory)))


def unvisited(
    database: Database, storage: str, base: str, except_below: Collection[str]
) -> Iterator[Unvisited]:
    """The files, not missing, of directories at and below `base` that were not seen, a page a query."""
    excepted = {encode_path(directory).rstrip(b"/") for directory in except_below}
    for first, end in _ranges(encode_path(base)):
        path, name = first, b""
        while True:
            with database.reading() as connection:
                rows: list[tuple[bytes, bytes, int]] = connection.execute(
                    _UNVISITED,
                    {"storage": storage, "path": path, "name": name, "end": end, "rows": _PAGE_ROWS},
                ).fetchall()
            for path, name, id_ in rows:
                if not (excepted and _is_below(path, excepted)):
                    yield Unvisited(id_, decode_path(path), decode_path(name))
            if len(rows) < _PAGE_ROWS:
                break


def _ranges(base: bytes) -> list[tuple[bytes, bytes]]:
    """The ranges of paths, end excluded, that hold `base` itself and all that is below it."""
    base = base.rstrip(b"/")
    below = (base + b"/", base + b"0")  # 0 is the character after /
    return [(base, base + b"\0"), below] if base else [below]


def _is_below(path: bytes, directories: set[bytes]) -> bool:
    while path:
        if path in directories:
            return True
        path = path.rpartition(b"/")[0]
    return b"" in directories
