"""Pushes to the test Nextcloud that lose answers, meet a locked database and are killed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.catalogue.outbox_api import State
from tests.dav.clouds import Clouds
from tests.pushing.making import TARGET, tagged
from tests.pushing.victim import push
from tests.support.command import wait_until
from tests.support.nextcloud import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nextcloud import Cloud

ROOT = Path(__file__).parents[2]
NAMES = ["Cat", "Dog", "Käse", "Straße", "Strand 🏖", "x" * 70]
RATES = {Fault.ERROR: 0.03, Fault.ERROR_AFTER: 0.02, Fault.CUT_BEFORE: 0.005, Fault.CUT_AFTER: 0.005}


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


def fill(cloud: Cloud, path: Path, files: int, rng: random.Random) -> dict[int, set[str]]:
    """Files on the server and in a catalogue; some bear a tag already. Gives what each should bear."""
    foreign = [cloud.tags.create("cat" if cloud.tags.ignore_case else "Cat"), cloud.tags.create("Mine")]
    wanted, outcomes = dict[int, set[str]](), []
    for number in range(files):
        folder, name = f"Fotos/{number % 11}", f"{number} ä.jpg"
        node = cloud.write("alice", f"{folder}/{name}", b"x")
        wanted[node.id] = set(rng.sample(NAMES, rng.randint(0, 5)))
        for tag in foreign:
            if rng.random() < 0.2:
                cloud.tags.assign(tag, node.id)
        outcomes.append(tagged(name, *wanted[node.id], file_id=str(node.id), folder=folder))
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit(outcomes)
    return wanted


def borne(cloud: Cloud, file_id: int) -> set[str]:
    return {name.casefold() for name in cloud.tags.names_of(file_id)}


def given_but_not_noted(path: Path, given: dict[int, set[str]]) -> dict[int, set[str]]:
    """Of the tags that files were given, those that a catalogue does not know to be ours."""
    with SqliteCatalogue.open(path) as catalogue, catalogue._database.reading() as connection:
        ours = connection.execute(
            "SELECT p.file_id, t.tag FROM push_tags AS t JOIN push_files AS p ON p.id = t.push"
            " WHERE t.state = ?",
            (State.OURS,),
        ).fetchall()
    return {
        file_id: names - shown({tag for of, tag in ours if int(of) == file_id})
        for file_id, names in given.items()
    }


def shown(names: set[str]) -> set[str]:
    """Names as the server keeps and compares them."""
    return {name[:64].casefold() for name in names}


@pytest.mark.parametrize(("version", "database"), [("34", "mariadb"), ("34", "sqlite"), ("30", "mariadb")])
def test_the_server_bears_what_the_catalogue_wants_in_the_end(
    clouds: Clouds, tmp_path: Path, version: str, database: str
) -> None:
    rng = random.Random(7)
    server = clouds.start(version=version, database=database)
    cloud, path = server.cloud, tmp_path / "catalogue.sqlite3"
    wanted = fill(cloud, path, 150, rng)
    before = {file_id: borne(cloud, file_id) for file_id in wanted}
    cloud.faults = Faults(RATES, only=lambda request: "systemtags-relations" in request.path)

    victim = [sys.executable, "-m", "tests.pushing.victim", str(path), server.host]
    with subprocess.Popen(victim, cwd=ROOT) as running:
        wait_until(lambda: len(cloud.asked("PUT")) > 100, "a push")
        running.kill()
    assert running.returncode < 0
    given = {file_id: borne(cloud, file_id) - before[file_id] for file_id in wanted}
    unheard = given_but_not_noted(path, given)
    assert sum(map(len, unheard.values())) <= 3, "no more than there are requests at a time"
    push(path, server.host)
    for file_id, tags in wanted.items():
        assert borne(cloud, file_id) == before[file_id] | shown(tags)
    names = Counter(tag.name.casefold() for tag in cloud.tags.by_id.values())
    assert max(names.values()) == 1

    with SqliteCatalogue.open(path) as catalogue:
        catalogue.outbox.withdraw(TARGET)
    push(path, server.host)
    left = {file_id: before[file_id] | unheard[file_id] for file_id in wanted}
    assert {file_id: borne(cloud, file_id) for file_id in wanted} == left
    seen = len(cloud.seen)
    push(path, server.host)
    assert not [each for each in cloud.seen[seen:] if each.method in ("PUT", "DELETE", "POST", "PROPFIND")]
