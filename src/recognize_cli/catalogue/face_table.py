"""All faces of a model as arrays. NumPy is imported at the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import damaged
from recognize_cli.catalogue.people import PRESENT_FACES
from recognize_cli.catalogue.people_api import FaceTable
from recognize_cli.catalogue.vectors import BYTES_A_NUMBER, decode_vectors

if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

_ROWS: Final = 5_000

_MODELS: Final = f"""
    SELECT face.model, count(*) AS number FROM {PRESENT_FACES}
    GROUP BY face.model ORDER BY number DESC, face.model
"""
_DIMENSIONS: Final = """
    SELECT length(e.vector) FROM faces AS face JOIN embeddings AS e ON e.face = face.id
    WHERE face.model = ? LIMIT 1
"""
_FACES: Final = f"""
    SELECT e.vector, face.id, COALESCE(face.person, 0), face.by_hand, face.score,
        max(face.width, face.height), face.roll, face.yaw, face.sharpness
    FROM {PRESENT_FACES} JOIN embeddings AS e ON e.face = face.id WHERE face.model = ? ORDER BY face.id
"""
_REJECTED: Final = f"""
    SELECT ruled.face, ruled.person FROM rejections AS ruled
    CROSS JOIN {PRESENT_FACES} JOIN embeddings AS e ON e.face = face.id
    WHERE face.id = ruled.face AND face.model = ? ORDER BY ruled.face, ruled.person
"""


def models(connection: sqlite3.Connection) -> dict[str, int]:
    """How many faces each model found, most first."""
    return dict(connection.execute(_MODELS).fetchall())


def table(connection: sqlite3.Connection, model: str, catalogue: str) -> FaceTable:
    """The faces of a model that have a vector."""
    import numpy as np

    # No fewer than there will be. What stays unused of an empty array takes no memory.
    ((rows,),) = connection.execute("SELECT count(*) FROM faces WHERE model = ?", (model,))
    size: tuple[int] | None = connection.execute(_DIMENSIONS, (model,)).fetchone()
    vectors = np.empty((rows, size[0] // BYTES_A_NUMBER if size else 0), np.float32)
    types = (np.int64, np.int64, np.bool_, *[np.float32] * 5)
    columns: list[NDArray[Any]] = [np.empty(rows, type_) for type_ in types]
    try:
        end = _fill(connection.execute(_FACES, (model,)), vectors, columns)
    except (ValueError, TypeError) as error:
        raise damaged(catalogue, error) from error
    ids, persons, by_hand, scores, sizes, rolls, yaws, sharpness = (column[:end] for column in columns)
    named = connection.execute("SELECT id FROM people WHERE name IS NOT NULL").fetchall()
    rejected = connection.execute(_REJECTED, (model,)).fetchall()
    return FaceTable(
        ids=ids,
        vectors=vectors[:end],
        persons=persons,
        by_hand=by_hand,
        scores=scores,
        sizes=sizes,
        rolls=rolls,
        yaws=yaws,
        sharpness=sharpness,
        named=frozenset(id_ for (id_,) in named),
        rejected=np.array(rejected, np.int64).reshape(-1, 2),
    )


def _fill(cursor: sqlite3.Cursor, vectors: NDArray[np.float32], columns: list[NDArray[Any]]) -> int:
    """Copies the rows of a cursor into arrays, a page at a time; returns how many there were."""
    start = 0
    while page := cursor.fetchmany(_ROWS):
        encoded, *values = zip(*page, strict=True)
        end = start + len(page)
        vectors[start:end] = decode_vectors(encoded, vectors.shape[1])
        for column, found in zip(columns, values, strict=True):
            column[start:end] = found  # NULL becomes NaN
        start = end
    return start
