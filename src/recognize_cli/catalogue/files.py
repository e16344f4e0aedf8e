"""The rows of files and directories: which are known, missing, moved or forgotten."""

from __future__ import annotations

from functools import cache, partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue import faces, people
from recognize_cli.catalogue.api import Failure, Known, KnownResult, Moved
from recognize_cli.catalogue.codec import damaged, decode_path, encode_path
from recognize_cli.records import FACES, Gone, Kind, Reason

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Any

    from recognize_cli.records import Face, MediaFile

    Row = tuple[Any, ...]
    FacesByFile = Mapping[int, tuple[Face, ...]]

_PURGE_ROWS: Final = 500

# One row for each pair of a result and a failure of a file; ordered, so that a file's rows are together.
_COLUMNS = """
    d.path, f.name, f.id, f.kind, f.size, f.version, f.file_id, f.modified, f.why_missing,
    r.recognizer, r.version, r.model, r.rules, r.tags,
    x.stage, x.version, x.reason, x.message, x.decoder
"""
_RESULTS_AND_FAILURES = "LEFT JOIN results AS r ON r.file = f.id LEFT JOIN failures AS x ON x.file = f.id"

_FILES = (
    f"SELECT {_COLUMNS} FROM directories AS d JOIN files AS f ON f.directory = d.id {_RESULTS_AND_FAILURES}"
)
_IN_DIRECTORY = "d.storage = ? AND d.path = ? AND f.name IS NOT NULL"
# A file may have thousands of hard links: to weigh them all for each of them would take as many squared.
_SAME_CONTENT = """
    f.id IN (SELECT c.id FROM files AS c JOIN directories AS p ON p.id = c.directory
        WHERE c.file_id = ? AND c.version = ? AND c.size = ? AND p.storage = ? ORDER BY c.id LIMIT 16)
"""

_KNOWN = f"{_FILES} WHERE {_IN_DIRECTORY} ORDER BY f.name, r.recognizer, x.stage"
_MOVED = f"{_FILES} WHERE {_SAME_CONTENT} ORDER BY f.id, r.recognizer, x.stage"


def known(
    connection: sqlite3.Connection, storage: str, directory: str, catalogue: str
) -> Iterator[tuple[str, Known]]:
    """The files of one directory, by name."""
    place = (storage, encode_path(directory))
    faces_by_file = partial(faces.selected, connection, _IN_DIRECTORY, place)
    for row, file in _files(connection.execute(_KNOWN, place), faces_by_file, catalogue):
        yield decode_path(row[1]), file


def find_moved(
    connection: sqlite3.Connection, storage: str, file_id: str, version: str, size: int, catalogue: str
) -> Iterator[Moved]:
    """The files with this identity, version and size."""
    content = (file_id, version, size, storage)
    faces_by_file = partial(faces.selected, connection, _SAME_CONTENT, content)
    for row, file in _files(connection.execute(_MOVED, content), faces_by_file, catalogue):
        directory, name = row[:2]
        path = None if name is None else decode_path(directory.rstrip(b"/") + b"/" + name)
        yield Moved(path=path, known=file)


def _files(
    rows: Iterable[Row], faces_by_file: Callable[[], FacesByFile], catalogue: str
) -> Iterator[tuple[Row, Known]]:
    """The files of rows. Their faces are asked for once, at the first file that was searched for some."""
    shared: dict[str, str] = {}  # equal fingerprints as one string: a directory may hold very many files
    faces_once = cache(faces_by_file)
    for _, group in groupby(rows, key=lambda row: row[2]):
        pairs = list(group)
        try:
            yield pairs[0], _file(pairs, faces_once, shared, catalogue)
        except ValueError as error:
            raise damaged(catalogue, error) from error


