"""Who goes where, in cases small enough to see through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bench.grouping_scores import bcubed, pairwise
from bench.made_faces import DISTANCE, made_faces
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from recognize_cli.clustering import Settings, group, neighbours
from tests.clustering.problems import NEXT, after, problem, same_partition

ADD = Settings(distance=1.0)
REBUILD = Settings(distance=1.0, rebuild=True)
BOTH = pytest.mark.parametrize("how", [ADD, REBUILD], ids=["adding", "rebuilding"])


def people(*args: object, how: Settings = ADD, **kwargs: object) -> list[int]:
    return group(problem(*args, **kwargs), how).persons.tolist()  # type: ignore[arg-type]


@BOTH
def test_near_faces_are_a_person_and_strangers_nobody(how: Settings) -> None:
    assert people([1.0, 1.1, 5.0, 5.1, 5.2, 9.0], how=how) == [NEXT, NEXT, *[NEXT + 1] * 3, 0]


@BOTH
@pytest.mark.parametrize("vectors", [np.empty((0, 3)), [[1.0, 2.0]], [[0.0]], np.empty((2, 0))])
def test_few_faces_are_nobody(vectors: object, how: Settings) -> None:
    found = group(problem(vectors), how)
    assert not found.persons.any()
    assert np.isnan(found.distances).all()


@BOTH
def test_one_face_less_than_a_person_is_nobody(how: Settings) -> None:
    assert people([1.0, 1.1, 5.0, 5.1, 5.2], how=replace(how, min_size=3)) == [0, 0, NEXT, NEXT, NEXT]


def test_one_face_is_enough_if_one_is_asked_for() -> None:
    assert people([1.0, 9.0], how=replace(ADD, min_size=1)) == [NEXT, NEXT + 1]


@BOTH
def test_faces_that_are_no_core_only_join(how: Settings) -> None:
    assert people([1.0, 1.1, 1.2, 5.0, 5.1], loose=[2, 3, 4], how=how) == [NEXT, NEXT, NEXT, 0, 0]


@BOTH
@pytest.mark.parametrize("damage", [np.nan, np.inf, 0.0, 3e38])
def test_damaged_vectors_are_nobody(damage: float, how: Settings) -> None:
    assert people([1.0, damage, 1.1, damage], how=how) == [NEXT, 0, NEXT, 0]


def test_a_damaged_face_keeps_its_person_until_a_rebuild() -> None:
    assert people([np.nan, 1.0], persons=[4, 4]) == [4, 4]
    assert people([np.nan, 1.0], persons=[4, 4], how=REBUILD) == [0, 0]
    assert people([np.nan, 1.0], persons=[4, 4], fixed=[0], how=REBUILD) == [4, 0]


@BOTH
def test_copies_by_the_thousand_hide_nobody(how: Settings) -> None:
    vectors = np.concatenate([np.full(5000, 1.0), [1.1, 5.0, 5.1, 9.0]])
    assert people(vectors, how=how) == [NEXT] * 5001 + [NEXT + 1] * 2 + [0]


def series(people: int, each: int, shots: int) -> np.ndarray:
    """Of each person some series of shots, so tight that a shot's nearest neighbours are all in its own."""
    numbers = np.random.default_rng(3)
    faces = np.repeat(numbers.normal(size=(people, 64)), each, axis=0) + 0.3 * numbers.normal(
        size=(people * each, 64)
    )
    return np.repeat(faces, shots, axis=0) + 0.02 * numbers.normal(size=(people * each * shots, 64))


@BOTH
def test_all_series_of_shots_of_somebody_are_one_person(how: Settings) -> None:
    found = group(problem(series(3, 4, 50)), replace(how, distance=5.0)).persons
    assert same_partition(found, np.repeat([1, 2, 3], 200))


def test_a_new_series_of_shots_goes_to_its_person() -> None:
    persons = np.repeat([5, 0, 6, 6], 50)
    assert people(series(2, 2, 50), persons=persons, how=Settings(5.0)) == [5] * 100 + [6] * 100
    ruled_out = [(60, 5)]
    found = people(series(2, 2, 50), persons=persons, rejected=ruled_out, how=Settings(5.0))
    assert set(found[50:100]) == {NEXT}


def test_new_faces_join_who_is_near_and_others_make_people() -> None:
    known = [1.0, 1.1, 5.0, 5.1]
    assert people([*known, 1.2, 9.0, 9.1, 20.0], persons=[3, 3, 4, 4, 0, 0, 0, 0]) == [
        *(3, 3, 4, 4),
        *(3, NEXT, NEXT, 0),
    ]


def test_adding_moves_nobody() -> None:
    assert people([1.0, 1.1, 1.05, 1.06], persons=[3, 4, 5, 0])[:3] == [3, 4, 5]


@BOTH
def test_who_was_removed_by_hand_stays_out(how: Settings) -> None:
    assert people([1.0, 1.1, 1.2, 1.05], persons=[3, 3, 3, 0], fixed=[3], how=how) == [3, 3, 3, 0]


