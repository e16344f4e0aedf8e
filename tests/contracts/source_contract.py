"""What every source promises. A subclass gives a `tree` that it can build and change.

class TestMySource(SourceContract):
    @pytest.fixture
    def tree(self, tmp_path):
        return MyTree(...)
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, ClassVar, Protocol

import pytest

from recognize_cli.errors import ExitCode, SourceNotFound
from recognize_cli.records import Entry, Kind, MediaFile

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.protocols import Source


class Tree(Protocol):
    """A tree that a source reads and a test changes; paths are relative to its root."""

    @property
    def source(self) -> Source: ...

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces a file and the directories above it."""
        ...

    def make_directory(self, path: str) -> None: ...

    def remove(self, path: str) -> None: ...

    def rename(self, old: str, new: str) -> None: ...

    def remove_root(self) -> None: ...


class SourceContract:
    """Runs on every source, the real ones and the fakes alike."""

    awkward_names: ClassVar[tuple[str, ...]] = (
        "two words.jpg",
        "100%.jpg",
        "%41.jpg",
        "what?.jpg",
        "a#b.jpg",
        "a&b;c=d.jpg",
        "semi:colon.jpg",
        "back\\slash.jpg",
        "'single' \"double\" <angle>.jpg",
        " leading and trailing ",
        ".hidden",
        "-dash.jpg",
        "~tilde.jpg",
        "plus+plus.jpg",
        unicodedata.normalize("NFC", "Käse.jpg"),
        unicodedata.normalize("NFD", "Fäden.jpg"),
        "👨‍👩‍👧.jpg",
        "日本語.jpg",
        "x" * 251 + ".jpg",
    )

    keeps_ids: ClassVar[bool] = True
    """Whether a file has an id that stays when it is moved; a plain WebDAV server gives none."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        raise NotImplementedError

    def test_an_empty_root_lists_nothing(self, tree: Tree) -> None:
        listing = tree.source.listing("")
        assert (listing.directory, listing.entries) == ("", ())

    def test_files_and_directories_are_listed_with_what_is_known_of_them(self, tree: Tree) -> None:
        tree.write("a.jpg", b"12345")
        tree.make_directory("trip")
        file, directory = tree.source.listing("").entries
        assert (file.name, file.is_directory, file.size) == ("a.jpg", False, 5)
        assert file.version
        assert file.modified > 0
        assert (directory.name, directory.is_directory) == ("trip", True)

    def test_a_directory_lists_only_its_own_names(self, tree: Tree) -> None:
        tree.write("trip/day 1/b.jpg", b"b")
        tree.write("trip/a.jpg", b"a")
        listing = tree.source.listing("trip/day 1")
        assert listing.directory == "trip/day 1"
        assert [entry.name for entry in listing.entries] == ["b.jpg"]
        assert [entry.name for entry in tree.source.listing("trip").entries] == ["a.jpg", "day 1"]

    def test_awkward_names_come_back_as_they_are(self, tree: Tree) -> None:
        for name in self.awkward_names:
            tree.write(f"{name}/{name}", name.encode("utf-8", "surrogateescape"))
        assert {entry.name for entry in tree.source.listing("").entries} == set(self.awkward_names)
        for name in self.awkward_names:
            (entry,) = tree.source.listing(name).entries
            assert entry.name == name
            assert _content(tree, f"{name}/{name}") == name.encode("utf-8", "surrogateescape")

    def test_entries_are_sorted_by_the_bytes_of_their_names(self, tree: Tree) -> None:
        for name in ("b", "a", "Z", "a.jpg", "a-1", "é", "\uffee", "😀", "10", "9"):
            tree.write(name, b"")
        names = [entry.name.encode() for entry in tree.source.listing("").entries]
        assert names == sorted(names)

    def test_nothing_changes_between_two_listings_of_an_unchanged_directory(self, tree: Tree) -> None:
        tree.write("trip/a.jpg", b"a")
        tree.make_directory("trip/more")
        assert tree.source.listing("trip").entries[0] == tree.source.listing("trip").entries[0]

    def test_other_content_of_the_same_size_is_another_version(self, tree: Tree) -> None:
        tree.write("a.jpg", b"one")
        before = _entry(tree, "a.jpg")
        tree.write("a.jpg", b"two")
        assert _entry(tree, "a.jpg").version != before.version
        assert _content(tree, "a.jpg") == b"two"

    def test_the_id_of_a_file_stays_when_it_is_moved(self, tree: Tree) -> None:
        if not self.keeps_ids:
            pytest.skip("it gives files no ids")
        tree.write("a.jpg", b"one")
        tree.write("b.jpg", b"two")
        tree.make_directory("trip")
        before = _entry(tree, "a.jpg").file_id
        assert before != _entry(tree, "b.jpg").file_id
        tree.rename("a.jpg", "trip/c.jpg")
        assert _entry(tree, "trip/c.jpg").file_id == before

    def test_a_listing_shows_the_tree_as_it_is_now(self, tree: Tree) -> None:
        tree.write("a.jpg", b"a")
        tree.source.listing("")
        tree.write("b.jpg", b"b")
        tree.remove("a.jpg")
        assert [entry.name for entry in tree.source.listing("").entries] == ["b.jpg"]

    @pytest.mark.parametrize("path", ["gone", "gone/deeper", "a.jpg"])
    def test_what_is_no_directory_cannot_be_listed(self, tree: Tree, path: str) -> None:
        tree.write("a.jpg", b"a")
        with pytest.raises(OSError, match=r"."):
            tree.source.listing(path)

    def test_a_missing_root_is_an_error_of_its_own(self, tree: Tree) -> None:
        tree.remove_root()
        with pytest.raises(SourceNotFound) as caught:
            tree.source.listing("")
        assert tree.source.id in str(caught.value)
        assert caught.value.exit_code is ExitCode.SOURCE

    def test_a_file_can_be_read_under_its_lease(self, tree: Tree) -> None:
        tree.write("trip/a.jpg", b"content")
        assert _content(tree, "trip/a.jpg") == b"content"

    def test_a_path_within_the_storage_holds_a_file_of_one_identity(self, tree: Tree) -> None:
        if not self.keeps_ids:
            pytest.skip("it gives files no ids")
        base = tree.source.base.rstrip("/")
        tree.write("trip/a.jpg", b"a")
        tree.write("trip/b.jpg", b"b")
        first, second = (entry.file_id for entry in tree.source.listing("trip").entries)
        assert first != second
        assert tree.source.id_at(f"{base}/trip/a.jpg") == first
        assert tree.source.id_at(f"{base}/trip/b.jpg") == second
        assert tree.source.id_at(f"{base}/trip/c.jpg") is None
        assert tree.source.id_at(f"{base}/gone/a.jpg") is None
        assert tree.source.id_at(f"{base}/trip") not in {first, second}
        tree.remove("trip/a.jpg")
        assert tree.source.id_at(f"{base}/trip/a.jpg") is None

    def test_the_base_is_an_absolute_path_of_a_named_storage(self, tree: Tree) -> None:
        assert tree.source.storage
        assert tree.source.id
        assert tree.source.base.startswith("/")
        assert tree.source.base == "/" or not tree.source.base.endswith("/")


def _entry(tree: Tree, path: str) -> Entry:
    directory, _, name = path.rpartition("/")
    return next(entry for entry in tree.source.listing(directory).entries if entry.name == name)


def _content(tree: Tree, path: str) -> bytes:
    entry = _entry(tree, path)
    file = MediaFile(
        tree.source.id, path, Kind.IMAGE, entry.size, entry.version, entry.modified, entry.file_id
    )
    with tree.source.lease(file) as path, open(os.fsencode(path), "rb") as opened:
        return opened.read()
