"""How SQLite answers what is asked often, or of many rows: never by reading a whole table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.records import Entry, Gone, Listing
from tests.catalogue.making import HERE
from tests.pushing.making import pusher, tagged
from tests.support.tag_server import MemoryTagServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    with SqliteCatalogue.open(tmp_path / "catalogue.sqlite3") as opened:
        yield opened


def plans(catalogue: SqliteCatalogue, statements: list[str]) -> set[str]:
    """What SQLite does for these, those of them that have a plan."""
    known = set()
    with catalogue._database.reading() as connection:
        for statement in set(statements):
            if statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE")):
                known |= {row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")}
    return known


def test_a_push_reads_no_table_from_end_to_end(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    for number in range(3):
        server.add(str(number), "Photos")
    outcomes = [tagged(f"{n}.jpg", "Cat", file_id=str(n), folder="Photos") for n in range(3)]
    said: list[str] = []
    with catalogue._database.reading() as connection:
        connection.set_trace_callback(said.append)
    catalogue.commit(outcomes)
    with pusher(catalogue.outbox, server) as running:
        running.run()
    catalogue.missing([catalogue.known(HERE, "/Photos")["0.jpg"].id], Gone.IGNORED)
    with pusher(catalogue.outbox, server) as running:
        running.run()
    with catalogue._database.reading() as connection:
        connection.set_trace_callback(None)
    found = plans(catalogue, said)
    assert any("push_tags" in plan for plan in found)
    # Of these are as many rows as work waits, and a handful.
    small = ("SCAN s", "SCAN push_stale", "SCAN entry", "SCAN CONSTANT ROW")
    assert [plan for plan in found if plan.startswith("SCAN") and not plan.startswith(small)] == []


def test_to_forget_a_directory_reads_none_of_the_others(catalogue: SqliteCatalogue) -> None:
    said: list[str] = []
    with catalogue._database.reading() as connection:
        connection.set_trace_callback(said.append)
    catalogue.listings.put(HERE, "/a", "1", Listing("a", (Entry("x", is_directory=True),)))
    catalogue.listings.put(HERE, "/a", "2", Listing("a", ()))
    with catalogue._database.reading() as connection:
        connection.set_trace_callback(None)
    forgotten = [statement for statement in said if statement.startswith("DELETE FROM listings")]
    assert forgotten
    assert all("path" in plan for plan in plans(catalogue, forgotten))
