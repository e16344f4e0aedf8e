from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.errors import ConfigError, SourceNotFound
from recognize_cli.ignore import ALL_KINDS, Filters, Rule
from recognize_cli.media.kinds import kind_of
from recognize_cli.records import Unreadable
from recognize_cli.sources.local import LocalSource
from recognize_cli.stages.listed import read_paths, walk_listed, within
from recognize_cli.stages.walk import Visit, walk
from tests.sources.memory import MemorySource
from tests.stages import trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@pytest.fixture
def source() -> MemorySource:
    source = MemorySource()
    for path in ("a.jpg", "b.jpg", "trip/c.jpg", "trip/d.jpg", "trip/best/e.jpg", "notes.txt"):
        source.write(path)
    return source


def paths_in(content: bytes, *, nul: bool = False) -> list[str]:
    return list(read_paths(io.BufferedReader(io.BytesIO(content)), nul=nul))  # type: ignore[arg-type]


def selected(source: MemorySource, paths: Iterable[str], filters: Filters | None = None) -> list[str]:
    """The paths selected by a walk that finds all that is listed."""
    found = list(walk_listed(source, paths, filters))
    assert all(isinstance(item, Visit) and item.partial for item in found)
    return [file.path for visit in found if isinstance(visit, Visit) for file in visit.files]


class TestLists:
    def test_one_path_a_line(self) -> None:
        assert paths_in(b"a.jpg\n\ntrip/b c.jpg\r\n \nlast") == ["a.jpg", "trip/b c.jpg", " ", "last"]

    def test_nul_between_the_paths(self) -> None:
        assert paths_in(b"a.jpg\0new\nline.jpg\0\0cr.jpg\r\0last", nul=True) == [
            "a.jpg",
            "new\nline.jpg",
            "cr.jpg\r",
            "last",
        ]

    def test_nothing_is_a_list_of_nothing(self) -> None:
        assert paths_in(b"") == paths_in(b"\n\n") == paths_in(b"\0", nul=True) == []

    def test_bytes_that_are_not_utf8_stay(self) -> None:
        assert paths_in(b"caf\xe9.jpg\n") == ["caf\udce9.jpg"]

    def test_a_list_made_for_the_other_separator_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="--files-from: it has NUL bytes; give -0"):
            paths_in(b"a.jpg\0b.jpg\0")
        with pytest.raises(ConfigError, match="longer than 65536 bytes; -0"):
            paths_in(b"photos/a.jpg\n" * 10_000, nul=True)

    def test_an_endless_line_does_not_fill_the_memory(self) -> None:
        with open("/dev/zero", "rb") as endless, pytest.raises(ConfigError, match=r"longer|NUL"):
            list(read_paths(endless))

    def test_a_slow_list_gives_its_first_paths_early(self) -> None:
        reading, writing = os.pipe()
        with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as pipe:
            pipe.write(b"a.jpg\nb.j")
            paths = read_paths(stream)
            assert next(paths) == "a.jpg"
            pipe.write(b"pg\n")
            assert next(paths) == "b.jpg"

    @given(st.lists(st.binary(min_size=1).filter(lambda path: b"\0" not in path)))
    def test_any_path_survives_a_nul_list(self, paths: list[bytes]) -> None:
        content = b"".join(path + b"\0" for path in paths)
        assert [path.encode("utf-8", "surrogateescape") for path in paths_in(content, nul=True)] == paths


