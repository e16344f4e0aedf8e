from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import CatalogueUnusable, ExitCode, Locked
from recognize_cli.locking import acquire, lock_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import os, sys
from pathlib import Path
from recognize_cli.locking import acquire
with acquire(Path(sys.argv[1]), wait=False):
    if sys.argv[2] == "fork" and os.fork():
        os.wait()
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path, fork: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock, until its stdin is closed."""
    command = [sys.executable, "-c", HOLDER, str(path), fork]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


def assert_free(path: Path) -> None:
    with acquire(path, wait=False):
        pass


def test_a_busy_lock_names_its_holder(path: Path) -> None:
    with held_elsewhere(path) as holder:
        with pytest.raises(Locked) as caught, acquire(path, wait=False):
            pytest.fail("two holders")
        assert str(caught.value) == (
            f"{path} is in use by another run (process {holder.pid}); wait for it with --wait"
        )
        assert caught.value.exit_code == ExitCode.LOCKED


def test_it_is_free_after_its_block(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), acquire(path, wait=False):
        raise ZeroDivisionError
    with held_elsewhere(path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait()
        assert_free(path)


def test_a_killed_holder_leaves_it_free(path: Path) -> None:
    with held_elsewhere(path) as holder:
        holder.kill()
        holder.wait()
        assert_free(path)


def test_what_a_killed_holder_forked_does_not_keep_it(path: Path) -> None:
    with held_elsewhere(path, "fork") as holder:
        holder.kill()
        holder.wait()
        assert_free(path)


def test_waiting_ends_when_the_holder_does(path: Path) -> None:
    with held_elsewhere(path) as holder:
        polls = 0

        def stop() -> bool:
            nonlocal polls
            polls += 1
            if polls == 3:
                holder.kill()
            return False

        with acquire(path, wait=True, stop=stop):
            assert polls >= 3


def test_waiting_can_be_stopped(path: Path) -> None:
    answers = iter([False, False, True])
    with held_elsewhere(path), pytest.raises(Locked), acquire(path, wait=True, stop=lambda: next(answers)):
        pytest.fail("two holders")
    assert next(answers, None) is None


def test_a_free_lock_is_taken_also_when_told_to_stop(path: Path) -> None:
    with acquire(path, wait=True, stop=lambda: True):
        pass


def test_a_link_to_a_catalogue_shares_its_lock(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with held_elsewhere(path), pytest.raises(Locked), acquire(link, wait=False):
        pytest.fail("two holders")


def test_two_catalogues_have_two_locks(path: Path, tmp_path: Path) -> None:
    with held_elsewhere(path):
        assert_free(tmp_path / "other")


def test_directories_and_lock_file_are_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "catalogue"
    mask = os.umask(0)
    try:
        with acquire(path, wait=False):
            modes = [
                file.stat().st_mode & 0o777 for file in (path.parent.parent, path.parent, lock_path(path))
            ]
    finally:
        os.umask(mask)
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("content", [b"precious", b"1\n2\n", b"\xff" * 1000])
def test_a_file_that_is_not_ours_is_not_written_to(path: Path, content: bytes) -> None:
    """``--catalogue models`` in a checkout makes models.lock the lock file."""
    lock_path(path).write_bytes(content)
    with held_elsewhere(path):
        with pytest.raises(Locked, match="by another run;"), acquire(path, wait=False):
            pytest.fail("two holders")
        assert lock_path(path).read_bytes() == content


def test_a_shorter_number_replaces_a_longer_one(path: Path) -> None:
    lock_path(path).write_text("99999999999999999999\n")
    with acquire(path, wait=False):
        assert lock_path(path).read_text() == f"{os.getpid()}\n"


def test_a_place_without_room_for_a_lock_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop.lock").symlink_to(tmp_path / "loop.lock")
    for path in (tmp_path / "file" / "catalogue", tmp_path / ("x" * 255), tmp_path / "loop"):
        with pytest.raises(CatalogueUnusable) as caught, acquire(path, wait=False):
            pytest.fail("locked")
        assert f"its lock {path}.lock cannot be taken" in str(caught.value)
