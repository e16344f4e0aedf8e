"""What the page shows: plain values, so that it can be rendered without a catalogue or a photo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceCell:
    """A face on the page.

    `file` is the name of its photo, `link` the URL of that and `thumbnail` the URL of its picture, both empty
    where there is none. `person` is the id of whom it belongs to, `person_name` what that is called, None for
    nobody; `doubts` say in a few words each why it may be wrong there.
    """

    id: int
    file: str
    link: str
    thumbnail: str
    person: int | None = None
    person_name: str | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A person and some of their faces; `faces` and `files` count all of them."""

    id: int
    name: str | None
    faces: int
    files: int
    cells: tuple[FaceCell, ...]

    @property
    def title(self) -> str:
        """What the page calls the person."""
        return title(self.id, self.name)


def title(person: int, name: str | None) -> str:
    """What the page calls a person."""
    return name or f"Person {person}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who look alike, each with a few faces; `distance` is how far these are from each other."""

    left: PersonCard
    right: PersonCard
    distance: float


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """All that the page shows, in the order in which it shows it.

    `people_count`, `named_count`, `face_count`, `unsure_count` and `nobody_count` count what there is, shown
    or not. `catalogue` is the path of the catalogue as people read it, under which browsers remember what was
    done on the page; `catalogue_option` is what commands need to use it, for a shell, empty for the default.
    """

    people: tuple[PersonCard, ...]
    pairs: tuple[Pair, ...]
    unsure: tuple[FaceCell, ...]
    nobody: tuple[FaceCell, ...]
    people_count: int
    named_count: int
    face_count: int
    unsure_count: int
    nobody_count: int
    catalogue: str
    catalogue_option: str
    made: str