def _file(
    rows: list[Row], faces_by_file: Callable[[], FacesByFile], shared: dict[str, str], catalogue: str
) -> Known:
    _, _, id_, kind, size, version, file_id, modified, missing = rows[0][:9]
    results: dict[str, KnownResult] = {}
    failures: dict[str, Failure] = {}
    for row in rows:
        if row[9] is not None and row[9] not in results:
            recognizer, seen, model, rules = (shared.setdefault(text, text) for text in row[9:13])
            results[recognizer] = KnownResult(
                recognizer, version if seen == version else seen, model, rules, row[13], catalogue
            )
        if row[14] is not None and row[14] not in failures:
            stage, seen, reason, message, decoder = row[14:]
            failures[stage] = Failure(stage, seen, Reason(reason), message, decoder)
    searched = results.get(FACES)
    return Known(
        id=id_,
        kind=Kind(kind),
        size=size,
        version=version,
        file_id=file_id,
        modified=modified,
        missing=None if missing is None else Gone(missing),
        results=tuple(results.values()),
        failures=tuple(failures.values()),
        faces=faces_by_file().get(id_, ()) if searched and searched.version == version else (),
    )


def directory_id(connection: sqlite3.Connection, storage: str, directory: str) -> int:
    """The row of a directory, made if need be."""
    key = (storage, encode_path(directory))
    connection.execute("INSERT OR IGNORE INTO directories (storage, path) VALUES (?, ?)", key)
    return _only(connection.execute("SELECT id FROM directories WHERE storage = ? AND path = ?", key))


def put(connection: sqlite3.Connection, directory: int, file: MediaFile) -> int:
    """Makes or updates the row of a file, which is there now; returns its id."""
    name = encode_path(file.name)
    connection.execute(
        """INSERT INTO files (directory, name, kind, size, version, file_id, modified)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (directory, name) DO UPDATE SET
               kind = excluded.kind, size = excluded.size, version = excluded.version,
               file_id = excluded.file_id, modified = excluded.modified,
               missing_since = NULL, why_missing = NULL""",
        (directory, name, file.kind, file.size, file.version, file.file_id, file.modified),
    )
    return _only(
        connection.execute("SELECT id FROM files WHERE directory = ? AND name = ?", (directory, name))
    )


def _only(rows: Iterable[Row]) -> int:
    ((id_,),) = rows
    return int(id_)


def found(connection: sqlite3.Connection, ids: Collection[int]) -> None:
    """Unmarks missing files."""
    connection.executemany(
        "UPDATE files SET missing_since = NULL, why_missing = NULL WHERE id = ? AND name IS NOT NULL",
        ((id_,) for id_ in ids),
    )


def missing(connection: sqlite3.Connection, ids: Collection[int], why: Gone, now: float) -> list[int]:
    """Marks files as missing since now; returns those that were not yet."""
    mark = "UPDATE files SET missing_since = ?, why_missing = ? WHERE id = ? AND missing_since IS NULL"
    return [id_ for id_ in ids if connection.execute(mark, (int(now), why, id_)).rowcount]


def move(
    connection: sqlite3.Connection, id_: int, storage: str, directory: str, name: str, now: float
) -> None:
    """Puts a file at another place; what was known there loses its name and becomes missing."""
    place = (directory_id(connection, storage, directory), encode_path(name))
    connection.execute(
        """UPDATE files SET name = NULL, missing_since = COALESCE(missing_since, ?),
               why_missing = COALESCE(why_missing, ?)
           WHERE directory = ? AND name = ? AND id <> ?""",
        (int(now), Gone.DELETED, *place, id_),
    )
    connection.execute(
        """UPDATE files SET directory = ?, name = ?, missing_since = NULL, why_missing = NULL
           WHERE id = ?""",
        (*place, id_),
    )


def purge_some(connection: sqlite3.Connection, before: float) -> int:
    """Deletes a number of files that were missing already at `before`, with their faces.

    Also the directories and people without a name that they leave empty. Returns how many files; 0 when
    there are no more.
    """
    rows = connection.execute(
        "SELECT id, directory FROM files WHERE missing_since <= ? LIMIT ?", (before, _PURGE_ROWS)
    ).fetchall()
    bereft = people.of_files(connection, [id_ for id_, _ in rows])
    connection.executemany("DELETE FROM files WHERE id = ?", ((id_,) for id_, _ in rows))
    people.drop_empty(connection, bereft)
    connection.executemany(
        "DELETE FROM directories WHERE id = ? AND NOT EXISTS (SELECT 1 FROM files WHERE directory = ?)",
        ((directory, directory) for directory in {directory for _, directory in rows}),
    )
    return len(rows)
