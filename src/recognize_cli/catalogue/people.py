"""The rows of people, and what somebody decides of them by hand.

A name is a tag of the files that its person's faces are in. It is not stored with them: when it changes for a
face, the file's result forgets which rules made its tags, and so the next scan tells the file as changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import fold_name
from recognize_cli.catalogue.people_api import Person
from recognize_cli.errors import NameTaken, UnknownFace, UnknownPerson
from recognize_cli.records import FACES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

PRESENT_FACES: Final = f"""
    faces AS face JOIN files AS f ON f.id = face.file AND f.missing_since IS NULL
    JOIN results AS r ON r.file = f.id AND r.recognizer = '{FACES}' AND r.version = f.version
"""
"""A table expression: the faces of files that are there and were looked at as they are."""

RETELL: Final = f"UPDATE results SET rules = '' WHERE recognizer = '{FACES}' AND rules <> '' AND file IN"
"""To be followed by a query for files whose faces have another name now."""

# A plus keeps SQLite from going by the index on people, which leads from face to face all over the table.
_COUNT_ALL: Final = f"""
    SELECT face.person, count(*), count(DISTINCT face.file) FROM {PRESENT_FACES}
    WHERE +face.person IS NOT NULL GROUP BY +face.person
"""
_COUNT_ONE: Final = f"""
    SELECT count(*), count(DISTINCT face.file) FROM {PRESENT_FACES} WHERE face.person = ?
"""


def people(connection: sqlite3.Connection) -> list[Person]:
    """People with a name or with faces, those with most faces first, then by id."""
    counts = {id_: (faces, files) for id_, faces, files in connection.execute(_COUNT_ALL)}
    rows = connection.execute("SELECT id, name FROM people")
    found = (Person(id_, name, *counts.get(id_, (0, 0))) for id_, name in rows)
    listed = (person for person in found if person.faces or person.name is not None)
    return sorted(listed, key=lambda person: (-person.faces, person.id))


def person(connection: sqlite3.Connection, id_: int) -> Person | None:
    """A person that `people` lists."""
    row = connection.execute("SELECT name FROM people WHERE id = ?", (id_,)).fetchone()
    if row is None:
        return None
    found = Person(id_, row[0], *connection.execute(_COUNT_ONE, (id_,)).fetchone())
    return found if found.faces or found.name is not None else None


def id_of(connection: sqlite3.Connection, name: str) -> int | None:
    """Who has a name, case ignored."""
    row = connection.execute("SELECT id FROM people WHERE folded = ?", (fold_name(name),)).fetchone()
    return None if row is None else int(row[0])


def next_id(connection: sqlite3.Connection) -> int:
    """The id above all that people ever had."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'people'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def rename(connection: sqlite3.Connection, id_: int, name: str | None) -> None:
    """Gives a person a name, or takes it away."""
    before = _name(connection, id_)
    if name == before:
        return
    owner = None if name is None else id_of(connection, name)
    if owner not in (None, id_):
        raise NameTaken(owner=owner, name=name, person=id_)
    _set_name(connection, id_, name)
    drop_empty(connection, [id_])


def merge(connection: sqlite3.Connection, into: int, others: Collection[int]) -> None:
    """Makes one person of several; see `FaceStore.merge`."""
    names = {id_: _name(connection, id_) for id_ in dict.fromkeys((into, *others))}
    gone = [(id_,) for id_ in names if id_ != into]
    if not gone:
        return
    name = next((each for each in names.values() if each is not None), None)
    _retell(connection, (id_ for id_, before in names.items() if before != name))
    connection.executemany(
        "INSERT OR IGNORE INTO rejections (face, person) SELECT face, ? FROM rejections WHERE person = ?",
        ((into, id_) for (id_,) in gone),
    )
    connection.executemany(
        "UPDATE faces SET person = ?, by_hand = 1, distance = NULL WHERE person = ?",
        ((into, id_) for id_ in names),
    )
    connection.execute(
        """DELETE FROM rejections
           WHERE person = ? AND face IN (SELECT id FROM faces WHERE person = rejections.person)""",
        (into,),
    )
    connection.executemany("DELETE FROM people WHERE id = ?", gone)
    if name != names[into]:
        _set_name(connection, into, name)


