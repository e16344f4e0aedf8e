"""The rows of faces of files: which a file has, and how new detections take the place of old ones.

Faces stay when their file gets another version, since what somebody decided of them must not be lost by an
edit. But they are told only while there is a result of the recognizer of faces for the file as it is.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import encode_landmarks
from recognize_cli.catalogue.people import drop_empty
from recognize_cli.catalogue.sameness import same_faces
from recognize_cli.catalogue.vectors import BYTES_A_NUMBER, decode_vectors, encode_vector
from recognize_cli.records import FACES, Box, Face

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import Detection

_COLUMNS: Final = (
    "face.file, face.id, face.score, face.person, p.name, face.x, face.y, face.width, face.height"
)

_SELECTED: Final = f"""
    SELECT {_COLUMNS} FROM directories AS d JOIN files AS f ON f.directory = d.id
    CROSS JOIN faces AS face ON face.file = f.id LEFT JOIN people AS p ON p.id = face.person
    WHERE {{condition}} ORDER BY face.id
"""
_OF_FILE: Final = f"""
    SELECT {_COLUMNS} FROM faces AS face LEFT JOIN people AS p ON p.id = face.person
    WHERE face.file = :file AND EXISTS (
        SELECT 1 FROM results AS r JOIN files AS f ON f.id = r.file AND f.version = r.version
        WHERE r.file = :file AND r.recognizer = '{FACES}')
    ORDER BY face.id
"""
_STORED: Final = """
    SELECT f.id, f.person, e.vector, f.x, f.y, f.width, f.height
    FROM faces AS f LEFT JOIN embeddings AS e ON e.face = f.id AND f.model = ? WHERE f.file = ? ORDER BY f.id
"""
# In a SET, a column is what it was before: the distance stays with the model that it was measured with.
_PUT: Final = """
    INSERT INTO faces
        (id, file, model, x, y, width, height, score, roll, yaw, pitch, sharpness, landmarks)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        distance = CASE WHEN model = excluded.model THEN distance END, model = excluded.model,
        x = excluded.x, y = excluded.y, width = excluded.width, height = excluded.height,
        score = excluded.score, roll = excluded.roll, yaw = excluded.yaw, pitch = excluded.pitch,
        sharpness = excluded.sharpness, landmarks = excluded.landmarks
"""


def selected(
    connection: sqlite3.Connection, condition: str, values: Sequence[object]
) -> dict[int, tuple[Face, ...]]:
    """The faces of files by the file's id, also of files where they are not told at present.

    ``condition`` is on a directory ``d`` and a file ``f``.
    """
    found: dict[int, list[Face]] = {}
    for row in connection.execute(_SELECTED.format(condition=condition), values):
        found.setdefault(row[0], []).append(_face(row))
    return {file: tuple(faces) for file, faces in found.items()}


def of_file(connection: sqlite3.Connection, file: int) -> tuple[Face, ...]:
    """The faces of one file as it is."""
    return tuple(_face(row) for row in connection.execute(_OF_FILE, {"file": file}))


def _face(row: tuple[Any, ...]) -> Face:
    _, id_, score, person, name, *box = row
    return Face(id_, Box(*box), score, person, name)


def replace(connection: sqlite3.Connection, file: int, model: str, found: Sequence[Detection]) -> None:
    """Makes these the faces of a file; one that is the same as a stored one takes over its row.

    Raises ValueError for a box or score that is no number.
    """
    stored = connection.execute(_STORED, (model, file)).fetchall()
    same = same_faces(
        [(Box(*box), _vector(vector)) for _, _, vector, *box in stored],
        [(detection.box, detection.embedding) for detection in found],
    )
    for index, detection in enumerate(found):
        _put(connection, stored[same[index]][0] if index in same else None, file, model, detection)
    kept = set(same.values())
    _delete(connection, [row[:2] for index, row in enumerate(stored) if index not in kept])


def _vector(column: bytes | None) -> NDArray[np.float16] | None:
    """A stored vector, None where there is none or it is cut off: grouping says that."""
    if column is None or len(column) % BYTES_A_NUMBER:
        return None
    vector: NDArray[np.float16] = decode_vectors([column], len(column) // BYTES_A_NUMBER)[0]
    return vector


def _put(
    connection: sqlite3.Connection, id_: int | None, file: int, model: str, detection: Detection
) -> None:
    place = (*astuple(detection.box), detection.score)
    if not all(map(math.isfinite, place)):
        raise ValueError(f"a face whose box or score is no number: {place}")
    measured = (*astuple(detection.pose), detection.sharpness)  # NaN becomes NULL
    row = (id_, file, model, *place, *measured, encode_landmarks(detection.landmarks))
    inserted = connection.execute(_PUT, row).lastrowid
    face, vector = id_ or inserted, encode_vector(detection.embedding)
    if vector is None:
        connection.execute("DELETE FROM embeddings WHERE face = ?", (face,))
    else:
        connection.execute("INSERT OR REPLACE INTO embeddings (face, vector) VALUES (?, ?)", (face, vector))


def _delete(connection: sqlite3.Connection, faces: Iterable[tuple[int, int | None]]) -> None:
    """Deletes faces, given with their people, and the people without a name who lose their last one."""
    gone = list(faces)
    connection.executemany("DELETE FROM faces WHERE id = ?", ((face,) for face, _ in gone))
    drop_empty(connection, {person for _, person in gone if person is not None})
