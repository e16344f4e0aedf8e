from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from recognize_cli.records import Gone, Kind
from tests.catalogue.making import HERE, known, outcome, query, tag_names

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from tests.catalogue.conftest import Clock


def test_a_file_is_known_as_it_was_seen(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(kind=Kind.VIDEO, size=2**40, version="7-8", modified=-3.5, file_id="1:2")])
    file = known(catalogue)
    assert (file.kind, file.size, file.version) == (Kind.VIDEO, 2**40, "7-8")
    assert (file.modified, file.file_id, file.missing) == (-3.5, "1:2", None)


def test_a_place_is_a_directory_of_a_storage_and_a_name(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome("trip/a.jpg", source="/data", directory="/data/trip")])
    before = known(catalogue, directory="/data/trip")
    catalogue.commit([outcome("a.jpg", source="/data/trip", directory="/data/trip", version="2-10")])
    after = known(catalogue, directory="/data/trip")
    assert (before.id, before.version) == (after.id, "1-10")
    assert after.version == "2-10"
    assert catalogue.known(HERE, "/data") == {}


NAMES = [b"\xe9t\xe9.jpg", b"\xff\xfe", "é.jpg".encode(), b"100%_'\".jpg", b"\n\x01.png", b"x" * 255]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_bytes(catalogue: SqliteCatalogue, path: Path, name: bytes) -> None:
    text = os.fsdecode(name)
    catalogue.commit([outcome(text, directory=f"/{text}")])
    assert list(catalogue.known(HERE, f"/{text}")) == [text]
    catalogue.close()
    assert query(path, "SELECT path, name FROM directories JOIN files ON directory = directories.id") == [
        (b"/" + name, name)
    ]


def test_two_spellings_of_one_letter_are_two_names(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome("e\u0301.jpg"), outcome("\xe9.jpg"), outcome("E\u0301.jpg")])
    assert len(catalogue.known(HERE, "/data")) == 3


def test_a_missing_file_keeps_what_is_known_of_it(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    before = known(catalogue)
    assert catalogue.missing([before.id], Gone.IGNORED) == [before.id]
    assert known(catalogue).missing is Gone.IGNORED
    assert known(catalogue).results == before.results
    catalogue.found([before.id])
    assert known(catalogue) == before


def test_a_file_becomes_missing_once(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome("a.jpg"), outcome("b.jpg")])
    first, second = (known(catalogue, name).id for name in ("a.jpg", "b.jpg"))
    catalogue.missing([first], Gone.IGNORED)
    assert catalogue.missing([first, second], Gone.DELETED) == [second]
    assert known(catalogue, "a.jpg").missing is Gone.IGNORED


def test_a_commit_brings_a_missing_file_back(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    before = known(catalogue)
    catalogue.missing([before.id], Gone.DELETED)
    catalogue.commit([outcome(version="2-10")])
    after = known(catalogue)
    assert (after.id, after.missing, after.version) == (before.id, None, "2-10")


def test_a_moved_file_keeps_its_id_and_results(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(file_id="1:2")])
    before = known(catalogue)
    catalogue.missing([before.id], Gone.DELETED)
    (candidate,) = catalogue.find_moved(HERE, "1:2", "1-10", 10)
    assert candidate.path == "/data/a.jpg"
    assert candidate.known.missing is Gone.DELETED
    catalogue.move(before.id, HERE, "/elsewhere", "b.jpg")
    assert catalogue.known(HERE, "/data") == {}
    assert catalogue.known(HERE, "/elsewhere") == {"b.jpg": before}


@pytest.mark.parametrize(
    ("storage", "file_id", "version", "size"),
    [
        ("other", "1:2", "1-10", 10),
        (HERE, "1:3", "1-10", 10),
        (HERE, "1:2", "2-10", 10),
        (HERE, "1:2", "1-10", 11),
    ],
)
def test_only_the_same_file_counts_as_moved(
    catalogue: SqliteCatalogue, storage: str, file_id: str, version: str, size: int
) -> None:
    catalogue.commit([outcome(file_id="1:2"), outcome("b.jpg")])
    assert catalogue.find_moved(storage, file_id, version, size) == []
    assert len(catalogue.find_moved(HERE, "1:2", "1-10", 10)) == 1


def test_of_very_many_links_to_a_file_only_some_are_weighed(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(f"{number}.jpg", file_id="1:2") for number in range(40)])
    assert 0 < len(catalogue.find_moved(HERE, "1:2", "1-10", 10)) < 40


def test_a_chain_of_renames_loses_nothing(catalogue: SqliteCatalogue) -> None:
    """1 became 2 and 2 became 3, which a scan meets in this order."""
    catalogue.commit([outcome(f"{n}.jpg", file_id=f"1:{n}", tags={"objects": (f"T{n}",)}) for n in (1, 2)])
    ids = {n: known(catalogue, f"{n}.jpg").id for n in (1, 2)}
    catalogue.move(ids[1], HERE, "/data", "2.jpg")
    (displaced,) = catalogue.find_moved(HERE, "1:2", "1-10", 10)
    assert (displaced.path, displaced.known.missing) == (None, Gone.DELETED)
    catalogue.found([ids[2]])  # it has no place to be at
    assert catalogue.known(HERE, "/data").keys() == {"2.jpg"}
    catalogue.move(displaced.known.id, HERE, "/data", "3.jpg")
    assert {name: file.id for name, file in catalogue.known(HERE, "/data").items()} == {
        "2.jpg": ids[1],
        "3.jpg": ids[2],
    }
    assert tag_names(known(catalogue, "3.jpg")) == ["T2"]