class TestWithin:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("a.jpg", "a.jpg"),
            ("./trip//a.jpg", "trip/a.jpg"),
            ("trip/../a.jpg", "a.jpg"),
            ("trip/", "trip"),
            (".", ""),
            ("..a.jpg", "..a.jpg"),
            ("..", None),
            ("../a.jpg", None),
            ("trip/../../a.jpg", None),
            ("/tree/a.jpg", "a.jpg"),
            ("//tree//trip/a.jpg", "trip/a.jpg"),
            ("/tree", ""),
            ("/tree2/a.jpg", None),
            ("/a.jpg", None),
            ("/tree/../a.jpg", None),
        ],
    )
    def test_paths(self, source: MemorySource, path: str, expected: str | None) -> None:
        assert within(source, path) == expected

    def test_a_local_path_counts_as_given_and_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        source = LocalSource(str(tmp_path / "link"))
        assert within(source, f"{tmp_path}/link/a.jpg") == "a.jpg"
        assert within(source, f"{os.path.realpath(tmp_path)}/real/a.jpg") == "a.jpg"
        assert within(source, f"{tmp_path}/other/a.jpg") is None

    def test_everything_lies_below_the_top(self) -> None:
        assert within(LocalSource("/"), "/etc/a.jpg") == "etc/a.jpg"


class TestVisits:
    def test_only_listed_files_are_told_and_by_directory(self, source: MemorySource) -> None:
        found = list(walk_listed(source, ["trip/d.jpg", "a.jpg", "trip/c.jpg"]))
        assert [
            (item.directory, [file.name for file in item.files]) for item in found if isinstance(item, Visit)
        ] == [
            ("trip", ["c.jpg", "d.jpg"]),
            ("", ["a.jpg"]),
        ]
        assert all(isinstance(item, Visit) and item.partial and not item.pruned for item in found)

    def test_a_path_counts_once(self, source: MemorySource) -> None:
        many = ["a.jpg", "./a.jpg", "/tree/a.jpg", "trip/../a.jpg"] * 200
        assert selected(source, many) == ["a.jpg"]

    def test_what_is_not_media_is_counted(self, source: MemorySource) -> None:
        assert list(walk_listed(source, ["notes.txt"])) == [Visit("", others=1, partial=True)]

    def test_directories_in_the_list_are_passed_over(self, source: MemorySource) -> None:
        assert selected(source, [".", "trip", "trip/", "a.jpg"]) == ["a.jpg"]

    def test_a_directory_is_listed_once_for_many_files(self, source: MemorySource) -> None:
        for number in range(5000):
            source.write(f"trip/{number}.jpg")
            source.write(f"home/{number}.jpg")
        paths = [f"{directory}/{number}.jpg" for number in range(5000) for directory in ("trip", "home")]
        assert len(selected(source, paths)) == 10_000
        assert source.listed.count("trip") < 10

    def test_the_first_files_do_not_wait_for_the_whole_list(self, source: MemorySource) -> None:
        def endless() -> Iterator[str]:
            while True:
                yield "a.jpg"

        first = next(walk_listed(source, endless()))
        assert isinstance(first, Visit)

    def test_it_stops_when_asked_to(self, source: MemorySource) -> None:
        asked = threading.Event()
        steps = walk_listed(source, ["a.jpg", "trip/c.jpg"], stop=asked.is_set)
        next(steps)
        asked.set()
        assert list(steps) == []

    def test_what_is_missing_is_told(self, source: MemorySource) -> None:
        found = list(walk_listed(source, ["gone.jpg", "trip/c.jpg", "gone/a.jpg", "a.jpg/x.jpg", "../a.jpg"]))
        problems = {item.path: item.message for item in found if isinstance(item, Unreadable)}
        nothing = "there is no such file in the source"
        assert problems == {
            "gone.jpg": nothing,
            "gone/a.jpg": nothing,
            "a.jpg/x.jpg": nothing,
            "../a.jpg": "the path does not lie within the source",
        }

    def test_a_directory_that_cannot_be_read_is_told_for_each_file(self, source: MemorySource) -> None:
        source.failing["trip"] = PermissionError(13, "Permission denied")
        found = list(walk_listed(source, ["trip/c.jpg", "trip/best/e.jpg", "a.jpg"]))
        assert found[0] == Unreadable(source.id, "trip/c.jpg", "Permission denied")
        assert found[1] == Unreadable(source.id, "trip/best/e.jpg", "Permission denied")
        assert isinstance(found[2], Visit)

    def test_a_missing_root_is_an_error(self, source: MemorySource) -> None:
        source.remove_root()
        with pytest.raises(SourceNotFound):
            list(walk_listed(source, ["a.jpg"]))

    def test_a_path_as_deep_as_one_can_write_is_only_missing(self, source: MemorySource) -> None:
        (missing,) = walk_listed(source, ["trip/" + "x/" * 30_000 + "a.jpg"])
        assert isinstance(missing, Unreadable)

    def test_the_markers_above_count(self, source: MemorySource) -> None:
        source.write(".noimage")
        source.write("trip/best/f.mp3")
        (visit,) = walk_listed(source, ["trip/best/e.jpg", "trip/best/f.mp3"])
        assert isinstance(visit, Visit)
        assert (visit.ignored, [file.name for file in visit.files]) == (("e.jpg",), ["f.mp3"])

    def test_below_a_marker_for_everything_nothing_is_read(self, source: MemorySource) -> None:
        source.write("trip/.nomedia")
        (visit,) = walk_listed(source, ["trip/best/e.jpg", "trip/best/f.txt"])
        assert visit == Visit("trip/best", ignored=("e.jpg",), others=1, partial=True)
        assert "trip/best" not in source.listed

    def test_rules_and_links_count_as_in_a_walk(self, source: MemorySource) -> None:
        source.links["trip"] = ["link", "link.jpg"]
        paths = ["trip/c.jpg", "trip/link/x.jpg", "trip/link.jpg", "trip/best/e.jpg"]
        found = list(walk_listed(source, paths, Filters([Rule(False, "/trip/best/")])))
        assert [(item.directory, item.filtered) for item in found if isinstance(item, Visit)] == [
            ("trip", ("link.jpg",)),
            ("trip/link", ("x.jpg",)),
            ("trip/best", ("e.jpg",)),
        ]

    def test_other_file_systems_count_as_in_a_walk(self, source: MemorySource) -> None:
        source.write("mounted/a.jpg", device="2")
        (visit,) = walk_listed(source, ["mounted/a.jpg"], Filters(one_file_system=True))
        assert visit == Visit("mounted", filtered=("a.jpg",), partial=True)

    def test_one_file_is_a_list_of_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        (tmp_path / "b.jpg").touch()
        (visit,) = walk_listed(LocalSource(str(tmp_path)), ["a.jpg"])
        assert isinstance(visit, Visit)
        assert [file.path for file in visit.files] == ["a.jpg"]


