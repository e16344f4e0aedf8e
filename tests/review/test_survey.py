"""What is chosen from a real catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.records import Box
from recognize_cli.review.survey import Limits, survey
from tests.review.making import MadeFace, fill

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.catalogue.people_api import KnownFace


def no_flags(face: KnownFace) -> tuple[str, ...]:
    return ()


def one_each(place: Path, *faces: MadeFace) -> dict[Path, list[MadeFace]]:
    """Photos 0.jpg, 1.jpg and so on, that need not exist, with one face each."""
    return {place / f"{number}.jpg": [face] for number, face in enumerate(faces)}


def of(person: int, *distances: float) -> list[MadeFace]:
    return [MadeFace("red", person, distance) for distance in distances]


def test_named_people_come_first_then_those_with_most_faces(
    catalogue: SqliteCatalogue, tmp_path: Path
) -> None:
    fill(catalogue, one_each(tmp_path, *of(1, 0.3, 0.3), *of(2, 0.3, 0.3, 0.3), *of(3, 0.3)))
    catalogue.face_store.rename(3, "Ann")
    found = survey(catalogue.face_store, no_flags, Limits())
    assert list(found.people) == [3, 2, 1]
    assert list(survey(catalogue.face_store, no_flags, Limits(people=2)).people) == [3, 2]
    assert (found.face_count, len(found.persons)) == (6, 3)


def test_the_surest_faces_come_first_and_the_limit_drops_the_others(
    catalogue: SqliteCatalogue, tmp_path: Path
) -> None:
    ids = fill(catalogue, one_each(tmp_path, *of(1, 0.4, 0.2, 0.3), *of(2, 0.3)))
    one, two, three = ids["0.jpg"][0], ids["1.jpg"][0], ids["2.jpg"][0]
    assert survey(catalogue.face_store, no_flags, Limits()).people[1] == (two, three, one)
    found = survey(catalogue.face_store, no_flags, Limits(faces_per_person=1))
    assert found.people[1] == (two,)
    assert one not in found.faces
    catalogue.face_store.merge(2, [1])
    by_hand = survey(catalogue.face_store, no_flags, Limits()).people[2]
    assert by_hand == tuple(sorted(by_hand))


def test_far_faces_and_flagged_ones_are_unsure_and_say_why(
    catalogue: SqliteCatalogue, tmp_path: Path
) -> None:
    usual = of(1, *(0.3 + n / 100 for n in range(9)))
    bad = [MadeFace("red", 1, 0.9), MadeFace("red", 1, 0.3, sharpness=0.0), MadeFace("red", 1, 0.8)]
    stranger = MadeFace("red", 0, sharpness=0.0)
    ids = fill(catalogue, one_each(tmp_path, *usual, *bad, stranger))

    def blurred(face: KnownFace) -> tuple[str, ...]:
        return () if face.sharpness else ("blurred",)

    found = survey(catalogue.face_store, blurred, Limits())
    furthest, soft, far, nobody = (ids[f"{number}.jpg"][0] for number in range(9, 13))
    assert found.unsure == (furthest, far, soft)
    assert found.doubts == {
        furthest: ("far from the others",),
        far: ("far from the others",),
        soft: ("blurred",),
    }
    assert found.nobody == (nobody,)
    limited = survey(catalogue.face_store, blurred, Limits(unsure=1))
    assert (limited.unsure, limited.unsure_count) == ((furthest,), 3)


def test_nobody_s_largest_faces_come_first(catalogue: SqliteCatalogue, tmp_path: Path) -> None:
    def sized(side: float) -> MadeFace:
        return MadeFace("red", box=Box(0.1, 0.1, side, side / 2))

    ids = fill(catalogue, one_each(tmp_path, sized(0.1), sized(0.3), sized(0.2)))
    found = survey(catalogue.face_store, no_flags, Limits(nobody=2))
    assert found.nobody == (ids["1.jpg"][0], ids["2.jpg"][0])
    assert found.nobody_count == 3
    assert set(found.faces) == set(found.nobody)


def test_people_who_look_alike_are_paired_with_their_nearest_faces(
    catalogue: SqliteCatalogue, tmp_path: Path
) -> None:
    ids = fill(catalogue, one_each(tmp_path, *of(1, *[0.3] * 9), *of(2, *[0.3] * 5)))
    moved = [ids[f"{number}.jpg"][0] for number in range(4)]
    assert survey(catalogue.face_store, no_flags, Limits()).pairs == ()
    catalogue.face_store.regroup(np.array(moved), np.full(4, 3), np.full(4, 0.3, np.float32))
    (pair,) = survey(catalogue.face_store, no_flags, Limits(people=1, faces_per_person=1)).pairs
    assert (pair.left, pair.right) == (1, 3)
    assert set(pair.right_faces) == set(moved)
    assert len(pair.left_faces) == 4
    assert survey(catalogue.face_store, no_flags, Limits(pairs=0)).pairs == ()


def test_an_empty_catalogue_has_nothing(catalogue: SqliteCatalogue) -> None:
    found = survey(catalogue.face_store, no_flags, Limits())
    assert (found.people, found.pairs, found.unsure, found.nobody, found.faces) == ({}, (), (), (), {})