def test_losing_its_place_does_not_make_a_file_missing_for_longer(
    catalogue: SqliteCatalogue, clock: Clock
) -> None:
    catalogue.commit([outcome("1.jpg"), outcome("2.jpg", file_id="1:2")])
    catalogue.missing([known(catalogue, "2.jpg").id], Gone.IGNORED)
    clock.now += 20 * 86400
    catalogue.move(known(catalogue, "1.jpg").id, HERE, "/data", "2.jpg")
    (displaced,) = catalogue.find_moved(HERE, "1:2", "1-10", 10)
    assert displaced.known.missing is Gone.IGNORED
    clock.now += 11 * 86400
    assert catalogue.purge() == 1


def test_a_move_to_where_it_is_changes_nothing(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    before = known(catalogue)
    catalogue.move(before.id, HERE, "/data", "a.jpg")
    assert known(catalogue) == before


@pytest.mark.parametrize(
    ("base", "left"),
    [
        ("/data", {"/data", "/data/b", "/data/b/c"}),
        ("/data/b", {"/data/b", "/data/b/c"}),
        ("/", {"/", "/data", "/data/b", "/data/b/c", "/data-old", "/data0"}),
        ("/dat", set()),
    ],
)
def test_unvisited_files_are_those_at_and_below_the_base(
    catalogue: SqliteCatalogue, base: str, left: set[str]
) -> None:
    directories = ["/", "/data", "/data/a", "/data/b", "/data/b/c", "/data-old", "/data0"]
    catalogue.commit([outcome(directory=directory) for directory in directories])
    catalogue.commit([outcome(directory="/data", storage="other")])
    catalogue.visit(HERE, "/data/a")
    catalogue.visit("other", "/data")
    assert {file.directory for file in catalogue.unvisited(HERE, base)} == left


@pytest.mark.parametrize(
    ("excepted", "left"),
    [
        (["/data/b"], {"/data", "/data/bb"}),
        (["/data/b/c", "/data/bb"], {"/data", "/data/b"}),
        (["/data"], set()),
        (["/"], set()),
    ],
)
def test_what_lies_below_an_unreadable_directory_is_left_out(
    catalogue: SqliteCatalogue, excepted: list[str], left: set[str]
) -> None:
    catalogue.commit([outcome(directory=path) for path in ("/data", "/data/b", "/data/b/c", "/data/bb")])
    assert {file.directory for file in catalogue.unvisited(HERE, "/", except_below=excepted)} == left


@pytest.mark.parametrize("mark", [True, False])
def test_unvisited_files_come_once_each_however_many(catalogue: SqliteCatalogue, mark: bool) -> None:
    names = [(f"/d/{n % 3}", f"{n}.jpg") for n in range(2500)]
    catalogue.commit([outcome(name, directory=directory) for directory, name in names])
    seen = []
    for file in catalogue.unvisited(HERE, "/d"):
        seen.append((file.directory, file.name))
        if mark:
            assert catalogue.missing([file.id], Gone.DELETED) == [file.id]
    assert sorted(seen) == sorted(names)
    assert len(list(catalogue.unvisited(HERE, "/d"))) == (0 if mark else 2500)


def test_visits_end_with_the_run(catalogue: SqliteCatalogue, path: Path) -> None:
    catalogue.commit([outcome()])
    catalogue.visit(HERE, "/data")
    catalogue.close()
    with type(catalogue).open(path) as again:
        assert len(list(again.unvisited(HERE, "/data"))) == 1


def test_a_missing_file_is_forgotten_after_the_grace_period(
    catalogue: SqliteCatalogue, path: Path, clock: Clock
) -> None:
    catalogue.commit([outcome("a.jpg", directory="/gone"), outcome("b.jpg"), outcome("c.jpg")])
    catalogue.missing([known(catalogue, "a.jpg", "/gone").id], Gone.DELETED)
    clock.now += 20 * 86400
    catalogue.missing([known(catalogue, "b.jpg").id], Gone.DELETED)
    assert catalogue.purge() == 0
    clock.now += 11 * 86400
    assert catalogue.purge() == 1
    assert catalogue.known(HERE, "/gone") == {}
    assert catalogue.known(HERE, "/data").keys() == {"b.jpg", "c.jpg"}
    assert catalogue.purge(timedelta(days=11)) == 1
    assert catalogue.purge(timedelta(0)) == 0
    catalogue.close()
    assert query(path, "SELECT path FROM directories") == [(b"/data",)]
    assert query(path, "SELECT count(*) FROM results") == [(1,)]


def test_purging_goes_through_all_of_many(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(f"{n}.jpg") for n in range(1200)])
    catalogue.missing([file.id for file in catalogue.known(HERE, "/data").values()], Gone.DELETED)
    assert catalogue.purge(timedelta(0)) == 1200
