from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.dav import spool as module
from recognize_cli.dav.spool import MIB, PREFIX, Spool, SpoolClosed, default_limit, is_in_memory
from recognize_cli.errors import ConfigError, FileFailure
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path, limit=100, keep_free=0) as opened:
        yield opened


def test_a_file_is_there_as_long_as_its_context(spool: Spool, tmp_path: Path) -> None:
    with spool.file(10, ".jpg") as file:
        file.write(b"content")
        file.flush()
        assert Path(file.name).read_bytes() == b"content"
        assert Path(file.name).suffix == ".jpg"
        assert spool.held == 10
        folder = Path(file.name).parent
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
    assert spool.held == 0
    assert [each.name for each in folder.iterdir()] == ["lock"]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_goes_whatever_happens(spool: Spool) -> None:
    paths: list[Path] = []

    def fail() -> None:
        with spool.file(10) as file:
            paths.append(Path(file.name))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not paths[0].exists()
    assert spool.held == 0


@pytest.mark.parametrize("suffix", ["/../x", ".jpg/x", "." + "x" * 300, ".\n", "jpg", ".j\0"])
def test_names_of_servers_do_not_come_into_paths(spool: Spool, suffix: str) -> None:
    with spool.file(1, suffix) as file:
        assert Path(file.name).suffix == ""


def test_no_more_bytes_are_in_flight_than_allowed_and_large_files_get_their_turn(spool: Spool) -> None:
    most = 0
    order: list[int] = []
    lock = threading.Lock()

    def work(size: int) -> None:
        nonlocal most
        with spool.file(size):
            with lock:
                order.append(size)
                most = max(most, spool.held)
            threading.Event().wait(0.001)

    threads = [threading.Thread(target=work, args=(size,)) for size in [40, 40, 100, 30, 70] * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 100
    assert sorted(order) == sorted([40, 40, 100, 30, 70] * 8)


def test_who_waits_first_is_served_first(spool: Spool) -> None:
    order: list[int] = []

    def work(size: int) -> None:
        with spool.file(size):
            order.append(size)

    threads = [threading.Thread(target=work, args=(size,)) for size in (90, 20, 10)]
    with spool.file(60):
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(spool._waiting) < number:
                threading.Event().wait(0.001)
        assert order == []
    for thread in threads:
        thread.join(20)
    assert order[0] == 90


def test_a_file_that_never_has_room_is_refused_with_the_reason(spool: Spool) -> None:
    with (
        pytest.raises(FileFailure, match="more than the 1 MiB that temporary files may take") as caught,
        spool.file(101),
    ):
        pass
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_full_disk_is_waited_for_while_others_will_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 50
    monkeypatch.setattr(module, "_free", lambda _: free)
    with Spool(tmp_path, limit=1000, keep_free=10) as spool:
        with pytest.raises(FileFailure, match="shall stay free") as caught, spool.file(41):
            pass
        assert caught.value.reason is Reason.IO
        done = threading.Event()

        def second() -> None:
            with spool.file(30):
                done.set()

        thread = threading.Thread(target=second)
        with spool.file(30) as first:
            thread.start()
            assert not done.wait(0.1), "the first file's bytes are still to come"
            first.write(b"x" * 30)
            first.flush()
            assert not done.is_set()
        thread.join(20)
        assert done.is_set()


def test_closing_wakes_who_waits(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=10, keep_free=0)
    ended: list[str] = []

    def wait() -> None:
        try:
            with spool.file(10):
                ended.append("got it")
        except SpoolClosed:
            ended.append("closed")

    with spool.file(10):
        thread = threading.Thread(target=wait)
        thread.start()
        while not spool._waiting:
            threading.Event().wait(0.001)
        spool.close()
        thread.join(20)
    assert ended == ["closed"]
    assert list(tmp_path.iterdir()) == []


_VICTIM = """
import sys, time
from pathlib import Path
from recognize_cli.dav.spool import Spool
spool = Spool(Path(sys.argv[1]), limit=100, keep_free=0)
with spool.file(10) as file:
    file.write(b"left"); file.flush()
    print(Path(file.name).parent.name, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        folder = tmp_path / victim.stdout.readline().strip()
        Spool(tmp_path, limit=1).close()
        assert (folder / "1").read_bytes() == b"left", "its process is alive"
        victim.send_signal(signal.SIGKILL)
    other = tmp_path / "precious"
    other.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    (tmp_path / f"{PREFIX}file").touch()
    young, old = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    (other / "lock").touch()
    Spool(tmp_path, limit=1).close()
    assert {each.name for each in tmp_path.iterdir()} == {
        "precious",
        f"{PREFIX}link",
        f"{PREFIX}file",
        young.name,
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_others_left_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}other"
    folder.mkdir()
    (folder / "lock").touch()
    os.chown(folder, 65534, 65534)
    Spool(tmp_path, limit=1).close()
    assert folder.exists()


def test_a_folder_that_cannot_be_made_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TMPDIR"):
        Spool(tmp_path / "missing")


def test_less_is_taken_where_files_lie_in_memory(tmp_path: Path) -> None:
    assert default_limit(tmp_path, in_memory=True) <= 512 * MIB
    assert 64 * MIB <= default_limit(tmp_path, in_memory=False) <= 4096 * MIB
    assert is_in_memory(tmp_path / "x") == is_in_memory(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no tmpfs there")
def test_a_tmpfs_is_known_as_memory(tmp_path: Path) -> None:
    assert is_in_memory(Path("/dev/shm"))
    assert not is_in_memory(Path("/proc"))
