"""Grouping and corrections, on a real catalogue: what somebody decided stays."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.errors import NameTaken, UnknownFace, UnknownPerson
from recognize_cli.faces.quality import Gates
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.people.grouping import Clustered, cluster, distance_of
from recognize_cli.people.lookup import clean_name, find, find_all, find_faces, rename
from tests.support.faces import MODEL, THRESHOLD, album, detection, fill, groups, outcome, partition, vector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.catalogue.people_api import FaceStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[FaceStore]:
    with SqliteCatalogue.open(path) as catalogue:
        yield catalogue.face_store


def grouped(store: FaceStore, *, rebuild: bool = False, distance: float = THRESHOLD) -> Clustered:
    return cluster(store, dict.fromkeys(store.models(), distance), Gates(), min_size=2, rebuild=rebuild)


def together(*faces: list[int]) -> set[frozenset[int]]:
    return {frozenset(each) for each in faces}


def test_people_are_told_apart(path: Path, store: FaceStore) -> None:
    ids = fill(path, album(5, 4))
    assert grouped(store) == Clustered(faces=20, people=5, new_people=5, assigned=20)
    assert partition(path) == together(*ids.values())


def test_a_face_alone_is_of_nobody(path: Path, store: FaceStore) -> None:
    fill(path, {**album(2, 3), "stranger.jpg": [99]})
    assert grouped(store) == Clustered(faces=7, people=2, new_people=2, assigned=6, unassigned=1)


def test_where_there_are_no_faces_there_is_nothing_to_do(store: FaceStore) -> None:
    assert grouped(store) == Clustered()


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_second_run_changes_nothing(path: Path, store: FaceStore, rebuild: bool) -> None:
    fill(path, {**album(4, 5), "stranger.jpg": [99]})
    grouped(store)
    before = groups(path)
    assert grouped(store, rebuild=rebuild) == Clustered(faces=21, people=4, unassigned=1)
    assert groups(path) == before


def test_new_faces_join_known_people_or_make_new_ones(path: Path, store: FaceStore) -> None:
    old = fill(path, album(3, 4))
    grouped(store)
    before = groups(path)
    new = fill(path, album(4, 3, prefix="new"))
    done = grouped(store)
    assert (done.assigned, done.new_people, done.moved, done.unassigned) == (12, 1, 0, 0)
    after = groups(path)
    assert {face: after[face] for face in before} == before
    assert partition(path) == together(*(old.get(person, []) + new[person] for person in new))


def test_doubtful_faces_found_no_person_and_yet_join_one(path: Path, store: FaceStore) -> None:
    blurred = [
        outcome(f"b{n}.jpg", [detection(vector(1, n), sharpness=0.0, score=0.1, place=n)]) for n in range(3)
    ]
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit(blurred)
    assert grouped(store).people == 0
    fill(path, album(1, 4))
    assert grouped(store) == Clustered(faces=7, people=1, new_people=1, assigned=7)


def test_each_model_is_grouped_on_its_own_and_ids_do_not_collide(path: Path, store: FaceStore) -> None:
    one = fill(path, album(3, 3, prefix="a"), model="one.1")
    two = fill(path, album(3, 3, prefix="b"), model="two.1")
    done = cluster(store, {"one.1": THRESHOLD, "two.1": THRESHOLD}, Gates(), min_size=2)
    assert done == Clustered(faces=18, people=6, new_people=6, assigned=18)
    assert partition(path) == together(*one.values(), *two.values())


def test_faces_of_other_models_stay_as_they_are(path: Path, store: FaceStore) -> None:
    fill(path, album(2, 3, prefix="a"), model="one.1")
    other = fill(path, album(2, 3, prefix="b"), model="two.1")
    assert cluster(store, {"one.1": THRESHOLD}, Gates(), min_size=2).faces == 6
    assert all(groups(path)[face] == 0 for faces in other.values() for face in faces)


def test_a_name_a_merge_a_split_and_a_removal_survive_ten_more_runs(path: Path, store: FaceStore) -> None:
    ids = fill(path, album(6, 6))
    grouped(store)
    person = {number: groups(path)[faces[0]] for number, faces in ids.items()}
    store.rename(person[1], "Ada")
    store.merge(person[2], [person[3]])
    split = store.split(ids[4][:3])
    store.remove(ids[5][:2])
    store.remove(ids[1][:1])
    removed = {*ids[5][:2], ids[1][0]}

    for run in range(10):
        fill(path, album(7, 1, prefix=f"run{run}-"))  # life goes on
        grouped(store, rebuild=run % 2 == 1, distance=(0.6, 0.1, 1.2, 0.01, 1.6)[run % 5])
        now = groups(path)
        assert find(store, "ada").id == person[1]
        assert {now[face] for face in ids[1][1:]} == {person[1]}
        assert {now[face] for face in ids[2] + ids[3]} == {person[2]}
        assert {now[face] for face in ids[4][:3]} == {split}
        assert all(now[face] != split for face in ids[4][3:])
        assert {now[face] for face in removed} == {0}


def test_a_person_whose_name_is_taken_away_is_the_algorithms_again(path: Path, store: FaceStore) -> None:
    ids = fill(path, album(2, 4))
    grouped(store)
    person = groups(path)[ids[1][0]]
    store.rename(person, "Ada")
    grouped(store, rebuild=True, distance=0.001)
    assert partition(path) == together(ids[1])
    store.rename(person, None)
    grouped(store, rebuild=True, distance=0.001)
    assert partition(path) == set()


def test_a_face_that_stays_behind_does_not_follow(path: Path, store: FaceStore) -> None:
    """It is near to those that were split off, and free; only that it is ruled out keeps it away."""
    ids = fill(path, album(1, 8))
    grouped(store)
    new = store.split(ids[1][1:])
    for rebuild in (True, False, True):
        assert grouped(store, rebuild=rebuild).moved == 0
        assert {groups(path)[face] for face in ids[1][1:]} == {new}
        assert groups(path)[ids[1][0]] != new


def test_people_with_names_draw_new_faces_and_are_never_joined(path: Path, store: FaceStore) -> None:
    """Two named people look alike; the algorithm alone would take them for one, the one with more faces."""
    few = fill(path, album(1, 2), spread=0.005)[1]
    alike = [
        outcome(f"alike{n}.jpg", [detection(vector(1, n, spread=0.005) + np.float32(0.1))]) for n in range(6)
    ]
    with SqliteCatalogue.open(path) as catalogue:
        many = [face.id for faces in catalogue.commit(alike) for face in faces]
    grouped(store, distance=0.2)
    small, large = groups(path)[few[0]], groups(path)[many[0] or 0]
    assert small != large
    store.rename(small, "Ada")
    store.rename(large, "Bea")
    [new] = fill(path, {"new.jpg": [1]}, spread=0.005)[1]
    grouped(store, rebuild=True, distance=1.0)
    assert groups(path) == dict.fromkeys([*few, new], small) | dict.fromkeys(many, large)


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        (" Ada ", "Ada"),
        ("Zoe\u0301", "Zo\xe9"),
        ("R2D2", "R2D2"),
        ("\u5f20\u4f1f", "\u5f20\u4f1f"),
        ("x" * 200, "x" * 200),
    ],
)
def test_names_are_cleaned(given_name: str, stored: str) -> None:
    assert clean_name(given_name) == stored


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "not empty"),
        (" \t ", "not empty"),
        ("17", "only digits"),
        ("\u0661\u0667", "only digits"),
        ("a\nb", "control"),
        ("a\x1b[2J", "control"),
        ("a\u2028b", "line breaks"),
        ("caf\udce9", "no text"),
        ("x" * 201, "at most 200"),
    ],
)
def test_names_are_refused(name: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        clean_name(name)


@given(st.text(max_size=220))
def test_a_cleaned_name_stays_as_it_is(name: str) -> None:
    try:
        cleaned = clean_name(name)
    except ValueError:
        return
    assert clean_name(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned


def named(path: Path, store: FaceStore, *names: str) -> list[int]:
    fill(path, album(len(names), 2))
    grouped(store)
    ids = sorted(person.id for person in store.people())
    for id_, name in zip(ids, names, strict=True):
        store.rename(id_, name)
    return ids


def test_a_person_is_found_by_id_and_by_name(path: Path, store: FaceStore) -> None:
    ada, bob = named(path, store, "Ada Lovelace", "Bob")
    assert find(store, str(ada)).id == ada
    assert find(store, "ADA lovelace ").id == ada
    assert [person.id for person in find_all(store, ["bob", str(ada), str(bob)])] == [bob, ada]


@pytest.mark.parametrize("nobody", ["Ada Lovelac", "love", "99999", "9" * 5000, "", "\udce9", "-1", "\u0661"])
def test_who_is_unknown_is_an_error(path: Path, store: FaceStore, nobody: str) -> None:
    named(path, store, "Ada Lovelace", "Bob")
    with pytest.raises(UnknownPerson) as caught:
        find(store, nobody)
    assert ("did you mean 'Ada Lovelace'?" in str(caught.value)) == (nobody in ("Ada Lovelac", "love"))


def test_a_name_is_of_one_person(path: Path, store: FaceStore) -> None:
    ada, bob = named(path, store, "Ada", "Bob")
    with pytest.raises(NameTaken, match=f"recognize faces merge {ada} {bob}"):
        rename(store, find(store, "Bob"), "ADA")
    rename(store, find(store, "Ada"), "ADA")
    assert find(store, "ada").name == "ADA"


def test_faces_are_found_once(path: Path, store: FaceStore) -> None:
    ids = fill(path, album(1, 2))[1]
    assert [face.id for face in find_faces(store, [*ids, ids[0]])] == ids
    with pytest.raises(UnknownFace, match="no face 4711"):
        find_faces(store, [ids[0], 4711])


def test_each_model_of_the_lock_says_which_distance_is_near() -> None:
    entries = load_lock().models
    faces = [entry for entry in entries if entry.recognizer == "faces"]
    assert faces
    for entry in faces:
        distance = distance_of(f"{fingerprint(entry)}.1", entries)
        assert distance is not None
        assert distance > 0
        assert distance_of(f"{fingerprint(entry, 'bfloat16')}.1", entries) == distance
    assert distance_of(MODEL, entries) is None
    objects = next(entry for entry in entries if entry.recognizer == "objects")
    assert distance_of(f"{fingerprint(objects)}.1", entries) is None


def test_the_made_faces_are_what_they_claim() -> None:
    near = np.linalg.norm(vector(1, 0) - vector(1, 1))
    far = np.linalg.norm(vector(1, 0) - vector(2, 0))
    assert near < THRESHOLD / 2
    assert far > THRESHOLD * 1.5