def split(connection: sqlite3.Connection, faces: Sequence[int]) -> int:
    """Makes a new person of faces; returns its id."""
    if not faces:
        raise ValueError("a person needs a face")
    new = int(connection.execute("INSERT INTO people DEFAULT VALUES").lastrowid or 0)
    left = {_person_of(connection, face) for face in faces} - {None}
    _take(connection, faces, new)
    # Else the next grouping could put those that stay behind beside the others again.
    connection.executemany(
        "INSERT OR IGNORE INTO rejections (face, person) SELECT id, ? FROM faces WHERE person = ?",
        ((new, person) for person in left),
    )
    return new


def remove(connection: sqlite3.Connection, faces: Sequence[int]) -> None:
    """Takes faces out of their people."""
    _take(connection, faces, None)


def _take(connection: sqlite3.Connection, faces: Iterable[int], to: int | None) -> None:
    """Moves faces to another person, or nobody, and rules out for each the one that it was of."""
    moved = {face: _person_of(connection, face) for face in faces}
    left = [(face, person) for face, person in moved.items() if person is not None]
    connection.executemany(
        f"""{RETELL} (SELECT face.file FROM faces AS face JOIN people AS p ON p.id = face.person
            WHERE face.id = ? AND p.name IS NOT NULL)""",
        ((face,) for face, _ in left),
    )
    connection.executemany("INSERT OR IGNORE INTO rejections (face, person) VALUES (?, ?)", left)
    connection.executemany(
        "UPDATE faces SET person = ?, by_hand = 1, distance = NULL WHERE id = ?",
        ((to, face) for face in moved),
    )
    drop_empty(connection, {person for _, person in left})


def reset_people(connection: sqlite3.Connection) -> None:
    """Forgets all people and decisions."""
    connection.execute(
        f"""{RETELL} (SELECT face.file FROM people AS p JOIN faces AS face ON face.person = p.id
            WHERE p.name IS NOT NULL)"""
    )
    connection.execute(
        "UPDATE faces SET person = NULL, by_hand = 0, distance = NULL WHERE person IS NOT NULL OR by_hand"
    )
    for table in ("rejections", "people"):
        connection.execute(f"DELETE FROM {table}")


def reset_faces(connection: sqlite3.Connection) -> None:
    """Forgets all faces and people, and that faces were ever looked for."""
    for table in ("rejections", "embeddings", "faces", "people"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM results WHERE recognizer = ?", (FACES,))
    connection.execute("DELETE FROM failures WHERE stage = ?", (FACES,))


def of_files(connection: sqlite3.Connection, files: Sequence[int]) -> set[int]:
    """The people whose faces are in some files."""
    rows = connection.execute(
        """SELECT DISTINCT person FROM faces
           WHERE file IN (SELECT value FROM json_each(?)) AND person IS NOT NULL""",
        (json.dumps(files),),
    )
    return {person for (person,) in rows}


def drop_empty(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Deletes those of some people who have neither a name nor a face, be it one that is not shown."""
    connection.executemany(
        """DELETE FROM people
           WHERE id = ? AND name IS NULL AND NOT EXISTS (SELECT 1 FROM faces WHERE person = people.id)""",
        ((id_,) for id_ in ids),
    )


def _name(connection: sqlite3.Connection, id_: int) -> str | None:
    row: tuple[str | None] | None = connection.execute(
        "SELECT name FROM people WHERE id = ?", (id_,)
    ).fetchone()
    if row is None:
        raise UnknownPerson(person=id_, near="")
    return row[0]


def _person_of(connection: sqlite3.Connection, face: int) -> int | None:
    row: tuple[int | None] | None = connection.execute(
        "SELECT person FROM faces WHERE id = ?", (face,)
    ).fetchone()
    if row is None:
        raise UnknownFace(face=face)
    return row[0]


def _set_name(connection: sqlite3.Connection, id_: int, name: str | None) -> None:
    folded = None if name is None else fold_name(name)
    connection.execute("UPDATE people SET name = ?, folded = ? WHERE id = ?", (name, folded, id_))
    _retell(connection, [id_])


def _retell(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Has the next scan tell all files with faces of these people."""
    connection.executemany(f"{RETELL} (SELECT file FROM faces WHERE person = ?)", ((id_,) for id_ in ids))
