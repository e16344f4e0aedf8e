from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from recognize_cli.errors import SourceNotFound
from recognize_cli.ignore import ALL_KINDS, Filters, Rule
from recognize_cli.media.kinds import kind_of
from recognize_cli.records import Entry, Kind, MediaFile, Unreadable
from recognize_cli.sources.local import LocalSource
from recognize_cli.stages.walk import Pruned, Visit, walk
from tests.sources import oracle
from tests.sources.memory import MemorySource
from tests.stages import trees

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.protocols import Source


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


def visits(source: Source, filters: Filters | None = None) -> list[Visit]:
    """The visits of a walk in which nothing went wrong."""
    found = list(walk(source, filters))
    assert all(isinstance(item, Visit) for item in found)
    return [item for item in found if isinstance(item, Visit)]


def selected(source: Source, filters: Filters | None = None) -> list[str]:
    return [file.path for visit in visits(source, filters) for file in visit.files]


def names(visit: Visit) -> list[str]:
    return [file.name for file in visit.files]


class TestVisits:
    def test_a_file_comes_with_all_that_the_source_knows(self, source: MemorySource) -> None:
        source.write("trip/a.jpg", b"12345")
        _, visit = visits(source)
        entry = source.directories["trip"]["a.jpg"]
        assert visit.files == (
            MediaFile(
                source.id, "trip/a.jpg", Kind.IMAGE, 5, entry.version, entry.modified, file_id=entry.file_id
            ),
        )

    def test_files_come_before_subdirectories_and_both_in_order(self, source: MemorySource) -> None:
        for path in ("b/c.jpg", "b/a/z.jpg", "b.jpg", "a/x.jpg", "Z.jpg", "é.jpg", "a.jpg"):
            source.write(path)
        assert selected(source) == ["Z.jpg", "a.jpg", "b.jpg", "é.jpg", "a/x.jpg", "b/c.jpg", "b/a/z.jpg"]

    def test_a_directory_without_media_is_visited_too(self, source: MemorySource) -> None:
        source.write("empty/notes.txt")
        assert visits(source) == [Visit(""), Visit("empty", others=1)]

    def test_nothing_is_read_ahead(self, source: MemorySource) -> None:
        source.write("a/b/c.jpg")
        steps = walk(source)
        assert source.listed == []
        next(steps)
        assert source.listed == [""]
        next(steps)
        assert source.listed == ["", "a"]

    def test_it_stops_when_asked_to(self, source: MemorySource) -> None:
        for path in ("a/x.jpg", "b/x.jpg", "c/x.jpg"):
            source.write(path)
        seen: list[object] = []
        for visit in walk(source, stop=lambda: len(seen) == 2):
            seen.append(visit)
        assert source.listed == ["", "a"]


class TestMarkers:
    def test_what_a_marker_covers_is_told(self, source: MemorySource) -> None:
        for path in (".noimage", "a.jpg", "b.mp3", "trip/c.jpg", "trip/d.mp4"):
            source.write(path)
        root, trip = visits(source)
        assert (names(root), root.ignored, root.others) == (["b.mp3"], ("a.jpg",), 1)
        assert (names(trip), trip.ignored) == (["d.mp4"], ("c.jpg",))

    def test_below_a_marker_for_everything_nothing_is_read(self, source: MemorySource) -> None:
        for path in ("x/.nomedia", "x/a.jpg", "x/y/b.jpg", "x/z/c.jpg", "w/d.jpg"):
            source.write(path)
        x = visits(source)[-1]
        assert (x.files, x.ignored) == ((), ("a.jpg",))
        assert x.pruned == (Pruned("x/y", frozenset()), Pruned("x/z", frozenset()))
        assert source.listed == ["", "w", "x"]

    def test_three_markers_are_one_for_everything(self, source: MemorySource) -> None:
        for path in (".noimage", "x/.nomusic", "x/y/.novideo", "x/y/z/a.jpg"):
            source.write(path)
        assert visits(source)[-1].pruned == (Pruned("x/y/z", frozenset()),)

    def test_a_marker_does_not_reach_beside_or_above(self, source: MemorySource) -> None:
        for path in ("a/.nomedia", "a/1.jpg", "b/2.jpg", "3.jpg"):
            source.write(path)
        assert selected(source) == ["3.jpg", "b/2.jpg"]

    def test_a_directory_or_a_link_of_that_name_is_a_marker(self, source: MemorySource) -> None:
        source.make_directory("a/.nomedia")
        source.write("a/1.jpg")
        source.write("b/2.jpg")
        source.links["b"] = [".nomedia"]
        assert selected(source) == []

    def test_a_marker_says_more_than_an_option(self, source: MemorySource) -> None:
        for path in (".noimage", "a.jpg", "b.mp3"):
            source.write(path)
        (root,) = visits(source, Filters([Rule(False, "*")]))
        assert (root.ignored, root.filtered) == (("a.jpg",), ("b.mp3",))


