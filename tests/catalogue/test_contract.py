"""What every catalogue promises, also the one that remembers nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import NullCatalogue, Retagged, SqliteCatalogue
from recognize_cli.records import Box, Gone
from tests.catalogue.making import HERE, detection, outcome, searched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.catalogue import Catalogue


@pytest.fixture(params=["null", "sqlite"])
def catalogue(request: pytest.FixtureRequest, path: Path) -> Iterator[Catalogue]:
    opened: Catalogue = NullCatalogue() if request.param == "null" else SqliteCatalogue.open(path)
    with opened:
        yield opened


def test_an_empty_catalogue_knows_nothing(catalogue: Catalogue) -> None:
    assert catalogue.known(HERE, "/data") == {}
    assert catalogue.scores(1, "objects") == ()
    assert catalogue.find_moved(HERE, "1:2", "1-10", 10) == []
    assert list(catalogue.unvisited(HERE, "/")) == []
    assert list(catalogue.iter_scores("objects")) == []
    assert catalogue.tags() == {}
    assert catalogue.purge(timedelta(0)) == 0


def test_only_what_was_committed_is_known(catalogue: Catalogue) -> None:
    catalogue.commit([outcome("a.jpg"), outcome("b.jpg")])
    assert catalogue.known(HERE, "/data").keys() <= {"a.jpg", "b.jpg"}
    assert catalogue.known(HERE, "/other") == {}
    assert catalogue.known("elsewhere", "/data") == {}


def test_a_commit_gives_the_faces_of_each_outcome(catalogue: Catalogue) -> None:
    outcomes = [outcome("a.jpg"), searched("b.jpg", detection(0.1), detection(0.7)), searched("c.jpg")]
    found = catalogue.commit(outcomes)
    assert [[face.box for face in faces] for faces in found] == [
        [],
        [Box(0.1, 0.1, 0.1, 0.1), Box(0.7, 0.1, 0.1, 0.1)],
        [],
    ]
    assert {face.score for face in found[1]} == {0.99}
    assert {(face.person, face.name) for face in found[1]} == {(None, None)}
    assert len({face.id for face in found[1]} - {None}) in (0, 2)
    assert catalogue.commit([]) == []


def test_files_that_it_does_not_know_can_be_named(catalogue: Catalogue) -> None:
    catalogue.found([17])
    catalogue.move(17, HERE, "/data", "a.jpg")
    catalogue.update_tags([Retagged(17, "objects", "rules-1", ())])
    assert catalogue.missing([17], Gone.DELETED) == []
    assert catalogue.known(HERE, "/data") == {}


def test_what_was_visited_is_not_unvisited(catalogue: Catalogue) -> None:
    catalogue.commit([outcome()])
    catalogue.visit(HERE, "/data")
    catalogue.visit(HERE, "/data")
    assert list(catalogue.unvisited(HERE, "/data")) == []


def test_it_can_be_closed_twice(catalogue: Catalogue) -> None:
    catalogue.close()
    catalogue.close()
