"""Which directories of a server are asked for, over several runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.sources.remembered import RememberedSource
from recognize_cli.stages.walk import Visit, walk
from tests.sources.memory import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recognize_cli.records import Listing


class DeepSource(MemorySource):
    """Gives a directory another version whenever anything below it changes, as a Nextcloud does."""

    def listing(self, directory: str) -> Listing:
        listing = super().listing(directory)
        prefix = f"{directory}/" if directory else ""
        entries = tuple(
            replace(each, version=self._version(prefix + each.name)) if each.is_directory else each
            for each in listing.entries
        )
        return replace(listing, entries=entries)

    def _version(self, directory: str) -> str:
        below = [
            (path, sorted((entry.name, entry.version) for entry in held.values() if not entry.is_directory))
            for path, held in sorted(self.directories.items())
            if f"{path}/".startswith(f"{directory}/")
        ]
        return str(hash(repr(below)))


@pytest.fixture
def tree() -> DeepSource:
    source = DeepSource()
    for path in ("a/1/x.jpg", "a/2/y.jpg", "b/1/z.jpg", "top.jpg"):
        source.write(path)
    return source


@pytest.fixture
def run(tree: DeepSource, tmp_path: Path) -> Callable[..., tuple[list[str], list[str]]]:
    def run(*, settled: Callable[[Listing], bool] = lambda _: True) -> tuple[list[str], list[str]]:
        """The files that a walk finds, and the directories that the server was asked for."""
        tree.listed.clear()
        with SqliteCatalogue.open(tmp_path / "catalogue") as catalogue:
            source = RememberedSource(tree, catalogue.listings, settled)
            visits = [visit for visit in walk(source) if isinstance(visit, Visit)]
        return [file.path for visit in visits for file in visit.files], list(tree.listed)

    return run


EVERYTHING = ["", "a", "a/1", "a/2", "b", "b/1"]


def test_the_first_run_asks_for_everything_once(run: Callable[..., tuple[list[str], list[str]]]) -> None:
    files, asked = run()
    assert files == ["top.jpg", "a/1/x.jpg", "a/2/y.jpg", "b/1/z.jpg"]
    assert asked == EVERYTHING


def test_an_unchanged_tree_costs_one_request(run: Callable[..., tuple[list[str], list[str]]]) -> None:
    files, _ = run()
    assert run() == (files, [""])


def test_only_the_way_to_what_changed_is_asked_for(
    run: Callable[..., tuple[list[str], list[str]]], tree: DeepSource
) -> None:
    run()
    tree.write("a/2/new.jpg")
    files, asked = run()
    assert "a/2/new.jpg" in files
    assert asked == ["", "a", "a/2"]
    assert run() == (files, [""])
    tree.remove_directory("b")
    files, asked = run()
    assert (files, asked) == (["top.jpg", "a/1/x.jpg", "a/2/new.jpg", "a/2/y.jpg"], [""])


def test_a_marker_that_appears_is_seen(
    run: Callable[..., tuple[list[str], list[str]]], tree: DeepSource
) -> None:
    run()
    tree.write("b/.nomedia")
    files, asked = run()
    assert files == ["top.jpg", "a/1/x.jpg", "a/2/y.jpg"]
    assert asked == ["", "b"]


def test_what_is_not_settled_is_asked_for_again(run: Callable[..., tuple[list[str], list[str]]]) -> None:
    files, _ = run(settled=lambda listing: listing.directory != "a/2")
    assert run() == (files, ["", "a/2"])
    assert run() == (files, [""])