class TestOptions:
    def test_what_options_leave_out_is_told(self, source: MemorySource) -> None:
        source.write("a.jpg", b"12")
        source.write("b.png", b"1")
        source.write("c.jpg", b"123")
        source.write("notes.png.txt")
        (root,) = visits(source, Filters([Rule(False, "*.png")], max_size=2))
        assert (names(root), root.filtered, root.others) == (["a.jpg"], ("b.png", "c.jpg"), 1)

    def test_an_excluded_directory_is_not_read(self, source: MemorySource) -> None:
        for path in (".noimage", "@eaDir/a.jpg", "x/@eaDir/b.jpg", "x/c.mp3"):
            source.write(path)
        root, x = visits(source, Filters([Rule(False, "@eaDir")]))
        rest = ALL_KINDS - {Kind.IMAGE}
        assert root.pruned == (Pruned("@eaDir", rest),)
        assert (x.directory, x.pruned) == ("x", (Pruned("x/@eaDir", rest),))
        assert source.listed == ["", "x"]

    def test_only_directories_that_an_include_can_reach_are_read(self, source: MemorySource) -> None:
        for path in ("2023/a.jpg", "2024/may/b.jpg", "2024/june/c.jpg"):
            source.write(path)
        assert selected(source, Filters([Rule(True, "/2024/may/**")])) == ["2024/may/b.jpg"]
        assert source.listed == ["", "2024", "2024/may"]

    def test_links_are_left_alone(self, source: MemorySource) -> None:
        source.write(".nomusic")
        source.links[""] = ["link", "link.jpg", "link.mp3"]
        (root,) = visits(source)
        assert (root.ignored, root.filtered) == (("link.mp3",), ("link.jpg",))
        assert root.pruned == (Pruned("link", ALL_KINDS - {Kind.AUDIO}),)

    def test_one_file_system_leaves_out_directories_on_others(self, source: MemorySource) -> None:
        source.write("here/a.jpg")
        source.write("mounted/b.jpg", device="2")
        source.write("bound.jpg", device="2")
        assert selected(source, Filters(one_file_system=True)) == ["bound.jpg", "here/a.jpg"]
        assert selected(source, Filters()) == ["bound.jpg", "here/a.jpg", "mounted/b.jpg"]
        assert visits(source, Filters(one_file_system=True))[0].pruned == (Pruned("mounted", ALL_KINDS),)

    def test_real_file_systems_differ(self) -> None:
        root = next(walk(LocalSource("/"), Filters(one_file_system=True)))
        assert isinstance(root, Visit)
        assert Pruned("proc", ALL_KINDS) in root.pruned


