"""What a server costs: scans over DAV against one of the same photos here, and walks that find no change.

The servers, WsgiDAV and the test suite's Nextcloud, run beside the scan on the same cores.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import photos
import watching

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.dav.servers import PASSWORD, USER, WsgiDav
from tests.support.nextcloud import Cloud, NextcloudServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS, _FILES = 500, 100


def measure(folder: Path, files: list[Path], runs: int) -> dict[str, object]:
    """All figures; the three kinds of scan take turns, so that each meets the same machine."""
    os.environ["RECOGNIZE_PASSWORD"] = PASSWORD
    with WsgiDav(folder) as dav, nextcloud(folder) as cloud:
        places = {
            "local": str(folder),
            "webdav": f"webdav://{USER}@{dav.host}/dav",
            "nextcloud": f"nextcloud://{USER}@{cloud.host}/Photos",
        }
        seconds: dict[str, list[float]] = {name: [] for name in places}
        cpu: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(runs):
            for name, place in places.items():
                before = cpu_of_children()
                seconds[name].append(scan(place))
                cpu[name].append((cpu_of_children() - before) / len(files) * 1e3)
    rates = {name: len(files) / float(np.median(each)) for name, each in seconds.items()}
    return {
        "photos": len(files),
        "megabytes_each": round(sum(file.stat().st_size for file in files) / len(files) / 1e6, 2),
        **{f"{name}_images_per_second": round(rate, 2) for name, rate in rates.items()},
        **{f"{name}_scan_cpu_ms": round(float(np.median(each)), 1) for name, each in cpu.items()},
        "webdav_to_local": round(rates["webdav"] / rates["local"], 3),
        "nextcloud_to_local": round(rates["nextcloud"] / rates["local"], 3),
        **walks(),
    }


def cpu_of_children() -> float:
    """CPU seconds of all commands so far; the servers run in this process and are not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scan(place: str) -> float:
    """Seconds of one whole scan of photos that the command does not know; originals, no previews."""
    with tempfile.TemporaryDirectory() as temporary:
        output = ("--format", "jsonl", "-o", f"{temporary}/out.jsonl", "--no-previews")
        catalogue = ("--catalogue", f"{temporary}/catalogue")
        return watching.recognize("scan", place, "-r", "objects", *output, *catalogue, memory=False).seconds


@contextmanager
def nextcloud(folder: Path) -> Iterator[NextcloudServer]:
    """A test Nextcloud with the files of a folder."""
    cloud = Cloud()
    cloud.add_user(USER, PASSWORD)
    for path in sorted(folder.rglob("*.jpg")):
        cloud.write(USER, f"Photos/{path.relative_to(folder)}", path.read_bytes())
    with NextcloudServer(cloud) as server:
        yield server


def walks() -> dict[str, object]:
    """Seconds and requests of scans that find nothing to look at: of 50 000 files, first and again."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "tree"
        for number in range(_FOLDERS):
            (root / f"{number:03}").mkdir(parents=True)
            for file in range(_FILES):
                (root / f"{number:03}" / f"{file}.mp3").touch()
        cloud = Cloud()
        cloud.add_user(USER, PASSWORD)
        for number in range(_FOLDERS):
            cloud.tree.make_folder(USER, f"{number}")
            for file in range(_FILES):
                cloud.tree.write(USER, f"{number}/{file}.mp3", b"")
        cloud.pass_time(60)
        with WsgiDav(root) as dav, NextcloudServer(cloud) as server:
            return {
                **walk("webdav", f"webdav://{USER}@{dav.host}/dav", dav.seen, Path(temporary)),
                **walk("nextcloud", f"nextcloud://{USER}@{server.host}/", cloud.seen, Path(temporary)),
            }


def walk(name: str, place: str, seen: list[object], temporary: Path) -> dict[str, object]:
    """Nobody looks at music here, so that what is measured is the walk alone.

    The CPU seconds are those of the command; the server's run in this process and are not in it.
    """
    figures: dict[str, object] = {}
    for which in ("first", "again"):
        seen.clear()
        started, used = time.perf_counter(), cpu_of_children()
        output = ("--format", "jsonl", "-o", str(temporary / "out.jsonl"), "--changed-only")
        watching.recognize(
            "scan", place, "-r", "objects", *output, "--catalogue", str(temporary / name), memory=False
        )
        figures[f"{name}_walk_{which}_seconds"] = round(time.perf_counter() - started, 2)
        figures[f"{name}_walk_{which}_cpu_seconds"] = round(cpu_of_children() - used, 2)
        figures[f"{name}_walk_{which}_requests"] = len(seen)
    return figures


if __name__ == "__main__":
    photos.run(measure, __doc__, 300)
