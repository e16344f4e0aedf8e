"""Does something to a catalogue and is killed at each statement in turn. Run by test_killed.py.

    python -m tests.catalogue.victim DIRECTORY ACTION

makes ``DIRECTORY/N.sqlite3`` for N = 1, 2, ... and dies at statement N of the action on it, until an
action comes to its end; that N is printed. With the action ``busy`` it commits for ever, and prints
how many batches are committed.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.catalogue import Retagged, SqliteCatalogue
from recognize_cli.catalogue.database import open_database
from recognize_cli.catalogue.outbox_api import Remote, Settled, State
from recognize_cli.catalogue.schema import MIGRATIONS, migrate
from recognize_cli.records import Gone, Tag
from tests.catalogue.making import HERE, detection, outcome, searched

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = [f"{n}.jpg" for n in range(3)]
TARGET = "https://alice@cloud.example"


def add_albums(connection: sqlite3.Connection) -> None:
    """A migration of several statements."""
    connection.execute("CREATE TABLE albums (id INTEGER PRIMARY KEY, file INTEGER)")
    connection.execute("INSERT INTO albums (file) SELECT id FROM files")
    connection.execute("ALTER TABLE files ADD COLUMN album INTEGER")


def create(path: Path) -> None:
    SqliteCatalogue.open(path).close()


def commit(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([outcome(name, version="2-10", tags={"objects": ("New",)}) for name in BATCH])


def rebuild(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        for stored in catalogue.iter_scores("objects", except_rules="rules-2"):
            tag = Tag("New", 0.5, "objects", "cat")
            catalogue.update_tags([Retagged(stored.id, "objects", "rules-2", (tag,))])


def move(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.move(catalogue.known(HERE, "/data")["0.jpg"].id, HERE, "/new", "1.jpg")


def purge(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        ids = [file.id for file in catalogue.known(HERE, "/data").values()]
        catalogue.missing(ids, Gone.DELETED)
        catalogue.purge(timedelta(0))


def upgrade(path: Path) -> None:
    migrate(open_database(path), [*MIGRATIONS, add_albums])


def search(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([searched("1.jpg", detection(0.1), detection(0.4), model="model-2")])


def regroup(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        faces = np.arange(1, 7)
        catalogue.face_store.regroup(faces, np.array([4, 4, 4, 1, 5, 0]), np.full(6, 0.5, np.float32))


def merge(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.face_store.merge(3, [1, 2])


def split(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.face_store.split([1, 4])


def push(path: Path) -> None:
    """Says of all that is due that it was asked for and confirmed."""
    with SqliteCatalogue.open(path) as catalogue:
        outbox = catalogue.outbox
        for page in outbox.pending(TARGET, now=0):
            tags = [(file.id, tag) for file in page for tag in file.tags if tag.due]
            outbox.sent([(id_, tag.name, State.SENT) for id_, tag in tags])
            outbox.settle([Settled(id_, tag.name, State.OURS if tag.wanted else None) for id_, tag in tags])


def recommit(path: Path) -> None:
    """Gives pushed files another tag."""
    commit(path)


def seed_pushed(path: Path) -> None:
    """Files whose tag is on a server."""
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([replace(outcome(name), remotes=(Remote(TARGET, name, name),)) for name in BATCH])
    push(path)


def seed(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([outcome(name) for name in BATCH])


def seed_people(path: Path) -> None:
    """Six faces, two a file, of three people; the first has a name."""
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([searched(name, detection(0.1), detection(0.6)) for name in BATCH])
        groups = np.array([1, 2, 1, 2, 3, 3])
        catalogue.face_store.regroup(np.arange(1, 7), groups, np.full(6, 0.25, np.float32))
        catalogue.face_store.rename(1, "Ada")


OF_PEOPLE = (search, regroup, merge, split)
OF_PUSHES = (recommit, push)
ACTIONS: dict[str, Callable[[Path], None]] = {
    action.__name__: action
    for action in (create, commit, rebuild, move, purge, upgrade, *OF_PEOPLE, *OF_PUSHES)
}


def die_at(statement: int) -> None:
    """From now on, the process is killed as it begins the given statement on any connection."""
    left = itertools.count(statement, -1)
    connect = sqlite3.connect

    def traced(_: str) -> None:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect_traced(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(traced)
        return connection

    sqlite3.connect = connect_traced  # type: ignore[assignment]


def at_each_statement(directory: Path, action: str) -> int:
    for statement in itertools.count(1):
        path = directory / f"{statement}.sqlite3"
        if ACTIONS[action] in OF_PEOPLE:
            seed_people(path)
        elif ACTIONS[action] in OF_PUSHES:
            seed_pushed(path)
            if action == "push":
                recommit(path)
        elif action != "create":
            seed(path)
        child = os.fork()
        if child == 0:
            die_at(statement)
            ACTIONS[action](path)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return statement
        assert os.WIFSIGNALED(status), "it failed, but not by the kill"
    raise AssertionError


def busy(path: Path) -> None:
    with SqliteCatalogue.open(path) as catalogue:
        for batch in itertools.count(1):
            catalogue.commit([outcome(f"{batch}-{n}.jpg") for n in range(20)])
            sys.stdout.write(f"{batch}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if sys.argv[2] == "busy":
        busy(place)
    sys.stdout.write(str(at_each_statement(place, sys.argv[2])))
