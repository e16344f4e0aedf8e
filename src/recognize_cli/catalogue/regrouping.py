"""What an algorithm found out of who is who, written in a few statements however many faces there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.people import RETELL

if TYPE_CHECKING:
    import sqlite3

    import numpy as np
    from numpy.typing import NDArray

_ROWS: Final = 50_000

_MOVES: Final = """
    CREATE TEMP TABLE moves AS
    SELECT face.id AS face, face.file AS file, face.person AS old, g.person AS new, g.distance AS distance
    FROM grouping AS g CROSS JOIN faces AS face ON face.id = g.face
    WHERE NOT face.by_hand AND (face.person IS NOT g.person OR face.distance IS NOT g.distance)
        AND NOT EXISTS (SELECT 1 FROM rejections AS r WHERE r.face = g.face AND r.person = g.person)
"""
_NEW_PEOPLE: Final = """
    INSERT INTO people (id)
    SELECT DISTINCT new FROM moves WHERE new IS NOT NULL AND new NOT IN (SELECT id FROM people)
"""
_RETELL: Final = f"""
    {RETELL} (
        SELECT m.file FROM moves AS m
        LEFT JOIN people AS before ON before.id = m.old LEFT JOIN people AS now ON now.id = m.new
        WHERE before.name IS NOT now.name)
"""
_MOVE: Final = """
    UPDATE faces SET person = moves.new, distance = moves.distance FROM moves WHERE faces.id = moves.face
"""
_DROP_EMPTY: Final = """
    DELETE FROM people WHERE name IS NULL AND id IN (SELECT old FROM moves)
        AND NOT EXISTS (SELECT 1 FROM faces WHERE person = people.id)
"""


def regroup(
    connection: sqlite3.Connection,
    faces: NDArray[np.int64],
    persons: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> None:
    """Gives faces to people; see `FaceStore.regroup`. Faces that there are not (any more) are passed over."""
    if not len(faces) == len(persons) == len(distances):
        raise ValueError("as many persons and distances as faces are needed")
    if (persons < 0).any():
        raise ValueError("the id of a person is above 0")
    connection.execute("CREATE TEMP TABLE grouping (face INTEGER PRIMARY KEY, person INTEGER, distance REAL)")
    for start in range(0, len(faces), _ROWS):
        rows = (column[start : start + _ROWS].tolist() for column in (faces, persons, distances))
        connection.executemany(
            "INSERT OR REPLACE INTO grouping VALUES (?1, nullif(?2, 0), CASE WHEN ?2 THEN ?3 END)",
            zip(*rows, strict=True),
        )
    for statement in (
        _MOVES,
        _NEW_PEOPLE,
        _RETELL,
        _MOVE,
        _DROP_EMPTY,
        "DROP TABLE moves",
        "DROP TABLE grouping",
    ):
        connection.execute(statement)
