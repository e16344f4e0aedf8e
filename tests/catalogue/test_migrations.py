from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.catalogue.database import open_database
from recognize_cli.catalogue.schema import MIGRATIONS, migrate
from recognize_cli.errors import CatalogueTooNew, CatalogueUnusable, ExitCode
from tests.catalogue.making import HERE, assert_sound, detection, known, query, searched, tag_names
from tests.catalogue.victim import add_albums, seed

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

NAMES = [migration.__name__ for migration in MIGRATIONS]


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
    assert names(path) == NAMES
    upgrade(path, add_albums)
    upgrade(path, add_albums)
    assert names(path) == [*NAMES, "add_albums"]
    assert query(path, "SELECT file FROM albums ORDER BY file") == [(1,), (2,), (3,)]
    ((applied_at,),) = query(path, "SELECT applied_at FROM migrations WHERE name = 'add_albums'")
    assert str(applied_at).endswith("+00:00")


def test_a_migration_that_fails_leaves_nothing_behind(path: Path) -> None:
    seed(path)
    with pytest.raises(CatalogueUnusable, match="no such table: nowhere"):
        upgrade(path, add_albums, broken)
    assert names(path) == [*NAMES, "add_albums"]
    assert query(path, "SELECT name FROM sqlite_master WHERE name = 'half'") == []


def test_a_newer_catalogue_is_refused_and_left_alone(path: Path) -> None:
    seed(path)
    upgrade(path, add_albums)
    with pytest.raises(CatalogueTooNew, match="add_albums") as caught:
        SqliteCatalogue.open(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == ExitCode.CATALOGUE
    assert names(path) == [*NAMES, "add_albums"]


def test_a_catalogue_from_before_there_were_faces_is_upgraded(path: Path) -> None:
    database = open_database(path)
    migrate(database, MIGRATIONS[:1])
    database.close()
    for sql in (
        f"INSERT INTO directories (id, storage, path) VALUES (1, '{HERE}', CAST('/data' AS BLOB))",
        """INSERT INTO files (directory, name, kind, size, version, modified)
           VALUES (1, CAST('a.jpg' AS BLOB), 'image', 10, '1-10', 1.5)""",
        """INSERT INTO results (file, recognizer, version, model, rules, tags, scores)
           VALUES (1, 'objects', '1-10', 'model-1', 'rules-1', '[["Cat",0.5,"cat"]]', '[]')""",
    ):
        query(path, sql)
    with SqliteCatalogue.open(path) as catalogue:
        assert (tag_names(known(catalogue)), known(catalogue).faces) == (["Cat"], ())
        catalogue.commit([searched("a.jpg", detection())])
        assert [face.id for face in known(catalogue).faces] == [1]
        assert tag_names(known(catalogue)) == ["Cat"]
    assert names(path) == NAMES
    assert_sound(path)


def test_the_names_of_released_migrations_stay() -> None:
    assert NAMES[:2] == ["files_and_results", "faces_and_people"]
