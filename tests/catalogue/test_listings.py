"""What is remembered of directories of servers."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.records import Entry, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "nextcloud:somewhere"

names = st.binary(min_size=1).map(lambda name: name.decode("utf-8", "surrogateescape"))
entries = st.builds(
    Entry,
    name=names,
    is_directory=st.booleans(),
    size=st.integers(0, 2**60),
    version=st.text(max_size=20),
    modified=st.floats(0, 2e9),
    file_id=st.none() | st.text(max_size=9),
    device=st.none() | st.just("1"),
)


@pytest.fixture
def catalogue(path: Path) -> Iterator[SqliteCatalogue]:
    with SqliteCatalogue.open(path) as opened:
        yield opened


def folder(directory: str, *names: str) -> Listing:
    """A directory that holds these directories."""
    return Listing(directory, tuple(Entry(name, is_directory=True, version="1") for name in names))


@given(found=st.lists(entries, max_size=5), links=st.lists(names, max_size=2))
def test_what_comes_out_is_what_went_in(
    tmp_path_factory: pytest.TempPathFactory, found: list[Entry], links: list[str]
) -> None:
    listing = Listing("a\udcff", tuple(found), tuple(links), "7")
    with SqliteCatalogue.open(tmp_path_factory.mktemp("here") / "catalogue") as catalogue:
        catalogue.listings.put(HERE, "/a\udcff", "etag", listing)
        assert catalogue.listings.get(HERE, "/a\udcff", "etag") == listing


def test_another_version_or_storage_is_not_known(catalogue: SqliteCatalogue) -> None:
    catalogue.listings.put(HERE, "/a", "1", folder("a"))
    assert catalogue.listings.get(HERE, "/a", "2") is None
    assert catalogue.listings.get("elsewhere", "/a", "1") is None
    assert catalogue.listings.get(HERE, "/b", "1") is None
    catalogue.listings.put(HERE, "/a", "2", folder("a", "x"))
    assert catalogue.listings.get(HERE, "/a", "1") is None
    assert catalogue.listings.get(HERE, "/a", "2") == folder("a", "x")


def test_what_lay_below_a_directory_that_is_gone_is_forgotten(catalogue: SqliteCatalogue) -> None:
    listings = catalogue.listings
    listings.put(HERE, "/a", "1", folder("a", "x", "xy", "x-"))
    for name in ("x", "x/deep", "xy", "x-"):
        listings.put(HERE, f"/a/{name}", "1", folder(f"a/{name}"))
    listings.put(HERE, "/a", "2", folder("a", "xy", "x-"))
    known = [name for name in ("x", "x/deep", "xy", "x-") if listings.get(HERE, f"/a/{name}", "1")]
    assert known == ["xy", "x-"]


@pytest.mark.parametrize("content", [b"", b"junk", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_damaged_is_not_known(path: Path, content: bytes) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.listings.put(HERE, "/a", "1", folder("a"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE listings SET content = ?", (content,))
    connection.close()
    with SqliteCatalogue.open(path) as catalogue:
        assert catalogue.listings.get(HERE, "/a", "1") is None
        catalogue.listings.put(HERE, "/a", "2", folder("a"))
        assert catalogue.listings.get(HERE, "/a", "2") == folder("a")


def test_the_sizes_of_a_tree_are_those_that_were_put_last(catalogue: SqliteCatalogue) -> None:
    listings = catalogue.listings
    assert listings.sizes(HERE, "/a") == {}
    listings.put_sizes(HERE, "/a", {"": 3, "x/caf\udce9": 0})
    assert listings.sizes(HERE, "/a") == {"": 3, "x/caf\udce9": 0}
    assert listings.sizes(HERE, "/") == listings.sizes("elsewhere", "/a") == {}
    listings.put_sizes(HERE, "/a", {"": 1})
    assert listings.sizes(HERE, "/a") == {"": 1}
    listings.put_sizes(HERE, "/a", {})
    assert listings.sizes(HERE, "/a") == {}


@pytest.mark.parametrize("document", [b"junk", zlib.compress(b"[1]"), zlib.compress(b'{"": "x"}')])
def test_sizes_that_are_damaged_are_not_known(path: Path, document: bytes) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.listings.put_sizes(HERE, "/a", {"": 1})
        with catalogue._database.writing() as connection:
            connection.execute("UPDATE trees SET sizes = ?", (document,))
        assert catalogue.listings.sizes(HERE, "/a") == {}
