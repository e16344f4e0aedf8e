"""Reads from the catalogue what is worth showing: a bounded number of faces, whatever there are.

All faces are read once as a few numbers each; only those that were chosen are read whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recognize_cli.review.alike import Alike, look_alike
from recognize_cli.review.unsure import FAR, strangeness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

    from recognize_cli.catalogue.people_api import FaceStore, KnownFace, Person

    Flags = Callable[[KnownFace], Collection[str]]
    """What is wrong with a face as a picture, in a word or two each."""

_IN_PAIRS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """At most how many of everything the page shows."""

    people: int = 2000
    faces_per_person: int = 100
    pairs: int = 100
    unsure: int = 300
    nobody: int = 1000


@dataclass(frozen=True, slots=True)
class Survey:
    """What was chosen, by id, in the order in which to show it.

    `people` has the ids of faces by that of the person, `unsure` those of faces that may be with the wrong
    person, `nobody` those of faces without one; `doubts` say of a face why it is unsure. `faces` are all that
    these and `pairs` name, save for any that vanished meanwhile. `persons` are all people there are.
    """

    persons: dict[int, Person]
    people: dict[int, tuple[int, ...]]
    pairs: tuple[Alike, ...]
    unsure: tuple[int, ...]
    nobody: tuple[int, ...]
    doubts: dict[int, tuple[str, ...]]
    faces: dict[int, KnownFace]
    face_count: int
    unsure_count: int
    nobody_count: int


def survey(store: FaceStore, flags: Flags, limits: Limits) -> Survey:
    """Looks at all faces and people of a catalogue; raises CatalogueError."""
    persons = {person.id: person for person in sorted(store.people(), key=_named_first)}
    columns = _columns(store.faces(), flags)
    people = columns.of_people(list(persons)[: limits.people], limits.faces_per_person)
    pairs = tuple(_pairs(store, persons, limits.pairs))
    unsure, doubts = columns.unsure()
    nobody = columns.nobody()
    shown = set(unsure[: limits.unsure]).union(nobody[: limits.nobody], *people.values())
    for pair in pairs:
        shown.update(pair.left_faces, pair.right_faces)
    return Survey(
        persons=persons,
        people=people,
        pairs=pairs,
        unsure=unsure[: limits.unsure],
        nobody=nobody[: limits.nobody],
        doubts=doubts,
        faces={face.id: face for face in store.faces() if face.id in shown},
        face_count=len(columns.ids),
        unsure_count=len(unsure),
        nobody_count=len(nobody),
    )


def _named_first(person: Person) -> tuple[bool, int, int]:
    return person.name is None, -person.faces, person.id


def _pairs(store: FaceStore, persons: dict[int, Person], limit: int) -> Iterable[Alike]:
    """Of the model that most faces are from: vectors of different models tell nothing of each other."""
    model = next(iter(store.models()), None)
    if model is None:
        return
    for pair in look_alike(store.table(model), limit):
        if pair.left in persons and pair.right in persons:
            left, right = pair.left_faces[:_IN_PAIRS], pair.right_faces[:_IN_PAIRS]
            yield Alike(pair.left, pair.right, pair.distance, left, right)


class _Columns(NamedTuple):
    """All faces as arrays of equal length; `flags` of those few that have any, by row."""

    ids: NDArray[np.int64]
    persons: NDArray[np.int64]
    distances: NDArray[np.float32]
    sizes: NDArray[np.float32]
    flags: dict[int, tuple[str, ...]]

    def of_people(self, people: Collection[int], limit: int) -> dict[int, tuple[int, ...]]:
        """At most `limit` faces of each person: those put there by hand first, then the surest."""
        order = np.lexsort((self.ids, np.nan_to_num(self.distances, nan=-1), self.persons))
        ordered = self.persons[order]
        starts = np.searchsorted(ordered, list(people), "left")
        ends = np.searchsorted(ordered, list(people), "right")
        return {
            person: tuple(self.ids[order[start : min(end, start + limit)]].tolist())
            for person, start, end in zip(people, starts.tolist(), ends.tolist(), strict=True)
        }

    def unsure(self) -> tuple[tuple[int, ...], dict[int, tuple[str, ...]]]:
        """The faces that may be with the wrong person, the least sure first, and why."""
        scores = strangeness(self.persons, self.distances)
        far = scores > FAR
        flagged = np.zeros(len(self.ids), bool)
        flagged[list(self.flags)] = True
        rows = np.flatnonzero(far | (flagged & np.isfinite(scores)))
        rows = rows[np.lexsort((self.ids[rows], -scores[rows]))]
        doubts = {}
        for row in rows.tolist():
            distance = ("far from the others",) if far[row] else ()
            doubts[int(self.ids[row])] = (*distance, *self.flags.get(row, ()))
        return tuple(doubts), doubts

    def nobody(self) -> tuple[int, ...]:
        """The faces that belong to nobody, the largest first."""
        rows = np.flatnonzero(self.persons == 0)
        return tuple(self.ids[rows[np.lexsort((self.ids[rows], -self.sizes[rows]))]].tolist())


def _columns(faces: Iterable[KnownFace], flags: Flags) -> _Columns:
    rows = []
    flagged = {}
    for row, face in enumerate(faces):
        distance = float("nan") if face.distance is None else face.distance
        rows.append((face.id, face.person or 0, distance, max(face.box.width, face.box.height)))
        if words := tuple(flags(face)):
            flagged[row] = words
    kinds = np.dtype([("id", np.int64), ("person", np.int64), ("distance", np.float32), ("size", np.float32)])
    table = np.array(rows, kinds)
    return _Columns(table["id"], table["person"], table["distance"], table["size"], flagged)
