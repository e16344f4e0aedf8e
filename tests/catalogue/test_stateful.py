"""Random histories of a tree, in a catalogue and in a plain model of one."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recognize_cli.catalogue import DECODING, Retagged, SqliteCatalogue
from recognize_cli.records import Gone, Reason, Tag
from tests.catalogue.making import assert_sound, outcome, tag_names

STORAGES = st.sampled_from(["local", "other"])
DIRECTORIES = ["/", "/data", "/data/trip", "/data-old", "/d\udce9ta"]
NAMES = ["a.jpg", "b.jpg", "\udcff.jpg", "é'%.jpg"]
PLACES = st.tuples(STORAGES, st.sampled_from(DIRECTORIES), st.sampled_from(NAMES))
VERSIONS = st.sampled_from(["1-10", "2-10"])
FILE_IDS = st.sampled_from(["1:1", "1:2", None])
TAGS = st.lists(st.sampled_from(["Cat", "Animal", "Öl"]), unique=True, max_size=3)
RECOGNIZERS = ["objects", "faces"]
STAGES = st.sampled_from([DECODING, *RECOGNIZERS])
RULES = st.sampled_from(["rules-1", "rules-2"])

Place = tuple[str, str, str]


@dataclass
class File:
    """A file of the model; without a place when another one has taken it."""

    storage: str
    place: Place | None
    version: str
    file_id: str | None
    results: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    failures: dict[str, Reason] = field(default_factory=dict)
    missing: Gone | None = None
    since: float = 0.0


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "catalogue.sqlite3"
        self.catalogue = SqliteCatalogue.open(self.path, clock=lambda: self.now)
        self.files: dict[int, File] = {}
        self.visited: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.catalogue.close()
        assert_sound(self.path)
        shutil.rmtree(self.directory)

    def at(self, place: Place) -> int | None:
        return next((id_ for id_, file in self.files.items() if file.place == place), None)

    def some(self, data: st.DataObject) -> list[int]:
        return data.draw(st.lists(st.sampled_from(sorted(self.files)), unique=True))

    @rule(
        place=PLACES,
        version=VERSIONS,
        file_id=FILE_IDS,
        tags=st.dictionaries(st.sampled_from(RECOGNIZERS), TAGS),
        failures=st.dictionaries(STAGES, st.sampled_from(Reason)),
        rules=RULES,
    )
    def commit(
        self,
        place: Place,
        version: str,
        file_id: str | None,
        tags: dict[str, list[str]],
        failures: dict[str, Reason],
        rules: str,
    ) -> None:
        storage, directory, name = place
        self.catalogue.commit(
            [
                outcome(
                    name,
                    directory=directory,
                    storage=storage,
                    tags=tags,
                    failures=failures,
                    version=version,
                    file_id=file_id,
                    rules=dict.fromkeys(RECOGNIZERS, rules),
                )
            ]
        )
        id_ = self.at(place)
        if id_ is None:
            id_ = self.catalogue.known(storage, directory)[name].id
            assert id_ not in self.files
            self.files[id_] = File(storage, place, version, file_id)
        file = self.files[id_]
        if file.version != version:
            file.results, file.failures = {}, {}
        file.version, file.file_id, file.missing = version, file_id, None
        for recognizer, names in tags.items():
            file.results[recognizer] = (rules, names)
            for stage in (recognizer, DECODING):
                file.failures.pop(stage, None)
        file.failures.update(failures)

    @precondition(lambda self: self.files)
    @rule(data=st.data(), why=st.sampled_from(Gone))
    def missing(self, data: st.DataObject, why: Gone) -> None:
        ids = self.some(data)
        newly = [id_ for id_ in ids if self.files[id_].missing is None]
        assert self.catalogue.missing(ids, why) == newly
        for id_ in newly:
            self.files[id_].missing, self.files[id_].since = why, self.now

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def found(self, data: st.DataObject) -> None:
        ids = self.some(data)
        self.catalogue.found(ids)
        for id_ in ids:
            if self.files[id_].place is not None:
                self.files[id_].missing = None

    @precondition(lambda self: self.files)
    @rule(data=st.data(), place=PLACES)
    def move(self, data: st.DataObject, place: Place) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.files)))
        file = self.files[id_]
        place = (file.storage, *place[1:])
        self.catalogue.move(id_, *place)
        occupant = self.at(place)
        if occupant not in (None, id_):
            other = self.files[occupant]
            other.place = None
            if other.missing is None:
                other.missing, other.since = Gone.DELETED, self.now
        file.place, file.missing = place, None

    @rule(recognizer=st.sampled_from(RECOGNIZERS), rules=RULES, names=TAGS)
    def rebuild(self, recognizer: str, rules: str, names: list[str]) -> None:
        tags = tuple(Tag(name, 0.5, recognizer, name) for name in names)
        stored = list(self.catalogue.iter_scores(recognizer, except_rules=rules))
        expected = {
            id_
            for id_, file in self.files.items()
            if file.place and recognizer in file.results and file.results[recognizer][0] != rules
        }
        assert sorted(entry.id for entry in stored) == sorted(expected)
        self.catalogue.update_tags([Retagged(entry.id, recognizer, rules, tags) for entry in stored])
        for id_ in expected:
            self.files[id_].results[recognizer] = (rules, names)

    @rule(storage=STORAGES, directory=st.sampled_from(DIRECTORIES))
    def visit(self, storage: str, directory: str) -> None:
        self.catalogue.visit(storage, directory)
        self.visited.add((storage, directory))

    @rule(days=st.integers(0, 40))
    def purge(self, days: int) -> None:
        self.now += days * 86400
        old = {
            id_
            for id_, file in self.files.items()
            if file.missing is not None and self.now - file.since >= 30 * 86400
        }
        assert self.catalogue.purge(timedelta(days=30)) == len(old)
        for id_ in old:
            del self.files[id_]

    @rule()
    def reopen(self) -> None:
        self.catalogue.close()
        self.catalogue = SqliteCatalogue.open(self.path, clock=lambda: self.now)
        self.visited = set()

    @invariant()
    def the_same_is_known(self) -> None:
        found = {}
        for storage in ("local", "other"):
            for directory in DIRECTORIES:
                for name, file in self.catalogue.known(storage, directory).items():
                    found[file.id] = (
                        (storage, directory, name),
                        (file.version, file.file_id, file.missing),
                        {
                            result.recognizer: (result.rules, tag_names(file, result.recognizer))
                            for result in file.results
                        },
                        {failure.stage: failure.reason for failure in file.failures},
                    )
        assert found == {
            id_: (file.place, (file.version, file.file_id, file.missing), file.results, file.failures)
            for id_, file in self.files.items()
            if file.place
        }

    @invariant()
    def the_same_tags_are_counted(self) -> None:
        counts: dict[str, int] = {}
        for file in self.files.values():
            if file.missing is None:
                for name in {name for _, names in file.results.values() for name in names}:
                    counts[name] = counts.get(name, 0) + 1
        assert self.catalogue.tags() == counts

    @invariant()
    def the_same_moved_files_are_found(self) -> None:
        for storage in ("local", "other"):
            moved = self.catalogue.find_moved(storage, "1:1", "1-10", 10)
            assert {candidate.known.id: candidate.path for candidate in moved} == {
                id_: None if file.place is None else file.place[1].rstrip("/") + "/" + file.place[2]
                for id_, file in self.files.items()
                if (file.storage, file.version, file.file_id) == (storage, "1-10", "1:1")
            }

    @invariant()
    def the_same_is_unvisited(self) -> None:
        unvisited = self.catalogue.unvisited("local", "/data", except_below=["/data/trip"])
        assert {file.id for file in unvisited} == {
            id_
            for id_, file in self.files.items()
            if file.place
            and file.missing is None
            and file.place[:2] == ("local", "/data")
            and file.place[:2] not in self.visited
        }


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