@settings(deadline=None, max_examples=60)
@given(trees.trees, trees.filters, st.randoms(use_true_random=False))
def test_it_selects_what_a_walk_selects(tree: trees.Tree, filters: Filters, random: object) -> None:
    with trees.planted(tree) as root:
        source = LocalSource(root)
        files = [path for path, size in trees.listed(root).items() if size is not None]
        wanted = [path for path in files if random.random() < 0.7]  # type: ignore[attr-defined]
        random.shuffle(wanted)  # type: ignore[attr-defined]
        visits = [item for item in walk_listed(source, wanted, filters) if isinstance(item, Visit)]
        whole = [item for item in walk(source, filters) if isinstance(item, Visit)]
    ignored = {os.path.join(visit.directory, name) for visit in whole for name in visit.ignored}
    hidden = {pruned.directory for visit in whole for pruned in visit.pruned if pruned.kinds != ALL_KINDS}
    told: dict[str, str] = {}
    for visit in visits:
        told |= {file.path: "file" for file in visit.files}
        told |= {os.path.join(visit.directory, name): "ignored" for name in visit.ignored}
        told |= {os.path.join(visit.directory, name): "filtered" for name in visit.filtered}
    assert set(told) == {path for path in wanted if kind_of(os.path.basename(path))}
    selected = {file.path for visit in whole for file in visit.files}
    assert {path for path in told if told[path] == "file"} == selected & set(wanted)
    for path in told:
        if told[path] == "ignored":
            assert path in ignored or any(path.startswith(f"{directory}/") for directory in hidden)
