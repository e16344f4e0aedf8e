"""What directories of servers held, so that those which did not change need not be asked for again.

Of trees on servers that cannot tell what changed, how many entries their directories had.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from recognize_cli.catalogue.codec import encode_path
from recognize_cli.records import Entry, Listing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from recognize_cli.catalogue.database import Database

_FAST = 1


class SqliteListings:
    """See `recognize_cli.protocols.Listings` for what the methods promise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, storage: str, directory: str, version: str) -> Listing | None:
        with self._database.reading() as connection:
            row = _row(connection, storage, encode_path(directory))
        if row is None or row[0] != version:
            return None
        return _decoded(row[1])

    def put(self, storage: str, directory: str, version: str, listing: Listing) -> None:
        path, content = encode_path(directory), _encoded(listing)
        with self._database.writing() as connection:
            row = _row(connection, storage, path)
            before = _decoded(row[1]) if row else None
            connection.execute(
                "INSERT OR REPLACE INTO listings VALUES (?, ?, ?, ?)", (storage, path, version, content)
            )
            for name in _directories(before) - _directories(listing):
                _forget(connection, storage, path.rstrip(b"/") + b"/" + encode_path(name))

    def sizes(self, storage: str, base: str) -> Mapping[str, int]:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT sizes FROM trees WHERE storage = ? AND path = ?", (storage, encode_path(base))
            ).fetchone()
        try:
            return {name: int(size) for name, size in _unpacked(row[0]).items()} if row else {}
        except (zlib.error, ValueError, TypeError, AttributeError):
            return {}  # what is damaged is not known

    def put_sizes(self, storage: str, base: str, sizes: Mapping[str, int]) -> None:
        place = (storage, encode_path(base))
        with self._database.writing() as connection:
            connection.execute("DELETE FROM trees WHERE storage = ? AND path = ?", place)
            if sizes:
                connection.execute("INSERT INTO trees VALUES (?, ?, ?)", (*place, _packed(dict(sizes))))


def _row(connection: sqlite3.Connection, storage: str, path: bytes) -> tuple[str, bytes] | None:
    found: tuple[str, bytes] | None = connection.execute(
        "SELECT version, content FROM listings WHERE storage = ? AND path = ?", (storage, path)
    ).fetchone()
    return found


def _forget(connection: sqlite3.Connection, storage: str, path: bytes) -> None:
    """Drops what is known of a directory and of all below it."""
    # Two statements: for one with OR, SQLite would read all that is known of the storage.
    connection.execute("DELETE FROM listings WHERE storage = ? AND path = ?", (storage, path))
    below = "DELETE FROM listings WHERE storage = ? AND path > ? AND path < ?"
    connection.execute(below, (storage, path + b"/", path + b"0"))  # 0 is the character after /


def _directories(listing: Listing | None) -> set[str]:
    return {entry.name for entry in listing.entries if entry.is_directory} if listing else set()


def _encoded(listing: Listing) -> bytes:
    entries = [
        (each.name, each.is_directory, each.size, each.version, each.modified, each.file_id, each.device)
        for each in listing.entries
    ]
    return _packed([listing.directory, entries, listing.links, listing.device])


def _decoded(content: bytes) -> Listing | None:
    """The listing; None where the stored bytes are damaged: then the server is asked again."""
    try:
        directory, entries, links, device = _unpacked(content)
        return Listing(directory, tuple(Entry(*entry) for entry in entries), tuple(links), device)
    except (zlib.error, ValueError, TypeError):
        return None


def _packed(document: object) -> bytes:
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode("ascii"), _FAST)


def _unpacked(content: bytes) -> Any:
    return json.loads(zlib.decompress(content))
