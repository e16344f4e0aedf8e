"""Which faces are of one person: all that is known goes into the grouping, and what changed comes back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering import Problem, Settings, group
from recognize_cli.models.entries import Faces
from recognize_cli.models.hashing import PRECISIONS, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from recognize_cli.catalogue.people_api import FaceStore, FaceTable
    from recognize_cli.faces.quality import Gates
    from recognize_cli.models.entries import ModelEntry


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
    before = {person.id for person in store.people()}
    next_person = store.next_person()
    found: list[_Moves] = []
    for model, distance in distances.items():
        settings = Settings(distance=distance, min_size=min_size, rebuild=rebuild, threads=threads)
        found.append(_grouped(store.table(model), gates, settings, next_person))
        next_person = max(next_person, int(found[-1].new.max(initial=0)) + 1)
    if not found:
        return Clustered(people=len(before))
    moves = _joined(found)
    written = moves.free if rebuild else moves.changed
    if written.any():
        store.regroup(moves.faces[written], moves.new[written], moves.distances[written])
    after = {person.id for person in store.people()}
    return moves.counted(people=len(after), new_people=len(after - before))


@dataclass(frozen=True, slots=True)
class _Moves:
    """Whose faces were and are now; columns of equal length n.

    ``faces`` are ids, ``old`` and ``new`` people, 0 for nobody; ``free`` says which faces the algorithm may
    place.
    """

    faces: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    distances: NDArray[np.float32]
    free: NDArray[np.bool_]

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which faces are another person's now."""
        changed: NDArray[np.bool_] = self.free & (self.new != self.old)
        return changed

    def counted(self, *, people: int, new_people: int) -> Clustered:
        """The faces by what became of them."""
        changed, had, has = self.changed, self.old != 0, self.new != 0
        return Clustered(
            faces=len(self.faces),
            people=people,
            new_people=new_people,
            assigned=int((changed & ~had).sum()),
            moved=int((changed & had & has).sum()),
            released=int((changed & ~has).sum()),
            unassigned=int((~has).sum()),
        )


def _joined(parts: Sequence[_Moves]) -> _Moves:
    names = [column.name for column in fields(_Moves)]
    return _Moves(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _grouped(table: FaceTable, gates: Gates, settings: Settings, next_person: int) -> _Moves:
    """What is to become of the faces of one model."""
    fixed = _fixed(table)
    problem = Problem(
        vectors=table.vectors,
        persons=table.persons,
        fixed=fixed,
        core=gates.core(table),
        rejected=_rejected_rows(table),
        next_person=next_person,
    )
    grouping = group(problem, settings)
    return _Moves(table.ids, table.persons, grouping.persons, grouping.distances, ~fixed)


def _fixed(table: FaceTable) -> NDArray[np.bool_]:
    """Which faces nobody but a person may move."""
    return table.by_hand | np.isin(table.persons, np.fromiter(table.named, np.int64, len(table.named)))


def _rejected_rows(table: FaceTable) -> NDArray[np.int64]:
    """The pairs (row, person) that somebody ruled out."""
    faces, persons = table.rejected.reshape(-1, 2).T
    known = np.isin(faces, table.ids)
    return np.column_stack([np.searchsorted(table.ids, faces[known]), persons[known]])


def distance_of(model: str, entries: Iterable[ModelEntry]) -> float | None:
    """Which distance is near for the faces of a model, given by its fingerprint; None if nobody knows it.

    A recognizer's fingerprint is that of its model, a dot and the number of its recipe. The precision that a
    model was run in changes its fingerprint, and not what is near.
    """
    for entry in entries:
        known = {fingerprint(entry, precision) for precision in PRECISIONS}
        if isinstance(entry.task, Faces) and model.partition(".")[0] in known:
            return entry.task.distance
    return None
