"""What a catalogue knows of faces and people, without a word on how it keeps it.

A person is a group of faces, and may have a name. A face belongs to one person at most; either the algorithm
put it there or somebody did *by hand*. What was decided by hand is never changed by `FaceStore.regroup`.

The ids of faces and people are given once and never used again. A face keeps its id (and its person) when its
file is looked at again, by the same model or another one, and a face is found at the same place.

Faces of missing files are left out everywhere, and come back with their files. So are faces of files that
changed and were not searched for faces since. What is decided of people holds for those faces, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import Box, MediaFile, Pose


@dataclass(frozen=True, slots=True)
class Person:
    """A group of faces; ``faces`` is how many, ``files`` how many files they are in."""

    id: int
    name: str | None
    faces: int
    files: int


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face with all that is stored of it but its embedding.

    ``file`` has the storage for its source and is relative to the root of that storage (as `StoredScores`).
    ``by_hand`` says that somebody put it where it is, or took it out. ``distance`` is how far it is from the
    person that the algorithm gave it to, None for nobody or by hand.
    """

    id: int
    file: MediaFile
    model: str
    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...]
    pose: Pose
    sharpness: float
    person: int | None
    name: str | None
    by_hand: bool
    distance: float | None


@dataclass(frozen=True, slots=True)
class FaceTable:
    """All faces of one model as columns of equal length, in the order of their ids.

    ``ids`` int64; ``vectors`` float32 (n×d); ``persons`` int64, 0 for nobody; ``by_hand`` bool; ``scores``,
    ``sizes`` (the greater side of the box as a fraction of the image), ``rolls``, ``yaws`` (degrees) and
    ``sharpness`` float32, NaN for what could not be measured. ``named`` is the ids of people that have a
    name, ``rejected`` the pairs (face id, person id) int64 (m×2) of these faces that somebody ruled out.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    persons: NDArray[np.int64]
    by_hand: NDArray[np.bool_]
    scores: NDArray[np.float32]
    sizes: NDArray[np.float32]
    rolls: NDArray[np.float32]
    yaws: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    named: frozenset[int]
    rejected: NDArray[np.int64]


class FaceStore(Protocol):
    """Faces and people. Every change is one transaction: after a kill it is there whole or not at all.

    Every method raises CatalogueError; a change raises UnknownPerson or UnknownFace for an id that there is
    not, and then has changed nothing. A file whose faces got another name (or lost one) is told as changed
    by the next scan.

    A person with neither a name nor a face is gone. One with a name is not, so that no name is lost by
    accident; `merge` or `rename` ends it.
    """

    def models(self) -> dict[str, int]:
        """The fingerprints of the models that faces are from, with how many faces, most first."""
        ...

    def table(self, model: str) -> FaceTable:
        """All faces of a model, save for those whose embedding could not be stored (see `vectors`).

        The vectors take 4 bytes a number and are not held twice.
        """
        ...

    def people(self) -> list[Person]:
        """All people, those with most faces first, then by id.

        One without a name whose faces are all in missing files is left out, as are they.
        """
        ...

    def person(self, id: int) -> Person | None:
        """A person that `people` lists."""
        ...

    def person_named(self, name: str) -> Person | None:
        """The person of that very name, case ignored."""
        ...

    def faces(self, person: int | None = None) -> Iterator[KnownFace]:
        """The faces of a person, or all faces (also those of nobody), by id. Changes meanwhile are fine."""
        ...

    def face(self, id: int) -> KnownFace | None:
        """A face that `faces` gives."""
        ...

    def top(self, storage: str) -> str:
        """The deepest directory of a storage that all its known files lie in; its name is valid UTF-8."""
        ...

    def regroup(
        self, faces: NDArray[np.int64], persons: NDArray[np.int64], distances: NDArray[np.float32]
    ) -> None:
        """Gives faces (by id) to people, 0 for nobody; ids that no person has become new people.

        Faces placed by hand stay where they are, and so do those that would come to a person who is ruled
        out for them; ids that no face has are passed over. The distances are those of `KnownFace`, NaN for
        None. Raises ValueError for a person below 0.
        """
        ...

    def next_person(self) -> int:
        """The lowest id above all that people ever had."""
        ...

    def rename(self, person: int, name: str | None) -> None:
        """Gives a person a name (valid Unicode, NFC), or takes it away.

        Raises NameTaken when another person has it, case ignored.
        """
        ...

    def merge(self, into: int, others: Collection[int]) -> None:
        """Makes one person of several, by hand: all their faces stay with ``into`` for good.

        It keeps its name, else takes the first name that one of the others has. What somebody ruled out for
        one of the others is ruled out for ``into``, save for the faces that are now its own.
        """
        ...

    def split(self, faces: Sequence[int]) -> int:
        """Makes a new person of these faces, by hand.

        Their old people are ruled out for them, and it is for the faces that stay with those.
        Returns its id. Raises ValueError for no faces at all.
        """
        ...

    def remove(self, faces: Sequence[int]) -> None:
        """Takes faces out of their people, by hand: they are nobody's until somebody says otherwise."""
        ...

    def reset_people(self) -> None:
        """Forgets all people, names and decisions; keeps the faces."""
        ...

    def reset_faces(self) -> None:
        """Forgets all faces too: the next scan looks for them again."""
        ...
