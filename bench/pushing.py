"""A push of 10 000 tags to a server that fails now and then, killed in the middle: what is there then.

5 % of the requests are answered by 500, before or after they had their effect, and the line of 1 % is cut.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.nextcloud import Cloud, Fault, Faults, NextcloudServer

from recognize_cli.catalogue import Outcome, SqliteCatalogue
from recognize_cli.catalogue.outbox_api import Remote
from recognize_cli.records import ClassScore, FileResult, Kind, MediaFile, Scores, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDERS, _FILES, _TAGS_EACH = 20, 100, 5
_NAMES = [f"Tag {number}" for number in range(40)]
_PASSWORD = "correct horse"
_TROUBLE = {Fault.ERROR: 0.04, Fault.ERROR_AFTER: 0.01, Fault.CUT_BEFORE: 0.005, Fault.CUT_AFTER: 0.005}


def main() -> None:
    """Makes a server with foreign tags and a catalogue, pushes twice, compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kill-after", type=float, default=5.0, metavar="SECONDS")
    options = parser.parse_args()
    chance = random.Random(1)
    cloud = Cloud()
    cloud.add_user("alice", _PASSWORD)
    files = {
        cloud.tree.write("alice", f"{folder}/{file}.jpg", b"x").id: f"{folder}/{file}.jpg"
        for folder in map(str, range(_FOLDERS))
        if cloud.tree.make_folder("alice", folder)
        for file in range(_FILES)
    }
    for name in (*_NAMES[:10], "mine"):
        cloud.tags.create(name).files |= set(chance.sample(sorted(files), 300))
    theirs = {file: cloud.tags.names_of(file) for file in files}
    ours = {file: set(chance.sample(_NAMES, _TAGS_EACH)) for file in files}
    cloud.faults = Faults(_TROUBLE, only=lambda request: "/remote.php/" in request.path)
    with tempfile.TemporaryDirectory() as temporary, NextcloudServer(cloud) as server:
        catalogue, target = Path(temporary) / "catalogue", f"nextcloud://alice@{server.host}"
        learn(catalogue, target, files, ours)
        started = time.perf_counter()
        killed_at = push(catalogue, target, cloud, options.kill_after)
        push(catalogue, target, cloud, None)
        seconds = time.perf_counter() - started
        with SqliteCatalogue.open(catalogue) as opened:
            counts = opened.outbox.counts(target)
    shared = sum(len(theirs[file] & ours[file]) for file in files)
    figures = {
        "assignments": sum(map(len, ours.values())),
        "of_which_there_before": shared,
        "seconds": round(seconds, 1),
        "requests": len(cloud.seen),
        "put_when_killed": killed_at - sum(map(len, theirs.values())),
        "server_is_as_it_should_be": {file: cloud.tags.names_of(file) for file in files}
        == {file: theirs[file] | ours[file] for file in files},
        "tags_on_server": len(cloud.tags.by_id),
        "ours_in_catalogue": sum(each.ours for each in counts),
        "foreign_in_catalogue": sum(each.foreign for each in counts),
        "waiting": sum(each.waiting for each in counts),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def learn(path: Path, target: str, files: Mapping[int, str], tags: Mapping[int, set[str]]) -> None:
    """Fills a catalogue as a scan would."""
    outcomes = []
    for number, place in files.items():
        folder, name = place.split("/")
        file = MediaFile(target, name, Kind.IMAGE, 1, "1", 1.0, str(number))
        found = tuple(Tag(tag, 0.9, "objects", tag) for tag in sorted(tags[number]))
        scores = Scores(file, "objects", "model", (ClassScore("class", 0.9),))
        result = FileResult(file, ("objects",), found, (scores,))
        remote = Remote(target, str(number), place)
        outcomes.append(Outcome(result, target, f"/{folder}", {"objects": "1"}, "1", remotes=(remote,)))
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.outbox.add_target(target)
        catalogue.commit(outcomes)


def push(catalogue: Path, target: str, cloud: Cloud, kill_after: float | None) -> int:
    """Runs `recognize tags push`, maybe for a while only; returns how many assignments there are then."""
    command = [sys.executable, "-m", "recognize_cli", "-q", "tags", "push", "--catalogue", str(catalogue)]
    environment = {"RECOGNIZE_PASSWORD": _PASSWORD, "HOME": str(catalogue.parent)}
    with subprocess.Popen([*command, target], env=environment) as process:
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
    return sum(len(tag.files) for tag in cloud.tags.by_id.values())


if __name__ == "__main__":
    main()
