"""Faces and people in the catalogue's SQLite file: each change a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.catalogue import face_list, face_table, people, regrouping, tops

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.catalogue.database import Database
    from recognize_cli.catalogue.people_api import FaceTable, KnownFace, Person


class SqliteFaceStore:
    """See `FaceStore` for what the methods promise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._path = str(database.path)

    def models(self) -> dict[str, int]:
        with self._database.reading() as connection:
            return face_table.models(connection)

    def table(self, model: str) -> FaceTable:
        with self._database.snapshot() as connection:
            return face_table.table(connection, model, self._path)

    def people(self) -> list[Person]:
        with self._database.snapshot() as connection:
            return people.people(connection)

    def person(self, id: int) -> Person | None:
        with self._database.snapshot() as connection:
            return people.person(connection, id)

    def person_named(self, name: str) -> Person | None:
        with self._database.snapshot() as connection:
            id_ = people.id_of(connection, name)
            return None if id_ is None else people.person(connection, id_)

    def faces(self, person: int | None = None) -> Iterator[KnownFace]:
        return face_list.faces(self._database, person)

    def face(self, id: int) -> KnownFace | None:
        with self._database.reading() as connection:
            return face_list.face(connection, id, self._path)

    def top(self, storage: str) -> str:
        with self._database.snapshot() as connection:
            return tops.top(connection, storage)

    def regroup(
        self, faces: NDArray[np.int64], persons: NDArray[np.int64], distances: NDArray[np.float32]
    ) -> None:
        with self._database.writing() as connection:
            regrouping.regroup(connection, faces, persons, distances)

    def next_person(self) -> int:
        with self._database.reading() as connection:
            return people.next_id(connection)

    def rename(self, person: int, name: str | None) -> None:
        with self._database.writing() as connection:
            people.rename(connection, person, name)

    def merge(self, into: int, others: Collection[int]) -> None:
        with self._database.writing() as connection:
            people.merge(connection, into, others)

    def split(self, faces: Sequence[int]) -> int:
        with self._database.writing() as connection:
            return people.split(connection, faces)

    def remove(self, faces: Sequence[int]) -> None:
        with self._database.writing() as connection:
            people.remove(connection, faces)

    def reset_people(self) -> None:
        with self._database.writing() as connection:
            people.reset_people(connection)

    def reset_faces(self) -> None:
        with self._database.writing() as connection:
            people.reset_faces(connection)
