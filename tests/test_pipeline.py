"""Whole scans over a tree in memory, with a real catalogue: what is looked at, told and remembered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recognize_cli.catalogue import NullCatalogue, SqliteCatalogue
from recognize_cli.errors import CatalogueUnusable, ExitCode, FileFailure
from recognize_cli.ignore import Filters, Rule
from recognize_cli.media.jobs import DecodeResult
from recognize_cli.media.kinds import kind_of
from recognize_cli.pipeline import Tools, Tree, scan
from recognize_cli.records import FileResult, Gone, Kind, Reason, Removed, Scores, Tag, Unreadable
from recognize_cli.stages.crew import Crew
from recognize_cli.stages.judging import Policy
from recognize_cli.stages.ordered import Order
from recognize_cli.stages.walk import walk
from recognize_cli.tally import Tally
from tests.sources.memory import MemorySource
from tests.support.recognizers import UNLUCKY, Shades

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from recognize_cli.catalogue import Catalogue
    from recognize_cli.protocols import Source
    from recognize_cli.records import Finished
    from recognize_cli.stages.items import Job

BROKEN = 200
"""The content of a file that cannot be decoded."""


def tags_of(scores: Scores) -> tuple[Tag, ...]:
    best = scores.top[0]
    return (Tag(best.name.title(), best.score, scores.recognizer, best.name),)


def decode(source: Source, job: Job) -> DecodeResult:
    with source.lease(job.file) as path:
        (value,) = Path(path).read_bytes()
    if value == BROKEN:
        raise FileFailure(Reason.DECODE, "broken")
    return DecodeResult({None: np.full((8, 8, 3), value, np.uint8)})


@dataclass
class Told:
    """A sink and a progress display that keep what they are told."""

    items: list[Finished] = field(default_factory=list)
    advanced: int = 0

    def __enter__(self) -> Told:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def result(self, result: FileResult) -> None:
        self.items.append(result)

    removed = unreadable = result  # type: ignore[assignment]

    def summary(self, summary: Mapping[str, object]) -> None: ...

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        self.advanced += 1

    def close(self) -> None: ...

    @property
    def files(self) -> dict[str, FileResult]:
        results = [item for item in self.items if isinstance(item, FileResult)]
        by_path = {item.file.path: item for item in results}
        assert len(by_path) == len(results)
        return by_path

    @property
    def gone(self) -> set[tuple[str, Gone]]:
        return {(item.path, item.why) for item in self.items if isinstance(item, Removed)}


@dataclass
class Scanner:
    """Scans one tree with one recognizer; every call is a run of its own."""

    source: MemorySource
    open_catalogue: Callable[[], Catalogue]
    recognizer: Shades = field(default_factory=Shades)
    rules: str = "rules-1"
    decoder: str = "decoder-1"
    decode: Callable[[Source, Job], DecodeResult] = decode
    ordered: bool = False
    short_of_memory: Callable[[], bool] = lambda: False

    def __call__(
        self,
        *,
        filters: Filters | None = None,
        stop: Callable[[], bool] = lambda: False,
        changed_only: bool = False,
        told: Told | None = None,
        **policy: bool,
    ) -> tuple[Told, Tally]:
        self.recognizer.seen.clear()
        told, tally = told or Told(), Tally()
        crew = Crew({self.recognizer.name: self.recognizer}, tags_of)
        with ThreadPoolExecutor(2) as pool, self.open_catalogue() as catalogue:

            def submit(source: Source, job: Job) -> Future[DecodeResult]:
                return pool.submit(self.decode, source, job)

            tools = Tools(
                policy=Policy(crew, {self.recognizer.name: self.rules}, self.decoder, **policy),
                catalogue=catalogue,
                submit=submit,
                apply=tags_of,
                stop=stop,
                look_ahead=4,
                threads=2,
                batch_size=2,
                short_of_memory=self.short_of_memory,
                ordered=self.ordered,
            )
            trees = [Tree(self.source, walk(self.source, filters, stop))]
            scan(trees, tools, told, told, tally, changed_only=changed_only)
        return told, tally


@pytest.fixture
def source(tmp_path: Path) -> MemorySource:
    source = MemorySource(tmp_path)
    source.write("a.jpg", b"\1")
    source.write("trip/b.jpg", b"\2")
    source.write("trip/c.jpg", b"\3")
    return source


@pytest.fixture
def scanner(source: MemorySource, tmp_path: Path) -> Scanner:
    return Scanner(source, lambda: SqliteCatalogue.open(tmp_path / "catalogue"))


def test_every_file_is_told_with_its_tags(scanner: Scanner) -> None:
    told, tally = scanner()
    assert {path: result.tags[0].name for path, result in told.files.items()} == {
        "a.jpg": "Shade 1",
        "trip/b.jpg": "Shade 2",
        "trip/c.jpg": "Shade 3",
    }
    assert (tally.files, tally.changed, tally.tagged, tally.exit_code) == (3, 3, 3, ExitCode.DONE)


class Hearing(Told):
    """Knows when the first result was told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def result(self, result: FileResult) -> None:
        super().result(result)
        self.heard.set()


