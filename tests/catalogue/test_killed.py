"""``kill -9`` at any moment: what was committed is there, what was not is not, and the next run goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from tests.catalogue import victim
from tests.catalogue.making import HERE, assert_sound, query, tag_names

ROOT = Path(__file__).parents[2]
VICTIM = [sys.executable, "-m", "tests.catalogue.victim"]


def killed(directory: Path, action: str, *, at_least: int) -> list[Path]:
    """The catalogues on which the action was killed at each of its statements; all are sound."""
    done = subprocess.run(
        [*VICTIM, str(directory), action],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    statements = int(done.stdout)
    assert statements > at_least
    return [directory / f"{statement}.sqlite3" for statement in range(1, statements)]


def tags_by_name(path: Path, directory: str = "/data") -> dict[str, list[str] | None]:
    with SqliteCatalogue.open(path) as catalogue:
        return {name: tag_names(file) for name, file in catalogue.known(HERE, directory).items()}


def all_tagged(tag: str) -> dict[str, list[str]]:
    return {name: [tag] for name in victim.BATCH}


def test_while_it_is_created(tmp_path: Path) -> None:
    for path in killed(tmp_path, "create", at_least=15):
        assert_sound(path)
        victim.seed(path)
        assert tags_by_name(path) == all_tagged("Cat")


def test_in_a_commit(tmp_path: Path) -> None:
    outcomes = []
    for path in killed(tmp_path, "commit", at_least=30):
        assert_sound(path)
        outcomes.append(tags_by_name(path))
        victim.commit(path)
        assert tags_by_name(path) == all_tagged("New")
        assert query(path, "SELECT count(*) FROM results") == [(3,)]
    assert outcomes[0] == all_tagged("Cat")
    assert all(found in (all_tagged("Cat"), all_tagged("New")) for found in outcomes)


def test_in_a_rebuild(tmp_path: Path) -> None:
    for path in killed(tmp_path, "rebuild", at_least=15):
        assert_sound(path)
        assert all(found in (["Cat"], ["New"]) for found in tags_by_name(path).values())
        victim.rebuild(path)
        assert tags_by_name(path) == all_tagged("New")


def test_in_a_move(tmp_path: Path) -> None:
    for path in killed(tmp_path, "move", at_least=10):
        assert_sound(path)
        places = (len(tags_by_name(path)), len(tags_by_name(path, "/new")))
        assert places in ((3, 0), (2, 1))


def test_in_a_purge(tmp_path: Path) -> None:
    for path in killed(tmp_path, "purge", at_least=10):
        assert_sound(path)
        assert len(tags_by_name(path)) in (0, 3)
        victim.purge(path)
        assert query(path, "SELECT count(*) FROM directories") == [(0,)]


def test_in_a_migration(tmp_path: Path) -> None:
    half = set()
    for path in killed(tmp_path, "upgrade", at_least=8):
        recorded = query(path, "SELECT count(*) FROM migrations WHERE name = 'add_albums'") == [(1,)]
        made = query(path, "SELECT count(*) FROM sqlite_master WHERE name = 'albums'") == [(1,)]
        column = ("album",) in query(path, "SELECT name FROM pragma_table_info('files')")
        assert recorded == made == column
        half.add(recorded)
        victim.upgrade(path)
        assert query(path, "SELECT count(*) FROM albums") == [(3,)]
    assert False in half


def all_of_people(path: Path) -> list[list[tuple[object, ...]]]:
    """All that is known of faces and people; what a run gives once only is left out."""
    return [
        query(path, "SELECT id, file, model, x, person, by_hand, distance FROM faces ORDER BY id"),
        query(path, "SELECT id, name FROM people ORDER BY id"),
        query(path, "SELECT face, vector FROM embeddings ORDER BY face"),
        query(path, "SELECT face, person FROM rejections ORDER BY face, person"),
        query(path, "SELECT file, model, rules FROM results ORDER BY file"),
    ]


@pytest.mark.parametrize(
    ("action", "at_least"), [("search", 15), ("regroup", 15), ("merge", 15), ("split", 15)]
)
def test_in_a_change_of_people(tmp_path: Path, action: str, at_least: int) -> None:
    seeded = tmp_path / "seeded.sqlite3"
    victim.seed_people(seeded)
    before = all_of_people(seeded)
    victim.ACTIONS[action](seeded)
    after = all_of_people(seeded)
    assert before != after
    found = []
    for path in killed(tmp_path, action, at_least=at_least):
        assert_sound(path)
        found.append(all_of_people(path))
    assert before in found
    assert all(each in (before, after) for each in found)


def outbox_of(path: Path) -> list[tuple[object, ...]]:
    """What the outbox knows of tags, after it was brought up to date."""
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.outbox.counts(victim.TARGET)
    return query(path, "SELECT push, tag, wanted, state, due FROM push_tags ORDER BY push, tag")


def test_in_a_push(tmp_path: Path) -> None:
    found = []
    for path in killed(tmp_path, "push", at_least=30):
        assert_sound(path)
        found.append(outbox_of(path))
        victim.push(path)
        assert outbox_of(path) == [(file, "New", 1, "ours", None) for file in (1, 2, 3)]
    before = [(file, *tag) for file in (1, 2, 3) for tag in (("Cat", 0, "ours", 0), ("New", 1, "new", 0))]
    asked = [(file, *tag) for file in (1, 2, 3) for tag in (("Cat", 0, "sent", 0), ("New", 1, "sent", 0))]
    done = [(file, "New", 1, "ours", None) for file in (1, 2, 3)]
    assert found[0] == before
    assert all(each in (before, asked, done) for each in found)
    assert asked in found


def test_a_result_is_never_without_its_push(tmp_path: Path) -> None:
    for path in killed(tmp_path, "recommit", at_least=30):
        assert_sound(path)
        results = {tag for tags in tags_by_name(path).values() for tag in tags or ()}
        assert {tag for _, tag, wanted, *_ in outbox_of(path) if wanted} == results
        victim.recommit(path)
        assert {tag for _, tag, wanted, *_ in outbox_of(path) if wanted} == {"New"}


def test_a_busy_writer_loses_nothing_that_it_said_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite3"
    with subprocess.Popen(
        [*VICTIM, str(path), "busy"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(7)]
        writer.kill()
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
    assert_sound(path)
    found = tags_by_name(path)
    batches = len(found) / 20
    assert batches in (len(said), len(said) + 1)
    assert set(found) == {f"{batch}-{n}.jpg" for batch in range(1, int(batches) + 1) for n in range(20)}


@pytest.mark.parametrize("leftover", ["-wal", "-shm"])
def test_leftovers_of_a_deleted_catalogue_do_no_harm(tmp_path: Path, leftover: str) -> None:
    path = tmp_path / "catalogue.sqlite3"
    victim.seed(path)
    writer = SqliteCatalogue.open(path)
    writer.commit([])
    copy = Path(f"{path}{leftover}").read_bytes()
    writer.close()
    path.unlink()
    Path(f"{path}{leftover}").write_bytes(copy)
    assert_sound(path)
    assert tags_by_name(path) == {}
