"""What can be wrong with the file, and what the user is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import NullCatalogue, SqliteCatalogue
from recognize_cli.catalogue.database import open_database
from recognize_cli.catalogue.schema import migrate
from recognize_cli.errors import CatalogueUnusable, ExitCode, Locked
from tests.catalogue.making import HERE, assert_sound, outcome, query
from tests.catalogue.victim import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions count, also where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that any user can reach."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    yield directory
    directory.chmod(0o777)
    shutil.rmtree(directory)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def problem(path: Path) -> str:
    with pytest.raises(CatalogueUnusable) as caught:
        SqliteCatalogue.open(path)
    assert caught.value.exit_code == ExitCode.CATALOGUE
    assert str(path) in str(caught.value)
    assert "--no-catalogue" in str(caught.value)
    return str(caught.value.details["problem"])


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "catalogue.sqlite3"
    mask = os.umask(0)
    try:
        with SqliteCatalogue.open(path) as catalogue:
            catalogue.commit([outcome()])
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == [
                f"catalogue.sqlite3{end}" for end in ("", "-shm", "-wal")
            ]
            assert [mode(file) for file in files] == [0o600] * 3
    finally:
        os.umask(mask)
    assert [mode(directory) for directory in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert [file.name for file in path.parent.iterdir()] == ["catalogue.sqlite3"]


def test_a_link_leads_to_the_catalogue(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    seed(link)
    with SqliteCatalogue.open(path) as catalogue:
        assert len(catalogue.known(HERE, "/data")) == 3
    assert link.is_symlink()


def test_its_own_name_may_be_odd(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"50%41 ?mode=ro#\xff")
    seed(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert_sound(path)


def test_an_empty_file_becomes_a_catalogue(path: Path) -> None:
    path.touch()
    seed(path)
    assert_sound(path)


def foreign_database(path: Path) -> None:
    query(path, "CREATE TABLE precious (id INTEGER)")


def empty_foreign_database(path: Path) -> None:
    query(path, "PRAGMA user_version = 1")


def database_of_an_application(path: Path) -> None:
    query(path, "PRAGMA application_id = 252006673")


def text(path: Path) -> None:
    path.write_text("precious\n" * 1000)


def short_text(path: Path) -> None:
    path.write_text("p")


@pytest.mark.parametrize(
    "make", [foreign_database, empty_foreign_database, database_of_an_application, text, short_text]
)
def test_the_file_of_another_program_is_left_alone(tmp_path: Path, path: Path, make: object) -> None:
    make(path)  # type: ignore[operator]
    content = path.read_bytes()
    assert "it is not a catalogue" in problem(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_that_its_program_did_not_finish_is_left_alone(tmp_path: Path, path: Path) -> None:
    """Its journal would be rolled back if it were opened for writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE precious (id INTEGER)")
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert len(before) == 3
        problem(path)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/null")):
        assert problem(path) == "it is not a regular file"


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert problem(tmp_path / "file" / "catalogue") == f"{tmp_path}/file/catalogue: Not a directory"
    assert "File name too long" in problem(tmp_path / ("x" * 300))


def test_read_only_file(public: Path) -> None:
    path = public / "catalogue"
    seed(path)
    path.chmod(0o444)
    with without_privileges():
        assert "it is read-only" in problem(path)
    path.chmod(0o000)
    with without_privileges():
        assert "make it and its directory writable" in problem(path)


def test_read_only_directory(public: Path) -> None:
    path = public / "catalogue"
    public.chmod(0o555)
    with without_privileges():
        assert problem(path) == f"{path}: Permission denied"
    public.chmod(0o755)
    seed(path)
    path.chmod(0o666)
    public.chmod(0o555)
    with without_privileges():
        assert "make it and its directory writable" in problem(path)
    assert_sound(path)


def use(path: Path) -> None:
    """Reads every table and index, and writes."""
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.known(HERE, "/data")
        catalogue.find_moved(HERE, "1:2", "1-10", 10)
        catalogue.commit([outcome()])
        list(catalogue.iter_scores("objects"))
        catalogue.tags()


