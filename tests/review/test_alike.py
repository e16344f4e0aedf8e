from __future__ import annotations

import numpy as np
import pytest

from recognize_cli.catalogue.people_api import FaceTable
from recognize_cli.review.alike import look_alike

WIDTH = 32


def table(
    people: dict[int, tuple[int, int]],
    *,
    named: frozenset[int] = frozenset(),
    rejected: list[tuple[int, int]] | None = None,
    nobody: int = 0,
) -> FaceTable:
    """`people` are (who they really are, how many faces) by id; faces are numbered from 1 in their order."""
    random = np.random.default_rng(5)
    persons = np.repeat([*people, 0], [*(count for _, count in people.values()), nobody]).astype(np.int64)
    real = np.repeat([*(who for who, _ in people.values()), 999], [*(n for _, n in people.values()), nobody])
    centres = {who: np.random.default_rng(who).normal(size=WIDTH) for who in set(real.tolist())}
    vectors = np.array([centres[who] / np.linalg.norm(centres[who]) for who in real.tolist()])
    vectors = vectors + random.normal(size=vectors.shape) * 0.03
    column = np.ones(len(persons), np.float32)
    return FaceTable(
        ids=np.arange(1, len(persons) + 1),
        vectors=vectors.astype(np.float32),
        persons=persons,
        by_hand=np.zeros(len(persons), bool),
        scores=column,
        sizes=column,
        rolls=column,
        yaws=column,
        sharpness=column,
        named=named,
        rejected=np.array(rejected or np.empty((0, 2)), np.int64).reshape(-1, 2),
    )


def pairs(faces: FaceTable, limit: int = 10) -> list[tuple[int, int]]:
    return [(pair.left, pair.right) for pair in look_alike(faces, limit)]


SOME = {10: (1, 5), 20: (2, 6), 30: (1, 2), 40: (3, 9), 50: (4, 4), 60: (4, 1)}


def test_people_who_are_one_are_found_and_others_are_not() -> None:
    assert sorted(pairs(table(SOME, nobody=3))) == [(10, 30), (50, 60)]


def test_the_limit_keeps_the_nearest() -> None:
    assert pairs(table(SOME), 1) == pairs(table(SOME))[:1]


def test_two_names_are_two_people() -> None:
    assert pairs(table(SOME, named=frozenset({10, 30, 50}))) == [(50, 60)]


@pytest.mark.parametrize("rejected", [(1, 30), (27, 50)])
def test_what_somebody_ruled_out_is_not_asked_again(rejected: tuple[int, int]) -> None:
    left = {(1, 30): (50, 60), (27, 50): (10, 30)}[rejected]
    assert pairs(table(SOME, rejected=[rejected, (999, 10)])) == [left]


def test_faces_come_nearest_first() -> None:
    faces = table(SOME)
    (pair,) = [each for each in look_alike(faces, 10) if each.left == 10]
    assert set(pair.left_faces) == {1, 2, 3, 4, 5}
    assert set(pair.right_faces) == {12, 13}
    apart = np.linalg.norm(faces.vectors[:5, None] - faces.vectors[None, 11:13], axis=2)
    assert pair.left_faces[0] == 1 + apart.min(axis=1).argmin()
    assert pair.distance == pytest.approx(apart.min(axis=0).mean(), rel=1e-5)


@pytest.mark.parametrize("people", [{}, {7: (1, 3)}])
def test_one_person_is_like_nobody(people: dict[int, tuple[int, int]]) -> None:
    assert pairs(table(people, nobody=2)) == []


def test_without_anybody_of_many_faces_the_nearest_are_still_told() -> None:
    assert pairs(table({1: (1, 1), 2: (1, 2), 3: (5, 1)}))[0] == (1, 2)


def test_many_people_with_many_faces() -> None:
    people = {id: (id % 290, 40 + id % 3) for id in range(1, 301)}
    found = pairs(table(people), 50)
    assert set(found) == {(id, id + 290) for id in range(1, 11)}
