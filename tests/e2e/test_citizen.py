"""`recognize scan` beside others on one machine: what it takes, and in which order it tells."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest
from PIL import Image

from tests.media.films import film
from tests.support.photos import CAT, COFFEE, put

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Recognize

pytestmark = pytest.mark.model
MIB = 1 << 20
LIMIT = "520MiB"
"""About as little as photos and videos need; a decoder may hold some 64 MiB of it, or 160 without videos."""


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of 12 megapixels, two of 63 that must be decoded as a whole, and a film; not to be changed."""
    folder = tmp_path_factory.mktemp("heavy")
    with Image.open(CAT) as image:
        cat = image.convert("RGB")
    large = cat.resize((4000, 3000))
    for index in range(8):
        large.rotate(90 * (index % 2)).save(folder / f"{index}.jpg", quality=85)
    for name in ("huge-1.png", "huge-2.png"):
        Image.new("RGB", (9000, 7000), "green").save(folder / name, compress_level=1)
    film(folder / "film.mp4", 120, rate=2, width=1280, height=720, encoder={"preset": "ultrafast"})
    return folder


def members(process: subprocess.Popen[bytes]) -> Iterator[psutil.Process]:
    """A process and those that it started."""
    try:
        parent = psutil.Process(process.pid)
        yield from (parent, *parent.children(recursive=True))
    except psutil.Error:
        return


def peak(process: subprocess.Popen[bytes]) -> int:
    """Bytes that a process and those that it started held together at most, until it ended."""
    most = 0
    drain = threading.Thread(target=process.communicate)
    drain.start()
    while drain.is_alive():
        now = 0
        for each in members(process):
            try:
                now += each.memory_info().rss
            except psutil.Error:
                continue
        most = max(most, now)
        drain.join(0.01)
    return most


def test_a_limit_on_memory_is_kept_and_files_that_do_not_fit_say_so(
    recognize: Recognize, heavy: Path
) -> None:
    wanted = ("-r", "objects", "-r", "video_objects", "--jobs", "2", "--threads", "2")
    output = recognize.home / "out.jsonl"
    process = recognize.start("scan", heavy, *wanted, "--max-memory", LIMIT, "-o", output)
    assert peak(process) < 520 * MIB
    assert process.returncode == 3
    limited = recognize("scan", heavy, *wanted, "--max-memory", LIMIT)
    assert limited.errors == {"huge-1.png": "memory", "huge-2.png": "memory"}
    assert {record["unchanged"] for record in limited.of("error")} == {True}
    assert {record["recognizers"][0] for record in limited.of("file")} == {"objects", "video_objects"}
    free = recognize.start("scan", heavy, *wanted, "--full", "-o", output)
    assert peak(free) > 520 * MIB
    assert free.returncode == 0


def test_with_more_memory_what_did_not_fit_is_tried_again(recognize: Recognize, heavy: Path) -> None:
    first = recognize("scan", heavy, "-r", "objects", "--include", "*.png", "--max-memory", "450M")
    assert set(first.errors.values()) == {"memory"}
    second = recognize("scan", heavy, "-r", "objects", "--include", "*.png", "--max-memory", "2G")
    assert second.errors == {}


def test_a_limit_that_cannot_be_kept_is_refused(recognize: Recognize, tree: Path) -> None:
    ended = recognize("scan", tree, "--max-memory", "100M")
    assert ended.code == 2
    assert "--max-memory: 100 MiB may not do" in ended.stderr


def test_results_in_the_order_of_the_walk(recognize: Recognize, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    put(CAT, folder / "known.jpg")
    recognize("scan", folder)
    for index in range(12):
        put(CAT if index % 2 else COFFEE, folder / f"{index % 3}" / f"{index:02}.jpg")
    Image.new("RGB", (6000, 4000)).save(folder / "0" / "00-slow.png")
    (folder / "1" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    ended = recognize("scan", folder, "--ordered", "--jobs", "3", "--threads", "2")
    told = [record["path"] for record in ended.records if record["type"] in {"file", "error"}]
    assert len(told) == 15
    assert told == sorted(told, key=lambda path: ("/" in path, path))


def test_decoders_stand_back_as_the_program_does(recognize: Recognize, many: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has I/O priorities")
    process = recognize.start("scan", many, "--nice", "4", "--ionice", "idle", "--jobs", "2")
    assert process.stdout is not None
    process.stdout.readline()
    for member in (found := list(members(process))):
        tasks = [int(task) for task in os.listdir(f"/proc/{member.pid}/task")]
        assert {os.getpriority(os.PRIO_PROCESS, task) for task in tasks} == {min(os.nice(0) + 4, 19)}
        assert {psutil.Process(task).ionice().ioclass for task in tasks} == {psutil.IOPRIO_CLASS_IDLE}
    process.communicate()
    assert len(found) == 3
    assert process.returncode == 0


def test_a_scan_that_nobody_waits_for_is_nice(recognize: Recognize, many: Path) -> None:
    if os.nice(0):
        pytest.skip("the tests themselves stand back")
    process = recognize.start("scan", many)  # its streams are pipes
    assert process.stdout is not None
    process.stdout.readline()
    assert {member.nice() for member in members(process)} == {10}
    process.communicate()


def test_the_config_file_may_say_so(recognize: Recognize, tree: Path) -> None:
    config = recognize.home / "config.toml"
    config.write_text('[scan]\nionice = "best-effort:7"\nmax-memory = "2GiB"\nordered = true\nnice = 1\n')
    ended = recognize("--config", config, "config", "show")
    assert ended.code == 0, ended.stderr
    assert b"best-effort:7" in ended.stdout
    config.write_text('[scan]\nionice = "realtime"\n')
    assert recognize("--config", config, "scan", tree).code == 2