def damage(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(start)
        stream.write(b"\xa5" * length)


@pytest.mark.parametrize(
    ("start", "length"), [(0, 100), (16, 84), (100, 3996), (8192, 4096), (12_288, 100_000)]
)
def test_a_damaged_file_is_never_taken_for_a_sound_one(path: Path, start: int, length: int) -> None:
    seed(path)
    size = path.stat().st_size
    damage(path, start, min(length, size - start))
    with pytest.raises(CatalogueUnusable) as caught:
        use(path)
    assert caught.value.exit_code == ExitCode.CATALOGUE


@pytest.mark.parametrize("size", [1, 99, 100, 4095, 4096, 10_000])
def test_a_file_that_was_cut_off_is_unusable(path: Path, size: int) -> None:
    seed(path)
    os.truncate(path, size)
    with pytest.raises(CatalogueUnusable):
        use(path)


def test_a_checkpoint_that_was_cut_short_is_made_good(tmp_path: Path, path: Path) -> None:
    """The file says how long it will be, the pages themselves are still in the log."""
    copy = tmp_path / "copy"
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([outcome(f"{n}.jpg") for n in range(100)])
        shutil.copy(f"{path}-wal", f"{copy}-wal")
        query(path, "PRAGMA wal_checkpoint(PASSIVE)")
        shutil.copy(path, copy)
    os.truncate(copy, 8192)
    with SqliteCatalogue.open(copy) as catalogue:
        assert len(catalogue.known(HERE, "/data")) == 100
    assert_sound(copy)


def commit_until_full(catalogue: SqliteCatalogue) -> int:
    """Commits one file at a time; returns how many went in before there was an error."""
    committed = 0
    message = ""
    while not message:
        try:
            catalogue.commit([outcome(f"{committed}.jpg")])
            committed += 1
        except CatalogueUnusable as error:
            message = str(error)
    assert "the disk is full" in message or "check the disk and its free space" in message
    return committed


def test_a_full_database_keeps_what_was_committed(path: Path) -> None:
    database = open_database(path)
    migrate(database)
    with SqliteCatalogue(database, lambda: 0.0) as catalogue:
        with database.reading() as connection:
            connection.execute("PRAGMA max_page_count = 40")
        committed = commit_until_full(catalogue)
        assert len(catalogue.known(HERE, "/data")) == committed > 0
        with database.reading() as connection:
            connection.execute("PRAGMA max_page_count = 4000")
        catalogue.commit([outcome(f"{committed}.jpg")])
        assert len(catalogue.known(HERE, "/data")) == committed + 1
    assert_sound(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(file: Path) -> None:
    with file.open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def test_a_full_disk(small_disk: Path) -> None:
    path, filler = small_disk / "catalogue", small_disk / "filler"
    filler.write_bytes(bytes(1 << 16))  # what is freed later; the catalogue needs some to be opened again
    with SqliteCatalogue.open(path) as catalogue:
        committed = commit_until_full(catalogue)
        assert len(catalogue.known(HERE, "/data")) == committed > 0
    with pytest.raises(OSError, match="No space left"):
        fill(filler)
    assert "the disk is full" in problem(small_disk / "another")
    filler.unlink()
    assert_sound(path)
    with SqliteCatalogue.open(path) as catalogue:
        assert len(catalogue.known(HERE, "/data")) == committed


def test_a_database_kept_busy_by_another_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recognize_cli.catalogue.database._BUSY_SECONDS", 0)
    seed(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Locked) as caught:
            SqliteCatalogue.open(path)
        assert caught.value.exit_code == ExitCode.LOCKED
        other.execute("ROLLBACK")
    assert_sound(path)


def test_a_reader_does_not_wait_for_a_writer(path: Path) -> None:
    seed(path)
    with SqliteCatalogue.open(path) as reader, SqliteCatalogue.open(path) as writer:
        names = reader.iter_scores("objects")
        next(names)
        writer.commit([outcome("new.jpg")])
        assert len(list(names)) == 2
        assert len(reader.known(HERE, "/data")) == 4


def test_use_after_close_is_an_error_of_the_catalogue(path: Path) -> None:
    catalogue = SqliteCatalogue.open(path)
    catalogue.close()
    with pytest.raises(CatalogueUnusable, match="closed database"):
        catalogue.known(HERE, "/data")


def test_the_null_catalogue_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with NullCatalogue() as catalogue:
        catalogue.commit([outcome()])
    assert list(tmp_path.iterdir()) == []
