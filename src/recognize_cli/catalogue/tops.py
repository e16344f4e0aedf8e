"""The directory that holds all known files of a storage: the tree that was scanned, where there was one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import decode_path
from recognize_cli.naming import readable

if TYPE_CHECKING:
    import sqlite3

_PRESENT: Final = """
    SELECT d.path FROM directories AS d WHERE d.storage = :storage
        AND EXISTS (SELECT 1 FROM files AS f WHERE f.directory = d.id AND f.missing_since IS NULL)
"""
_FIRST: Final = f"{_PRESENT} ORDER BY d.path LIMIT 1"
_LAST: Final = f"{_PRESENT} ORDER BY d.path DESC LIMIT 1"
# What sorts between a directory and what lies in it: ``/a b`` comes before ``/a/b``.
_BETWEEN: Final = f"{_PRESENT} AND d.path > :top AND d.path < :below LIMIT 1"


def top(connection: sqlite3.Connection, storage: str) -> str:
    """See `FaceStore.top`; ``/`` where there are no files."""
    first = connection.execute(_FIRST, {"storage": storage}).fetchone()
    if first is None:
        return "/"
    last = connection.execute(_LAST, {"storage": storage}).fetchone()
    found: bytes = posixpath.commonpath([first[0], last[0]])
    while found != b"/" and not _holds_all(connection, storage, found):
        found = posixpath.dirname(found)
    return decode_path(found)


def _holds_all(connection: sqlite3.Connection, storage: str, found: bytes) -> bool:
    if readable(decode_path(found)) != decode_path(found):
        return False
    values = {"storage": storage, "top": found, "below": found + b"/"}
    return connection.execute(_BETWEEN, values).fetchone() is None