class TestTrouble:
    def test_a_directory_that_cannot_be_listed_is_told_and_passed_over(self, source: MemorySource) -> None:
        for path in ("a/1.jpg", "b/2.jpg", "c/3.jpg"):
            source.write(path)
        source.failing["b"] = PermissionError(errno.EACCES, "Permission denied", "/tree/b")
        found = list(walk(source))
        assert found[2] == Unreadable(source.id, "b", "Permission denied")
        assert [item.directory for item in found if isinstance(item, Visit)] == ["", "a", "c"]

    def test_a_failure_without_a_number_has_its_own_words(self, source: MemorySource) -> None:
        source.make_directory("a")
        source.failing["a"] = OSError("the server said 503")
        assert list(walk(source))[1] == Unreadable(source.id, "a", "the server said 503")

    def test_a_missing_root_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SourceNotFound):
            list(walk(LocalSource(str(tmp_path / "gone"))))

    def test_a_tree_may_change_meanwhile(self, tmp_path: Path) -> None:
        for name in ("a", "b", "c"):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{name}.jpg").touch()
        steps = walk(LocalSource(str(tmp_path)))
        next(steps)
        (tmp_path / "a" / "new.jpg").touch()
        (tmp_path / "b" / "b.jpg").unlink()
        (tmp_path / "b").rmdir()
        (tmp_path / "c").rename(tmp_path / "d")
        (tmp_path / "c").write_bytes(b"a file now")
        a, b, c = steps
        assert isinstance(a, Visit)
        assert names(a) == ["a.jpg", "new.jpg"]
        assert isinstance(b, Unreadable)
        assert isinstance(c, Unreadable)
        assert (b.path, c.path) == ("b", "c")

    def test_a_file_that_became_unknown_is_still_selected(self, source: MemorySource) -> None:
        source.write("a.jpg", b"12")
        source.directories[""]["a.jpg"] = Entry("a.jpg", is_directory=False)
        (root,) = visits(source, Filters(max_size=1))
        assert (names(root), root.files[0].version) == (["a.jpg"], "")

    def test_links_in_a_circle_end(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "1.jpg").touch()
        (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
        (tmp_path / "over").symlink_to("a")
        paths = selected(LocalSource(str(tmp_path), follow_symlinks=True))
        assert paths == ["a/1.jpg", "over/1.jpg"]


class TestDepth:
    def test_five_thousand_levels(self, source: MemorySource) -> None:
        path = ""
        for _ in range(5000):
            source.directories[path] = {"d": Entry("d", is_directory=True)}
            path = f"{path}/d" if path else "d"
        source.directories[path] = {}
        source.write(f"{path}/a.jpg")
        assert selected(source) == [f"{path}/a.jpg"]

    def test_a_path_too_long_for_the_system_is_told(self) -> None:
        part = "d" * 200
        with trees.planted({"b.jpg": 1}) as root:
            descriptor = os.open(root, os.O_RDONLY)
            for _ in range(25):
                os.mkdir(part, dir_fd=descriptor)
                below = os.open(part, os.O_RDONLY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            os.close(descriptor)
            *found, last = walk(LocalSource(root))
        assert isinstance(last, Unreadable)
        assert last.message == os.strerror(errno.ENAMETOOLONG)
        assert len(found) > 15


def classified(source: Source, filters: Filters) -> Iterator[tuple[str, str]]:
    """Each name that a walk tells of, and as what."""
    for visit in visits(source, filters):
        prefix = f"{visit.directory}/" if visit.directory else ""
        yield from ((file.path, "file") for file in visit.files)
        yield from ((prefix + name, "ignored") for name in visit.ignored)
        yield from ((prefix + name, "filtered") for name in visit.filtered)
        yield from ((pruned.directory, "pruned") for pruned in visit.pruned)


@settings(deadline=None, max_examples=100)
@given(trees.trees, trees.filters)
def test_a_walk_finds_what_the_manual_says(tree: trees.Tree, filters: Filters) -> None:
    with trees.planted(tree) as root:
        everything = trees.listed(root)
        found = list(classified(LocalSource(root), filters))
        pruned_kinds = {
            pruned.directory: pruned.kinds
            for visit in visits(LocalSource(root), filters)
            for pruned in visit.pruned
        }
    told = dict(found)
    assert len(told) == len(found), "every path is told once"
    for path, size in everything.items():
        kind = kind_of(path.rpartition("/")[2])
        if size is None or kind is None:
            continue
        covered = oracle.covered(path, kind, everything)
        ruled_in = oracle.ruled_in(path, filters.rules)
        takes_part = not covered and ruled_in and (filters.max_size is None or size <= filters.max_size)
        assert (told.get(path) == "file") == takes_part
        above = next((directory for directory in pruned_kinds if path.startswith(f"{directory}/")), None)
        if above is None:
            assert told[path] == ("file" if takes_part else "ignored" if covered else "filtered")
        else:
            assert path not in told
            assert covered or kind in pruned_kinds[above], "never withdrawn without a marker"
