from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from recognize_cli.cli.trees import Selection, trees
from recognize_cli.ignore import Filters
from recognize_cli.sources.remembered import RememberedSource
from tests.sources.memory import MemorySource

if TYPE_CHECKING:
    from recognize_cli.protocols import Source
    from recognize_cli.records import Listing


class Threads(MemorySource):
    """Knows which threads asked it."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.write("a/b.jpg")

    def listing(self, directory: str) -> Listing:
        self.threads.add(threading.get_ident())
        return super().listing(directory)


class NoListings:
    def get(self, storage: str, directory: str, version: str) -> None: ...

    def put(self, storage: str, directory: str, version: str, listing: Listing) -> None: ...


def directories(source: Source) -> list[str]:
    """What the walk of a remote source comes to."""
    selection = Selection(["webdavs://me@host/"], Filters(), lambda _: source)
    (tree,) = trees(selection, lambda: False, lambda _: None)
    return [visit.directory for visit in tree.visits if not hasattr(visit, "message")]  # type: ignore[union-attr]


def test_a_walk_runs_ahead_in_a_thread() -> None:
    source = Threads()
    assert directories(source) == ["", "a"]
    assert threading.get_ident() not in source.threads


def test_not_where_it_needs_the_catalogue() -> None:
    source = Threads()
    assert directories(RememberedSource(source, NoListings(), lambda _: True)) == ["", "a"]
    assert source.threads == {threading.get_ident()}
