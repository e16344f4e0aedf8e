from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.catalogue.database import open_database
from recognize_cli.catalogue.schema import MIGRATIONS, migrate
from recognize_cli.errors import CatalogueTooNew, CatalogueUnusable, ExitCode
from tests.catalogue.making import query
from tests.catalogue.victim import add_people, seed

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def broken(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE half (id INTEGER)")
    connection.execute("INSERT INTO nowhere VALUES (1)")


def upgrade(path: Path, *migrations: object) -> None:
    database = open_database(path)
    try:
        migrate(database, [*MIGRATIONS, *migrations])  # type: ignore[list-item]
    finally:
        database.close()


def names(path: Path) -> list[object]:
    return [name for (name,) in query(path, "SELECT name FROM migrations ORDER BY rowid")]


def test_each_migration_is_recorded_once(path: Path) -> None:
    seed(path)
    assert names(path) == ["files_and_results"]
    upgrade(path, add_people)
    upgrade(path, add_people)
    assert names(path) == ["files_and_results", "add_people"]
    assert query(path, "SELECT file FROM people ORDER BY file") == [(1,), (2,), (3,)]
    ((applied_at,),) = query(path, "SELECT applied_at FROM migrations WHERE name = 'add_people'")
    assert str(applied_at).endswith("+00:00")


def test_a_migration_that_fails_leaves_nothing_behind(path: Path) -> None:
    seed(path)
    with pytest.raises(CatalogueUnusable, match="no such table: nowhere"):
        upgrade(path, add_people, broken)
    assert names(path) == ["files_and_results", "add_people"]
    assert query(path, "SELECT name FROM sqlite_master WHERE name = 'half'") == []


def test_a_newer_catalogue_is_refused_and_left_alone(path: Path) -> None:
    seed(path)
    upgrade(path, add_people)
    with pytest.raises(CatalogueTooNew, match="add_people") as caught:
        SqliteCatalogue.open(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == ExitCode.CATALOGUE
    assert names(path) == ["files_and_results", "add_people"]


def test_the_names_of_released_migrations_stay() -> None:
    assert [migration.__name__ for migration in MIGRATIONS][:1] == ["files_and_results"]