@BOTH
def test_a_ruled_out_person_is_passed_over_for_the_next(how: Settings) -> None:
    vectors, persons = [1.0, 1.1, 2.0, 2.1, 1.3], [3, 3, 4, 4, 0]
    fixed = [0, 1, 2, 3]
    assert people(vectors, persons=persons, fixed=fixed, how=how)[-1] == 3
    assert people(vectors, persons=persons, fixed=fixed, rejected=[(4, 3)], how=how)[-1] == 4
    assert people(vectors, persons=persons, fixed=fixed, rejected=[(4, 3), (4, 4)], how=how)[-1] == 0


def test_copies_of_a_face_that_are_ruled_out_can_be_somebody_else() -> None:
    ruled_out = [(2, 3), (3, 3)]
    assert people([1.0, 1.1, 1.0, 1.05], persons=[3, 3, 0, 0], rejected=ruled_out) == [3, 3, NEXT, NEXT]


def test_a_new_group_near_to_one_stray_face_of_a_person_is_somebody_else() -> None:
    vectors, persons = [1.0, 3.0, 3.1, 3.2, 3.3, 0.2, 0.25], [5, 5, 5, 5, 5, 0, 0]
    assert people(vectors, persons=persons) == [5, 5, 5, 5, 5, NEXT, NEXT]


def test_a_rebuild_goes_by_the_faces_that_are_fixed() -> None:
    assert people([1.0, 1.1, 1.2, 5.0], persons=[7, 0, 8, 8], fixed=[0], how=REBUILD) == [7, 7, 7, 0]


def test_a_rebuild_fuses_no_two_people_with_fixed_faces() -> None:
    vectors = [1.0, 1.05, 1.3, 1.35, 1.31]
    assert people(vectors, persons=[7, 0, 8, 0, 0], fixed=[0, 2], how=REBUILD) == [7, 7, 8, 8, 8]
    assert people([1.0, 1.0, 1.0], persons=[8, 7, 0], fixed=[0, 1], how=REBUILD) == [8, 7, 7]


def test_a_person_put_together_by_hand_draws_faces_to_each_of_its_sides() -> None:
    vectors = [1.0, 1.1, 50.0, 50.1, 1.05, 50.05]
    for how in (ADD, REBUILD):
        assert people(vectors, persons=[7] * 4 + [0, 0], fixed=[0, 1, 2, 3], how=how) == [7] * 6


def test_a_rebuild_keeps_numbers_where_most_faces_stay() -> None:
    assert people([1.0, 1.1, 1.2, 5.0, 5.1], persons=[6, 6, 9, 9, 9], how=REBUILD) == [6, 6, 6, 9, 9]
    assert people([1.0, 1.1, 5.0, 5.1, 5.2], persons=[6, 6, 6, 6, 6], how=REBUILD) == [NEXT, NEXT, 6, 6, 6]


def test_distances_are_to_the_mean_of_the_person() -> None:
    found = group(problem([1.0, 1.2, 1.4, 9.0]), ADD)
    assert found.distances[:3] == pytest.approx([0.2, 0.0, 0.2], abs=1e-6)
    assert np.isnan(found.distances[3])


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan, np.inf])
def test_a_distance_must_be_positive(distance: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        group(problem([1.0]), Settings(distance))


def test_a_large_offset_of_all_vectors_does_no_harm() -> None:
    vectors, _ = made_faces("real", 600)
    near = group(problem(vectors), Settings(DISTANCE)).persons
    assert same_partition(near, group(problem(vectors + np.float32(512)), Settings(DISTANCE)).persons)


@pytest.mark.parametrize(("mode", "f1"), [("spec", 0.995), ("real", 0.97), ("hard", 0.92)])
def test_made_faces_are_told_apart(mode: str, f1: float) -> None:
    vectors, truth = made_faces(mode, 3000)
    found = group(problem(vectors), Settings(DISTANCE, rebuild=True)).persons
    assert pairwise(truth, found).f1 >= f1
    assert bcubed(truth, found).f1 >= f1


def test_photos_that_come_bit_by_bit_give_about_the_same_people() -> None:
    vectors, truth = made_faces("real", 3000)
    persons = np.zeros(0, np.int64)
    for count in range(500, 3001, 500):
        so_far = problem(vectors[:count], persons=np.concatenate([persons, np.zeros(500, np.int64)]))
        so_far = replace(so_far, next_person=1 + int(persons.max(initial=0)))
        persons = group(so_far, Settings(DISTANCE)).persons
    assert pairwise(truth, persons).f1 >= 0.93
    assert bcubed(truth, persons).f1 >= 0.93


@given(st.integers(0, 100))
@budget(max_examples=5, deadline=None)
def test_without_exact_search_it_is_as_steady(seed: int) -> None:
    vectors, truth = made_faces("real", 1500, seed)
    before, how = problem(vectors), Settings(DISTANCE, rebuild=True)
    order = np.random.default_rng(seed).permutation(len(vectors))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_AFFORDABLE", 1500 * vectors.shape[1] * 100)
        first = group(before, how)
        assert same_partition(first.persons[order], group(problem(vectors[order]), how).persons)
        for again in (how, replace(how, rebuild=False)):
            assert np.array_equal(first.persons, group(after(before, first), again).persons)
    assert pairwise(truth, first.persons).f1 >= 0.95