def test_a_slow_file_does_not_block_those_after_it(scanner: Scanner) -> None:
    told = Hearing()

    def slow(source: Source, job: Job) -> DecodeResult:
        if job.file.path == "a.jpg":
            assert told.heard.wait(30)  # another one comes first
        return decode(source, job)

    scanner.decode = slow
    scanner(told=told)
    assert list(told.files)[-1] == "a.jpg"
    assert len(told.files) == 3


def test_results_in_the_order_of_the_walk(scanner: Scanner, source: MemorySource) -> None:
    for index in range(20):
        source.write(f"more/{index:02}.jpg", bytes([20 + index]))
    scanner()
    source.write("more/03.jpg", b"\x40")
    source.write("more/09.jpg", bytes([BROKEN]))
    source.remove("trip/c.jpg")
    source.failing["trip"] = PermissionError(13, "Permission denied")
    others = threading.Event()

    def slow(source: Source, job: Job) -> DecodeResult:
        if job.file.path == "more/03.jpg":
            assert others.wait(30)
        try:
            return decode(source, job)
        finally:
            others.set()

    scanner.decode, scanner.ordered = slow, True
    told, _ = scanner()
    names = [item.path if isinstance(item, Unreadable) else item.file.path for item in told.items]  # type: ignore[union-attr]
    assert names == ["a.jpg", *(f"more/{index:02}.jpg" for index in range(20)), "trip"]
    assert [item.file.path for item in told.files.values() if not item.unchanged] == [
        "more/03.jpg",
        "more/09.jpg",
    ]


