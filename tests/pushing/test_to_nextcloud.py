"""The outbox, the pusher and the tags of a Nextcloud together, over a line that breaks."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.dav.clouds import Clouds
from tests.pushing.making import pusher, tagged
from tests.support.nextcloud import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.catalogue import SqliteCatalogue
    from tests.support.nextcloud import NextcloudServer

FOLDERS, FILES = 6, 20
NAMES = ("Cat", "Käse", "Tree 🌳", "x" * 70, "Animal", "Sea")
TROUBLE = {Fault.ERROR: 0.04, Fault.ERROR_AFTER: 0.01, Fault.CUT_BEFORE: 0.005, Fault.CUT_AFTER: 0.005}


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


class Library:
    """Photos of alice's on a server, some with tags that she gave them, and the tags that ours shall be."""

    def __init__(self, server: NextcloudServer, chance: random.Random) -> None:
        self.cloud = server.cloud
        self._chance = chance
        self.files: dict[int, str] = {}
        for folder in range(FOLDERS):
            self.cloud.write("alice", f"{folder}/.keep", b"")
            for number in range(FILES):
                node = self.cloud.tree.write("alice", f"{folder}/{number}.jpg", b"x")
                self.files[node.id] = f"{folder}/{number}.jpg"
        for name in (*NAMES[:3], "mine"):
            self.cloud.tags.create(name).files |= set(chance.sample(sorted(self.files), 30))
        self.theirs = self.state()
        self.ours: dict[int, tuple[str, ...]] = {}

    def state(self) -> dict[int, set[str]]:
        """The names of the tags that each file has on the server."""
        return {file: self.cloud.tags.names_of(file) for file in self.files}

    def due(self) -> dict[int, set[str]]:
        """The tags that each file has to have after a push."""
        return {file: self.theirs[file] | {name[:64] for name in self.ours[file]} for file in self.files}

    def scan(self, catalogue: SqliteCatalogue, version: str) -> None:
        """Finds other tags for every file."""
        self.ours = {
            file: tuple(self._chance.sample(NAMES, self._chance.randrange(4))) for file in self.files
        }
        catalogue.commit(
            [
                tagged(
                    path.partition("/")[2],
                    *self.ours[file],
                    file_id=str(file),
                    folder=path.partition("/")[0],
                    version=version,
                )
                for file, path in self.files.items()
            ]
        )


@pytest.mark.parametrize(("version", "database"), [("34", "sqlite"), ("34", "mariadb"), ("30", "mariadb")])
def test_the_server_ends_up_with_our_tags_and_all_of_theirs(
    clouds: Clouds, catalogue: SqliteCatalogue, version: str, database: str
) -> None:
    server = clouds.start(version=version, database=database)
    library = Library(server, random.Random(version + database))
    tags = clouds.tags(server)
    for scan in range(3):
        library.scan(catalogue, version=f"{scan}-10")
        server.cloud.faults = Faults(TROUBLE, seed=scan)
        with pusher(catalogue.outbox, tags, workers=3) as running:
            running.run()
        server.cloud.faults = Faults()
        assert library.state() == library.due()
    assert len(server.cloud.tags.by_id) == len(NAMES) + 1
    server.cloud.seen.clear()
    with pusher(catalogue.outbox, tags) as running:
        running.run()
    assert server.cloud.seen == []
