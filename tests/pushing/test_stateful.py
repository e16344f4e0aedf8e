"""Random histories of a tree, its tags and their users, with a server that fails and runs that are killed.

What must hold in the end: each file bears what is wanted and what its users gave it, and no tag of a user was
ever touched. A tag that a killed run asked for may stay where nobody heard the answer. Users do not give back
what we gave, nor what a killed run may have taken off: nobody could tell afterwards whose such a tag is.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from recognize_cli.catalogue import Retagged, SqliteCatalogue
from recognize_cli.catalogue.outbox_api import State
from recognize_cli.records import Gone, Tag
from tests.catalogue.making import HERE, assert_sound
from tests.pushing.making import Time, pusher, tagged
from tests.support.tag_server import MemoryTagServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tag_server import Request

NAMES = ["Cat", "Dog", "Öl"]
TAGS = st.sets(st.sampled_from(NAMES))
FILES = st.sampled_from(["1", "2", "3"])


class Fault(Enum):
    """What goes wrong with a request."""

    NONE = auto()
    ERROR = auto()
    CUT = auto()
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()


class Killed(BaseException):
    """The end of a run that comes without a warning."""


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "catalogue.sqlite3"
        self.time = Time()
        self.catalogue = SqliteCatalogue.open(self.path, clock=self.time)
        self.server = MemoryTagServer()
        self.wanted: dict[str, set[str]] = {}
        self.ignored: set[str] = set()
        self.versions = 0
        self.given: dict[str, set[str]] = {file: set() for file in "123"}
        self.taken: set[tuple[str, str]] = set()
        self.unheard: set[tuple[str, str]] = set()
        for file in "123":
            self.server.add(file)

    def teardown(self) -> None:
        self.push([])
        for file, tags in self.wanted.items():
            there = self.server.names(file)
            expected = set() if file in self.ignored else tags
            unheard = {tag for id_, tag in self.unheard if id_ == file}
            assert self.server.owned(file, "us") <= expected | unheard
            assert expected - there <= {tag for id_, tag in self.taken if id_ == file}
        self.push([])
        self.catalogue.close()
        assert_sound(self.path)
        shutil.rmtree(self.directory)

    def id_of(self, file: str) -> int:
        return self.catalogue.known(HERE, "/")[f"{file}.jpg"].id

    @rule(file=FILES, tags=TAGS)
    def scan(self, file: str, tags: set[str]) -> None:
        self.versions += 1
        version = f"{self.versions}-10"
        self.catalogue.commit([tagged(f"{file}.jpg", *tags, file_id=file, version=version)])
        self.wanted[file] = tags
        self.ignored.discard(file)

    @rule(file=FILES, tags=TAGS)
    def retag(self, file: str, tags: set[str]) -> None:
        if file in self.wanted:
            made = tuple(Tag(tag, 0.5, "objects", "class") for tag in tags)
            self.catalogue.update_tags([Retagged(self.id_of(file), "objects", "rules-2", made)])
            self.wanted[file] = tags

    @rule(file=FILES)
    def ignore(self, file: str) -> None:
        if file in self.wanted:
            self.catalogue.missing([self.id_of(file)], Gone.IGNORED)
            self.ignored.add(file)

    @rule(file=FILES)
    def vanish_and_return(self, file: str) -> None:
        if file in self.wanted and file not in self.ignored:
            self.catalogue.missing([self.id_of(file)], Gone.DELETED)
            self.push([])
            self.catalogue.purge(timedelta(days=1))
            self.catalogue.found([self.id_of(file)])

    @rule(file=FILES, tag=st.sampled_from(NAMES))
    def user_gives(self, file: str, tag: str) -> None:
        if tag not in self.server.tags[file] and self.state(file, tag) not in (State.LEAVING, State.OURS):
            self.server.tags[file][tag] = "user"
            self.given[file].add(tag)

    @rule(file=FILES, tag=st.sampled_from(NAMES))
    def user_takes(self, file: str, tag: str) -> None:
        if tag in self.server.tags[file]:
            del self.server.tags[file][tag]
            self.given[file].discard(tag)
            self.taken.add((file, tag))

    def state(self, file: str, tag: str) -> State | None:
        """What the outbox knows of a tag that is or was wanted."""
        with self.catalogue._database.reading() as connection:  # a look past what it tells of what is due
            row = connection.execute(
                "SELECT t.state FROM push_tags AS t JOIN push_files AS p ON p.id = t.push"
                " WHERE p.file_id = ? AND t.tag = ?",
                (file, tag),
            ).fetchone()
        return None if row is None else State(row[0])

    @rule(faults=st.lists(st.sampled_from(Fault), max_size=4))
    def push(self, faults: list[Fault]) -> None:
        """A run whose first requests go wrong as said."""
        left = list(faults)

        def fault(request: Request, act: Callable[[], bool]) -> bool:
            kind = left.pop(0) if left else Fault.NONE
            if kind is Fault.KILLED_BEFORE:
                raise Killed
            if kind is Fault.ERROR:
                raise OSError(5, "500")
            result = act()
            if kind is Fault.KILLED_AFTER:
                self.unheard |= {request[1:]} if request[0] == "assign" else set()
                raise Killed
            if kind is Fault.CUT:
                raise OSError(104, "cut")
            return result

        self.server.fault = fault
        self.time.now += 10_000
        running = pusher(
            self.catalogue.outbox, self.server, clock=self.time, sleep=self.time.sleep, workers=1
        )
        running.__enter__()
        with suppress(Killed):
            running.run()
        running._pool.shutdown(cancel_futures=True)  # what follows at the end of a run, a killed one does not
        running._stack.close()
        for file, tags in self.given.items():
            assert tags <= self.server.names(file)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
