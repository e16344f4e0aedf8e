"""What somebody decides of people by hand, and what an algorithm may do besides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.errors import ExitCode, NameTaken, UnknownFace, UnknownPerson
from recognize_cli.records import Gone
from tests.catalogue.making import HERE, MODEL, assert_sound, detection, known, outcome, query, searched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.catalogue.face_store import SqliteFaceStore
    from tests.catalogue.conftest import Clock

NOBODY = 0
ALL_TOLD = {"a.jpg": "rules-1", "b.jpg": "rules-1", "c.jpg": "rules-1"}


@pytest.fixture
def store(catalogue: SqliteCatalogue) -> SqliteFaceStore:
    """Six faces in three files: 1 and 2 in a.jpg, 3 and 4 in b.jpg, 5 and 6 in c.jpg."""
    catalogue.commit([searched(f"{name}.jpg", detection(0.1), detection(0.6)) for name in "abc"])
    return catalogue.face_store


def group(store: SqliteFaceStore, persons: Mapping[int, int], distance: float = 0.25) -> None:
    """What an algorithm says: the person of each face."""
    store.regroup(
        np.array([*persons], np.int64),
        np.array([*persons.values()], np.int64),
        np.full(len(persons), distance, np.float32),
    )


def persons(store: SqliteFaceStore) -> dict[int, int | None]:
    return {face.id: face.person for face in store.faces()}


def rules(catalogue: SqliteCatalogue) -> dict[str, str]:
    """The rules that made the tags of each file; none after the name of one of its faces changed."""
    found = {name: file.result("faces") for name, file in catalogue.known(HERE, "/data").items()}
    return {name: result.rules for name, result in found.items() if result is not None}


def tell(catalogue: SqliteCatalogue) -> None:
    """What a scan does with files whose results have no rules."""
    for name in "abc":
        made = searched(f"{name}.jpg").result
        kept = replace(made, scores=(replace(made.scores[0], faces=None),))
        catalogue.commit([replace(searched(f"{name}.jpg"), result=kept)])
    assert rules(catalogue) == ALL_TOLD


def test_a_grouping_makes_people(store: SqliteFaceStore) -> None:
    assert store.next_person() == 1
    group(store, {1: 1, 3: 1, 5: 1, 4: 3, 6: 3, 2: NOBODY})
    assert [(each.id, each.name, each.faces, each.files) for each in store.people()] == [
        (1, None, 3, 3),
        (3, None, 2, 2),
    ]
    assert persons(store) == {1: 1, 2: None, 3: 1, 4: 3, 5: 1, 6: 3}
    assert [face.distance for face in store.faces()] == [0.25, None, 0.25, 0.25, 0.25, 0.25]
    assert [face.id for face in store.faces(3)] == [4, 6]
    assert store.next_person() == 4


def test_people_without_a_name_go_with_their_last_face(store: SqliteFaceStore, path: Path) -> None:
    group(store, {1: 1, 2: 2, 3: 3})
    store.rename(2, "Ada")
    group(store, {1: 2, 2: NOBODY, 3: 3})
    assert [(each.id, each.name) for each in store.people()] == [(2, "Ada"), (3, None)]
    group(store, {1: NOBODY, 3: NOBODY})
    assert [(each.id, each.faces) for each in store.people()] == [(2, 0)]
    assert store.person(1) is None
    store.rename(2, None)
    assert store.people() == []
    assert store.next_person() == 4
    assert_sound(path)


def test_a_grouping_leaves_alone_what_was_placed_by_hand(store: SqliteFaceStore) -> None:
    group(store, dict.fromkeys(range(1, 7), 1))
    store.remove([1])
    new = store.split([2, 3])
    group(store, dict.fromkeys(range(1, 7), 9))
    assert persons(store) == {1: None, 2: new, 3: new, 4: 9, 5: 9, 6: 9}
    assert [face.by_hand for face in store.faces()] == [True, True, True, False, False, False]
    assert [each.id for each in store.people()] == [9, new]


def test_a_grouping_passes_over_faces_that_there_are_not(store: SqliteFaceStore) -> None:
    group(store, {1: 1, 99: 5})
    assert [each.id for each in store.people()] == [1]
    group(store, {})
    assert persons(store)[1] == 1


def test_a_grouping_must_make_sense(store: SqliteFaceStore) -> None:
    with pytest.raises(ValueError, match="above 0"):
        group(store, {1: -1})
    with pytest.raises(ValueError, match="as many"):
        store.regroup(np.array([1, 2]), np.array([1]), np.array([0.5], np.float32))
    assert store.people() == []
    group(store, {1: 1})
    assert persons(store)[1] == 1


def test_a_grouping_that_changes_nothing_writes_nothing(store: SqliteFaceStore, path: Path) -> None:
    groups = {1: 1, 2: 1, 3: 2, 4: 2, 5: NOBODY}
    group(store, groups)
    with store._database.reading() as connection:
        before = connection.total_changes
        group(store, groups)
        assert connection.total_changes - before == len(groups)  # those of its own temporary table
        group(store, groups | {1: 2})
        assert connection.total_changes - before > 2 * len(groups)


def test_only_files_whose_names_change_are_told_again(
    catalogue: SqliteCatalogue, store: SqliteFaceStore
) -> None:
    group(store, {1: 1, 3: 1, 5: 2, 6: 3})
    assert rules(catalogue) == ALL_TOLD
    store.rename(1, "Ada")
    assert rules(catalogue) == ALL_TOLD | {"a.jpg": "", "b.jpg": ""}
    tell(catalogue)
    group(store, {1: 1, 3: 4, 5: 3, 6: 1})
    assert rules(catalogue) == ALL_TOLD | {"b.jpg": "", "c.jpg": ""}
    assert [face.name for face in known(catalogue).faces] == ["Ada", None]


@pytest.mark.parametrize(
    ("again", "told"),
    [("Ada", ALL_TOLD), ("ada", ALL_TOLD | {"a.jpg": ""}), (None, ALL_TOLD | {"a.jpg": ""})],
)
def test_a_name_that_changes_is_told(
    catalogue: SqliteCatalogue, store: SqliteFaceStore, again: str | None, told: dict[str, str]
) -> None:
    group(store, {1: 1})
    store.rename(1, "Ada")
    tell(catalogue)
    store.rename(1, again)
    assert rules(catalogue) == told
    assert [face.name for face in known(catalogue).faces] == [again, None]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Ada", "aDA"),
        ("Straße", "STRASSE"),
        ("\xc9lise", "e\u0301LISE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ada", "Ada"),
    ],
)
def test_a_name_is_one_person_s_whatever_its_case(store: SqliteFaceStore, name: str, same: str) -> None:
    group(store, {1: 1, 2: 2})
    store.rename(1, name)
    with pytest.raises(NameTaken) as caught:
        store.rename(2, same)
    assert "recognize faces merge 1 2" in str(caught.value)
    assert caught.value.exit_code == ExitCode.USAGE
    assert store.person_named(same) == store.person(1)
    store.rename(1, same)
    assert store.person(2) == store.people()[1]
    assert store.people()[0].name == same


def test_nobody_has_a_name_that_is_no_text(store: SqliteFaceStore) -> None:
    assert store.person_named("\udcff") is None
    assert store.person_named("") is None


def test_a_merge_is_for_good(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    group(store, {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4})
    store.rename(3, "Bea")
    store.rename(4, "Ada")
    tell(catalogue)
    store.merge(2, [1, 3, 4, 2])
    assert [(each.id, each.name, each.faces) for each in store.people()] == [(2, "Bea", 6)]
    assert rules(catalogue) == {"a.jpg": "", "b.jpg": "", "c.jpg": ""}
    group(store, dict.fromkeys(range(1, 7), NOBODY))
    assert set(persons(store).values()) == {2}


def test_a_merge_keeps_the_name_of_the_first(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    group(store, {1: 1, 3: 2, 5: 3})
    store.rename(1, "Ada")
    store.rename(2, "Bea")
    tell(catalogue)
    store.merge(1, [2, 3])
    assert [(each.id, each.name) for each in store.people()] == [(1, "Ada")]
    assert rules(catalogue) == {"a.jpg": "rules-1", "b.jpg": "", "c.jpg": ""}
    store.rename(1, "Bea")  # it is free again


def test_a_merge_of_one_changes_nothing(store: SqliteFaceStore) -> None:
    group(store, {1: 1})
    store.merge(1, [])
    store.merge(1, [1, 1])
    assert [face.by_hand for face in store.faces(1)] == [False]


def test_what_was_ruled_out_for_one_is_ruled_out_for_all_that_it_becomes(store: SqliteFaceStore) -> None:
    group(store, {1: 1, 2: 1, 3: 1, 4: 2})
    store.remove([1])
    new = store.split([2])
    assert store.table(MODEL).rejected.tolist() == [[1, 1], [2, 1], [3, new]]
    store.merge(2, [1])
    assert store.table(MODEL).rejected.tolist() == [[1, 2], [2, 2], [3, new]]
    store.merge(2, [new])
    assert store.table(MODEL).rejected.tolist() == [[1, 2]]


def test_a_split_makes_a_new_person(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    group(store, {1: 1, 2: 1, 3: 1, 5: 2})
    store.rename(1, "Ada")
    tell(catalogue)
    new = store.split([3, 5, 3, 6])
    assert (new, store.next_person()) == (3, 4)
    assert [(each.id, each.name, each.faces) for each in store.people()] == [(3, None, 3), (1, "Ada", 2)]
    # Person 2 is gone, with what was said of it.
    assert store.table(MODEL).rejected.tolist() == [[1, new], [2, new], [3, 1]]
    group(store, {1: new, 2: new, 4: new})
    assert persons(store) == {1: 1, 2: 1, 3: new, 4: new, 5: new, 6: new}
    assert rules(catalogue) == ALL_TOLD | {"b.jpg": ""}
    with pytest.raises(ValueError, match="needs a face"):
        store.split([])


def test_a_removed_face_is_nobody_s(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    group(store, {1: 1, 3: 1})
    store.rename(1, "Ada")
    tell(catalogue)
    store.remove([3, 4])
    assert persons(store) == {1: 1, 2: None, 3: None, 4: None, 5: None, 6: None}
    assert store.table(MODEL).by_hand.tolist() == [False, False, True, True, False, False]
    assert rules(catalogue) == ALL_TOLD | {"b.jpg": ""}
    assert catalogue.tags() == {"Ada": 1}
    store.remove([1])
    assert [(each.name, each.faces) for each in store.people()] == [("Ada", 0)]


def test_unknown_ids_change_nothing(store: SqliteFaceStore) -> None:
    group(store, {1: 1, 2: 2})
    before = (store.people(), list(store.faces()), store.next_person())
    for person in (
        lambda: store.rename(9, "Ada"),
        lambda: store.merge(9, [1]),
        lambda: store.merge(1, [2, 9]),
    ):
        with pytest.raises(UnknownPerson, match=r"9.*; `recognize faces list`"):
            person()
    for face in (lambda: store.split([1, 9]), lambda: store.remove([1, 9])):
        with pytest.raises(UnknownFace, match="no face 9"):
            face()
    assert (store.people(), list(store.faces()), store.next_person()) == before
    assert (store.person(9), store.face(9), list(store.faces(9))) == (None, None, [])


def test_names_are_tags_counted_once_a_file(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    catalogue.commit([outcome("a.jpg", tags={"objects": ("Ada", "Cat")}), outcome("d.jpg")])
    group(store, {1: 1, 2: 1, 3: 1, 4: 2, 5: 3})
    store.rename(1, "Ada")
    store.rename(2, "Bea")
    assert catalogue.tags() == {"Ada": 2, "Cat": 2, "Bea": 1}


def test_people_of_missing_files_come_back_with_them(
    catalogue: SqliteCatalogue, store: SqliteFaceStore, path: Path, clock: Clock
) -> None:
    group(store, {1: 1, 3: 1, 4: 2, 5: 3})
    store.rename(3, "Ada")
    ids = {name: known(catalogue, f"{name}.jpg").id for name in "abc"}
    catalogue.missing([ids["b"], ids["c"]], Gone.DELETED)
    assert [(each.id, each.faces) for each in store.people()] == [(1, 1), (3, 0)]
    assert store.person(2) is None
    assert store.table(MODEL).ids.tolist() == [1, 2]
    store.merge(1, [2])  # what is decided holds for them, too
    catalogue.found([ids["b"]])
    assert [(each.id, each.faces) for each in store.people()] == [(1, 3), (3, 0)]
    clock.now += 31 * 86400
    assert catalogue.purge() == 1
    catalogue.missing([ids["b"], ids["a"]], Gone.DELETED)
    clock.now += 31 * 86400
    assert catalogue.purge() == 2
    assert [(each.id, each.name) for each in store.people()] == [(3, "Ada")]
    assert_sound(path)


def test_people_can_be_forgotten_and_faces_kept(catalogue: SqliteCatalogue, store: SqliteFaceStore) -> None:
    group(store, {1: 1, 3: 2, 5: 2, 6: 3})
    store.rename(1, "Ada")
    store.remove([3])
    tell(catalogue)
    store.reset_people()
    assert (store.people(), set(persons(store).values())) == ([], {None})
    table = store.table(MODEL)
    assert (table.by_hand.any(), len(table.rejected), table.named) == (False, 0, frozenset())
    assert [face.distance for face in store.faces()] == [None] * 6
    assert rules(catalogue) == ALL_TOLD | {"a.jpg": ""}
    assert store.next_person() == 4


def test_faces_can_be_forgotten(catalogue: SqliteCatalogue, store: SqliteFaceStore, path: Path) -> None:
    catalogue.commit([outcome("a.jpg")])
    group(store, {1: 1, 2: 2})
    store.remove([2])
    store.reset_faces()
    assert (store.people(), list(store.faces()), store.models()) == ([], [], {})
    assert rules(catalogue) == {}
    assert known(catalogue).result("objects") is not None
    assert known(catalogue).faces == ()
    catalogue.close()
    for table in ("faces", "people", "embeddings", "rejections"):
        assert query(path, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_table_of_no_faces_is_empty(catalogue: SqliteCatalogue) -> None:
    table = catalogue.face_store.table(MODEL)
    assert (len(table.ids), len(table.vectors), table.rejected.shape) == (0, 0, (0, 2))


def test_a_table_has_a_row_a_face(catalogue: SqliteCatalogue) -> None:
    """More faces than are read at once."""
    faces = [detection(n / 100, size=0.005, score=n / 200, vector=(n, -n)) for n in range(100)]
    catalogue.commit([searched(f"{n}.jpg", *faces) for n in range(120)])
    table = catalogue.face_store.table(MODEL)
    rows = np.arange(12_000) % 100
    assert table.ids.tolist() == list(range(1, 12_001))
    assert table.vectors.dtype == np.float32
    assert (table.vectors == np.column_stack([rows, -rows])).all()
    assert np.allclose(table.scores, rows / 200)
    assert np.allclose(table.sizes, 0.005)
    assert table.rolls.tolist() == [1.0] * 12_000
    assert table.yaws.tolist() == [-2.0] * 12_000
    assert table.sharpness.tolist() == [40.0] * 12_000
    assert catalogue.face_store.table("model-2").ids.tolist() == []


def test_faces_come_once_each_while_they_change(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([searched(f"{n}.jpg", detection()) for n in range(1200)])
    store = catalogue.face_store
    group(store, dict.fromkeys(range(1, 1201), 1))
    seen = []
    for face in store.faces(1):
        seen.append(face.id)
        if face.id % 100 == 0:
            store.remove([face.id])
    assert seen == list(range(1, 1201))
