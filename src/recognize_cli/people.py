"""Use cases of faces: group them to people, and what somebody decides by hand about people.

What was decided by hand stays, however often and however differently the faces are grouped later: all faces
of a person with a name, faces that a merge or a split put where they are, and faces that were taken out. Only
the others are the algorithm's to place.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.errors import NameTaken, UnknownFace, UnknownPerson
from recognize_cli.models.entries import Faces
from recognize_cli.models.hashing import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.catalogue.people_api import FaceStore, FaceTable, KnownFace, Person
    from recognize_cli.clustering import Grouping, Problem
    from recognize_cli.faces.quality import Gates
    from recognize_cli.models.entries import ModelEntry

LONGEST_NAME = 200
LARGEST_ID = (1 << 63) - 1
_NEAR = 3
_REFUSED = {
    "Cc": "control characters",
    "Zl": "line breaks",
    "Zp": "line breaks",
    "Cs": "bytes that are no text",
}


@dataclass(frozen=True, slots=True)
class Clustered:
    """What a run of `cluster` did.

    ``faces`` is how many it looked at; of these ``assigned`` joined a person, ``moved`` went from one to
    another, ``released`` left one, and ``unassigned`` belong to nobody now. ``people`` is how many there are
    now, ``new_people`` how many of them there were not before.
    """

    faces: int = 0
    people: int = 0
    new_people: int = 0
    assigned: int = 0
    moved: int = 0
    released: int = 0
    unassigned: int = 0


def cluster(
    store: FaceStore,
    distances: Mapping[str, float],
    gates: Gates,
    *,
    min_size: int,
    rebuild: bool = False,
    threads: int = 1,
) -> Clustered:
    """Groups the faces of each model on their own, and writes what changed in one transaction.

    ``distances`` gives, by the fingerprints of models, up to which distance two of its faces are likely of
    one person; faces of other models stay as they are. People may have faces of several models.
    """
    import numpy as np

    from recognize_cli.clustering import Settings, group

    before = {person.id for person in store.people()}
    next_person = store.next_person()
    moves: list[_Moves] = []
    for model, distance in distances.items():
        table = store.table(model)
        settings = Settings(distance=distance, min_size=min_size, rebuild=rebuild, threads=threads)
        grouping = group(_problem(table, gates, next_person), settings)
        moves.append(_moves(table, grouping, rebuild=rebuild))
        next_person = max(next_person, int(grouping.persons.max(initial=0)) + 1)
    if any(len(each.faces) for each in moves):
        store.regroup(
            np.concatenate([each.faces for each in moves]),
            np.concatenate([each.persons for each in moves]),
            np.concatenate([each.distances for each in moves]),
        )
    after = {person.id for person in store.people()}
    return Clustered(
        faces=sum(each.seen for each in moves),
        people=len(after),
        new_people=len(after - before),
        assigned=sum(each.assigned for each in moves),
        moved=sum(each.moved for each in moves),
        released=sum(each.released for each in moves),
        unassigned=sum(each.unassigned for each in moves),
    )


@dataclass(frozen=True, slots=True)
class _Moves:
    """The faces to be written, and the counts of `Clustered` for one model."""

    faces: NDArray[np.int64]
    persons: NDArray[np.int64]
    distances: NDArray[np.float32]
    seen: int
    assigned: int
    moved: int
    released: int
    unassigned: int


def _fixed(table: FaceTable) -> NDArray[np.bool_]:
    """Which faces nobody but a person may move."""
    import numpy as np

    return table.by_hand | np.isin(table.persons, np.fromiter(table.named, np.int64, len(table.named)))


def _problem(table: FaceTable, gates: Gates, next_person: int) -> Problem:
    from recognize_cli.clustering import Problem

    return Problem(
        vectors=table.vectors,
        persons=table.persons,
        fixed=_fixed(table),
        core=gates.core(table),
        rejected=_rejected_rows(table),
        next_person=next_person,
    )


def _rejected_rows(table: FaceTable) -> NDArray[np.int64]:
    """The pairs (row, person) that somebody ruled out."""
    import numpy as np

    faces, persons = table.rejected.reshape(-1, 2).T
    known = np.isin(faces, table.ids)
    return np.column_stack([np.searchsorted(table.ids, faces[known]), persons[known]])


def _moves(table: FaceTable, grouping: Grouping, *, rebuild: bool) -> _Moves:
    """What is to be written: all free faces after a rebuild, else those that changed hands."""
    old, new = table.persons, grouping.persons
    changed = ~_fixed(table) & (new != old)
    written = ~_fixed(table) if rebuild else changed
    return _Moves(
        faces=table.ids[written],
        persons=new[written],
        distances=grouping.distances[written],
        seen=len(table.ids),
        assigned=int((changed & (old == 0)).sum()),
        moved=int((changed & (old != 0) & (new != 0)).sum()),
        released=int((changed & (new == 0)).sum()),
        unassigned=int((new == 0).sum()),
    )


def distance_of(model: str, entries: Iterable[ModelEntry]) -> float | None:
    """Which distance is near for the faces of a model, given by its fingerprint; None if nobody knows it.

    A recognizer's fingerprint is that of its model, a dot and the number of its recipe.
    """
    for entry in entries:
        if isinstance(entry.task, Faces) and fingerprint(entry) == model.partition(".")[0]:
            return entry.task.distance
    return None


def clean_name(text: str) -> str:
    """A name as it is stored: NFC, without spaces around it. Raises ValueError, which says what is wrong."""
    name = unicodedata.normalize("NFC", text).strip()
    for char in name:
        if refused := _REFUSED.get(unicodedata.category(char)):
            raise ValueError(f"a name has no {refused}")
    if not name:
        raise ValueError("a name is not empty")
    if name.isdigit():
        raise ValueError("a name is not only digits: those are the ids of people")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters")
    return name


def find(store: FaceStore, text: str) -> Person:
    """The person of an id or a name, case ignored. Raises UnknownPerson, which tells names that are near."""
    wanted = unicodedata.normalize("NFC", text).strip()
    if wanted.isascii() and wanted.isdigit():
        number = int(wanted) if len(wanted) <= len(str(LARGEST_ID)) else LARGEST_ID
        person = store.person(min(number, LARGEST_ID))
    else:
        person = store.person_named(wanted)
    if person is None:
        raise UnknownPerson(person=text, near=_near(store, wanted))
    return person


def find_all(store: FaceStore, texts: Iterable[str]) -> list[Person]:
    """The people of ids or names, each once."""
    return list({person.id: person for person in (find(store, text) for text in texts)}.values())


def _near(store: FaceStore, wanted: str) -> str:
    names = {person.name.casefold(): person.name for person in store.people() if person.name is not None}
    folded = wanted.casefold()
    near = [name for key, name in names.items() if folded and folded in key][:_NEAR]
    near = near or [names[key] for key in difflib.get_close_matches(folded, names, n=_NEAR)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def find_faces(store: FaceStore, ids: Iterable[int]) -> list[KnownFace]:
    """The faces of these ids, each once. Raises UnknownFace."""
    return [_face(store, id_) for id_ in dict.fromkeys(ids)]


def _face(store: FaceStore, id_: int) -> KnownFace:
    face = store.face(id_)
    if face is None:
        raise UnknownFace(face=id_)
    return face


def rename(store: FaceStore, person: Person, name: str | None) -> None:
    """Gives a person a name (of `clean_name`), or takes it away. Raises NameTaken."""
    owner = None if name is None else store.person_named(name)
    if owner is not None and owner.id != person.id:
        raise NameTaken(name=name, owner=owner.id, person=person.id)
    store.rename(person.id, name)
