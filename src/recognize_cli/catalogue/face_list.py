"""Faces with all that is stored of them but their vectors, one by one or a page a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import damaged, decode_file, decode_landmarks
from recognize_cli.catalogue.people import PRESENT_FACES
from recognize_cli.catalogue.people_api import KnownFace
from recognize_cli.records import Box, Pose

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

    from recognize_cli.catalogue.database import Database

_PAGE_ROWS: Final = 500

_FACES: Final = f"""
    SELECT d.storage, d.path, f.name, f.kind, f.size, f.version, f.modified, f.file_id,
        face.id, face.model, face.x, face.y, face.width, face.height, face.score, face.landmarks,
        face.roll, face.yaw, face.pitch, face.sharpness, face.person, p.name, face.by_hand, face.distance
    FROM {PRESENT_FACES} JOIN directories AS d ON d.id = f.directory
    LEFT JOIN people AS p ON p.id = face.person
"""
_ONE: Final = f"{_FACES} WHERE face.id = ?"
_PAGE: Final = f"{_FACES} WHERE face.id > :after ORDER BY face.id LIMIT :rows"
_PAGE_OF_PERSON: Final = (
    f"{_FACES} WHERE face.person = :person AND face.id > :after ORDER BY face.id LIMIT :rows"
)


def face(connection: sqlite3.Connection, id_: int, catalogue: str) -> KnownFace | None:
    """One face."""
    row = connection.execute(_ONE, (id_,)).fetchone()
    return None if row is None else _face(row, catalogue)


def faces(database: Database, person: int | None) -> Iterator[KnownFace]:
    """The faces of a person, or all, by id."""
    query, after = _PAGE if person is None else _PAGE_OF_PERSON, 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(
                query, {"person": person, "after": after, "rows": _PAGE_ROWS}
            ).fetchall()
        for row in rows:
            known = _face(row, str(database.path))
            after = known.id
            yield known
        if len(rows) < _PAGE_ROWS:
            return


def _face(row: tuple[Any, ...], catalogue: str) -> KnownFace:
    id_, model, x, y, width, height, score, landmarks, *pose, sharpness, person, name, by_hand, distance = (
        row[8:]
    )
    try:
        return KnownFace(
            id=id_,
            file=decode_file(*row[:8]),
            model=model,
            box=Box(x, y, width, height),
            score=score,
            landmarks=decode_landmarks(landmarks),
            pose=Pose(*map(_measured, pose)),
            sharpness=_measured(sharpness),
            person=person,
            name=name,
            by_hand=bool(by_hand),
            distance=distance,
        )
    except ValueError as error:
        raise damaged(catalogue, error) from error


def _measured(value: float | None) -> float:
    return float("nan") if value is None else value