def test_one_slow_file_does_not_make_the_order_hold_a_whole_tree_back(
    scanner: Scanner, source: MemorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(30):
        source.write(f"more/{index:02}.jpg", bytes([20 + index]))
    scanner()
    source.write("a.jpg", b"\x41")
    monkeypatch.setattr("recognize_cli.pipeline.Order", partial(Order, limit=5))
    stuck = threading.Event()
    stopped: list[str] = []

    def slow(source: Source, job: Job) -> DecodeResult:
        stuck.set()
        time.sleep(0.3)  # long enough for a scan without a bound to come to the end of the tree
        stopped.extend(directory for directory in scanner.source.listed)
        return decode(source, job)

    source.make_directory("zoo")
    source.listed.clear()
    scanner.decode, scanner.ordered = slow, True
    told, _ = scanner()
    assert stuck.is_set()
    assert "zoo" not in stopped
    assert next(iter(told.files)) == "a.jpg"
    assert list(told.files) == sorted(told.files)


def test_short_of_memory_it_goes_on_file_by_file(scanner: Scanner, source: MemorySource) -> None:
    for index in range(20):
        source.write(f"more/{index:02}.jpg", bytes([20 + index]))
    in_hand: list[int] = []
    lock, now = threading.Lock(), 0

    def counted(source: Source, job: Job) -> DecodeResult:
        nonlocal now
        with lock:
            now += 1
            in_hand.append(now)
        try:
            return decode(source, job)
        finally:
            with lock:
                now -= 1

    scanner.decode, scanner.short_of_memory = counted, lambda: True
    told, _ = scanner()
    assert len(told.files) == 23
    assert set(in_hand) == {1}
    assert set(scanner.recognizer.batches) == {1}


def test_a_known_tree_is_told_without_a_look(scanner: Scanner) -> None:
    scanner()
    loads = scanner.recognizer.loads
    told, tally = scanner()
    assert all(result.unchanged for result in told.files.values())
    assert scanner.recognizer.seen == []
    assert scanner.recognizer.loads == loads
    assert (tally.files, tally.unchanged) == (3, 3)
    assert scanner(changed_only=True)[0].items == []


def test_raw_scores_of_known_files_on_request(scanner: Scanner) -> None:
    scanner()
    told, _ = scanner(with_scores=True)
    assert [each.top[0].name for each in told.files["a.jpg"].scores] == ["shade 1"]


def test_another_model_looks_again_and_other_rules_do_not(scanner: Scanner) -> None:
    scanner()
    scanner.rules = "rules-2"
    told, _ = scanner()
    assert scanner.recognizer.seen == []
    assert not any(result.unchanged for result in told.files.values())
    assert all(result.unchanged for result in scanner()[0].files.values())
    scanner.recognizer.fingerprint = "shades-2"
    scanner()
    assert len(scanner.recognizer.seen) == 3


def test_a_second_recognizer_looks_and_the_first_keeps_its_scores(scanner: Scanner) -> None:
    scanner()
    first = scanner.recognizer
    scanner.recognizer = Shades("other")
    told, _ = scanner()
    assert told.files["a.jpg"].recognizers == ("other",)
    scanner.recognizer = first
    assert all(result.unchanged for result in scanner()[0].files.values())


def test_broken_files_are_remembered_until_something_changes(scanner: Scanner, source: MemorySource) -> None:
    source.write("a.jpg", bytes([BROKEN]))
    told, tally = scanner()
    assert [each.reason for each in told.files["a.jpg"].failures] == [Reason.DECODE]
    assert tally.exit_code == ExitCode.SOME_FAILED
    assert scanner()[0].files["a.jpg"].unchanged
    assert not scanner(retry=True)[0].files["a.jpg"].unchanged
    scanner.decoder = "decoder-2"
    assert not scanner()[0].files["a.jpg"].unchanged
    source.write("a.jpg", b"\7")
    assert scanner()[0].files["a.jpg"].tags[0].name == "Shade 7"


def test_what_a_model_failed_on_is_tried_at_every_run(scanner: Scanner, source: MemorySource) -> None:
    source.write("a.jpg", bytes([UNLUCKY]))
    for _ in range(2):
        told, tally = scanner()
        assert [each.reason for each in told.files["a.jpg"].failures] == [Reason.INFERENCE]
        assert tally.failed == 1


def test_a_moved_file_keeps_what_is_known_of_it(scanner: Scanner, source: MemorySource) -> None:
    scanner()
    source.rename("a.jpg", "trip/far/z.jpg")
    told, _ = scanner()
    assert scanner.recognizer.seen == []
    assert told.files["trip/far/z.jpg"].tags[0].name == "Shade 1"
    assert not told.files["trip/far/z.jpg"].unchanged
    assert told.gone == {("a.jpg", Gone.DELETED)}  # the walk came by its old place first
    source.rename("trip/far/z.jpg", "a.jpg")
    assert scanner()[0].gone == {("trip/far/z.jpg", Gone.MOVED)}
    assert scanner()[0].gone == set()


def test_files_that_take_each_others_places_are_not_looked_at_again(
    scanner: Scanner, source: MemorySource
) -> None:
    source.write("2.jpg", b"\x12")
    source.write("3.jpg", b"\x13")
    scanner()
    source.remove("a.jpg")
    source.rename("2.jpg", "a.jpg")
    source.rename("3.jpg", "2.jpg")
    told, _ = scanner()
    assert scanner.recognizer.seen == []
    assert told.files["a.jpg"].tags[0].name == "Shade 18"
    assert told.files["2.jpg"].tags[0].name == "Shade 19"


def test_a_directory_that_cannot_be_listed_loses_nothing(scanner: Scanner, source: MemorySource) -> None:
    scanner()
    source.failing["trip"] = PermissionError(13, "Permission denied")
    told, tally = scanner()
    assert told.gone == set()
    assert [(item.path, item.message) for item in told.items if isinstance(item, Unreadable)] == [
        ("trip", "Permission denied")
    ]
    assert tally.exit_code == ExitCode.SOME_FAILED
    del source.failing["trip"]
    assert all(result.unchanged for result in scanner()[0].files.values())


def test_what_options_leave_out_is_left_alone(scanner: Scanner) -> None:
    scanner()
    told, _ = scanner(filters=Filters([Rule(False, "trip/"), Rule(False, "a.jpg")]))
    assert told.items == []
    assert all(result.unchanged for result in scanner()[0].files.values())


def test_a_directory_that_is_gone_takes_its_files_along(scanner: Scanner, source: MemorySource) -> None:
    source.write("trip/far/d.jpg", b"\4")
    scanner()
    source.remove_directory("trip")
    told, _ = scanner()
    assert told.gone == {(f"trip/{name}", Gone.DELETED) for name in ("b.jpg", "c.jpg", "far/d.jpg")}
    assert scanner()[0].gone == set()


def test_a_marker_above_covers_what_lies_deeper(scanner: Scanner, source: MemorySource) -> None:
    source.write("trip/far/d.jpg", b"\4")
    scanner()
    source.write("trip/.nomedia")
    told, _ = scanner()
    assert told.gone == {(f"trip/{name}", Gone.IGNORED) for name in ("b.jpg", "c.jpg", "far/d.jpg")}
    source.remove("trip/.nomedia")
    assert scanner()[0].gone == set()
    assert scanner.recognizer.seen == []


def test_what_is_gone_from_a_directory_left_out_is_told_later(scanner: Scanner, source: MemorySource) -> None:
    source.write("trip/far/d.jpg", b"\4")
    scanner()
    source.remove("trip/far/d.jpg")
    assert scanner(filters=Filters([Rule(False, "trip/")]))[0].gone == set()
    assert scanner()[0].gone == {("trip/far/d.jpg", Gone.DELETED)}


def test_another_name_of_a_file_is_a_file_of_its_own(scanner: Scanner, source: MemorySource) -> None:
    scanner()
    source.directories["trip"]["link.jpg"] = replace(source.directories[""]["a.jpg"], name="link.jpg")
    source.directories["trip"]["song.mp3"] = replace(source.directories[""]["a.jpg"], name="song.mp3")
    source.contents["trip/link.jpg"] = b"\1"
    told, _ = scanner()
    assert scanner.recognizer.seen == ["trip/link.jpg"]
    assert told.files["a.jpg"].unchanged
    assert told.gone == set()


def test_a_broken_file_that_moved_is_still_broken(scanner: Scanner, source: MemorySource) -> None:
    source.write("trip/x.jpg", bytes([BROKEN]))
    scanner()
    source.rename("trip/x.jpg", "y.jpg")
    told, _ = scanner()
    assert told.files["y.jpg"].failures[0].reason is Reason.DECODE


def test_a_run_in_words(scanner: Scanner, source: MemorySource) -> None:
    source.write("trip/x.jpg", bytes([BROKEN]))
    _, tally = scanner()
    assert str(tally).startswith("4 files in ")
    assert str(tally).endswith(": 3 tagged, 4 new or changed, 1 failed")
    tally.stopped("SIGINT", ExitCode.INTERRUPTED)
    assert str(tally).endswith("; stopped by SIGINT")
    assert tally.summary(["/data"])["exit_code"] == 130


def test_a_root_that_is_gone_withdraws_nothing(scanner: Scanner, source: MemorySource) -> None:
    scanner()
    directories = dict(source.directories)
    source.remove_root()
    told, tally = scanner()
    assert told.items == []
    assert tally.exit_code == ExitCode.SOURCE
    assert tally.summary([])["complete"] is False
    source.directories.update(directories)
    assert all(result.unchanged for result in scanner()[0].files.values())


def test_a_stop_withdraws_nothing(scanner: Scanner, source: MemorySource) -> None:
    scanner()
    source.remove("trip/b.jpg")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    told, _ = scanner(stop=stop)
    assert told.gone == set()
    assert scanner()[0].gone == {("trip/b.jpg", Gone.DELETED)}


def test_without_a_catalogue_nothing_is_known(source: MemorySource) -> None:
    scanner = Scanner(source, NullCatalogue)
    for _ in range(2):
        assert len(scanner()[0].files) == 3
        assert len(scanner.recognizer.seen) == 3


def test_nothing_is_told_that_is_not_saved(source: MemorySource, tmp_path: Path) -> None:
    class Full(SqliteCatalogue):
        def commit(self, outcomes: Sequence[object]) -> None:
            raise CatalogueUnusable(path="c", problem="no space left")

    scanner = Scanner(source, lambda: Full.open(tmp_path / "catalogue"))
    with pytest.raises(CatalogueUnusable, match="no space left"):
        scanner()


NAMES = st.sampled_from(["a.jpg", "b.jpg", "c.mp3", "notes.txt"])
DIRECTORIES = st.sampled_from(["", "x", "x/y", "z"])
MARKERS = st.sampled_from([".noimage", ".nomedia", ".nomusic"])


def joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens between runs, each tells the tree as it is and looks only at what is new."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.source = MemorySource(Path(self.folder.name))
        self.contents: dict[str, tuple[int, str]] = {}
        self.markers: set[str] = set()
        self.told_of: set[str] = set()
        self.looked_at: set[tuple[str, str]] = set()
        self.scanned = True

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(directory=DIRECTORIES, name=NAMES, value=st.integers(0, 9))
    def write(self, directory: str, name: str, value: int) -> None:
        path = joined(directory, name)
        self.source.write(path, bytes([value]))
        entry = self.source.directories[directory][name]
        self.contents[path] = (value, f"{entry.file_id}/{entry.version}")
        self.scanned = False

    @precondition(lambda self: self.contents)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.contents)))
        self.source.remove(path)
        del self.contents[path]
        self.scanned = False

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), directory=DIRECTORIES)
    def rename(self, data: st.DataObject, directory: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.contents)))
        new = joined(directory, old.rpartition("/")[2])
        if new == old:
            return
        self.source.rename(old, new)
        self.contents[new] = self.contents.pop(old)
        self.scanned = False

    @rule(directory=st.sampled_from(["x", "x/y", "z"]))
    def remove_directory(self, directory: str) -> None:
        if directory in self.source.directories:
            self.source.remove_directory(directory)
            inside = f"{directory}/"
            self.contents = {p: c for p, c in self.contents.items() if not p.startswith(inside)}
            self.markers = {path for path in self.markers if not path.startswith(inside)}
            self.scanned = False

    @rule(directory=DIRECTORIES, marker=MARKERS)
    def mark(self, directory: str, marker: str) -> None:
        path = joined(directory, marker)
        if path not in self.markers:
            self.source.write(path)
            self.markers.add(path)
            self.scanned = False

    @precondition(lambda self: self.markers)
    @rule(data=st.data())
    def unmark(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.markers)))
        self.source.remove(path)
        self.markers.remove(path)
        self.scanned = False

    def shown(self, path: str) -> bool:
        kind = kind_of(path)
        names = {None: set(), Kind.IMAGE: {".noimage"}, Kind.AUDIO: {".nomusic"}, Kind.VIDEO: {".novideo"}}
        above = [path]
        while above[-1]:
            above.append(above[-1].rpartition("/")[0])
        covered = any(
            joined(directory, marker) in self.markers
            for directory in above[1:]
            for marker in {".nomedia", *names[kind]}
        )
        return kind is not None and not covered

    @rule()
    def run(self) -> None:
        scanner = Scanner(self.source, lambda: SqliteCatalogue.open(Path(self.folder.name) / "catalogue"))
        told, tally = scanner()
        shown = {path for path in self.contents if self.shown(path)}
        assert set(told.files) == shown
        images = {path for path in shown if kind_of(path) is Kind.IMAGE}
        for path in images:
            assert told.files[path].tags[0].name == f"Shade {self.contents[path][0]}"
        assert {path for path, _ in told.gone} == self.told_of - images
        new = {path for path in images if self.contents[path][1] not in {seen for _, seen in self.looked_at}}
        assert set(scanner.recognizer.seen) == new
        self.looked_at |= {(path, self.contents[path][1]) for path in new}
        self.told_of = images
        assert tally.files == len(shown)
        self.scanned = True

    @invariant()
    def nothing_fails(self) -> None:
        assert self.source.failing == {}


AnyHistory.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
test_any_history = AnyHistory.TestCase
