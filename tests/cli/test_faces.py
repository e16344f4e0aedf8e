"""`recognize faces`, from arguments to stdout, stderr and exit code."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import pty
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.cli.app import root
from recognize_cli.cli.faces import cluster
from recognize_cli.faces.quality import Gates
from recognize_cli.locking import acquire
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from tests.support.faces import MODEL, THRESHOLD, album, fill, groups, partition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Called

LOCKED_MODEL = f"{next(fingerprint(entry) for entry in load_lock().models if entry.recognizer == 'faces')}.1"


class Faces:
    """``recognize faces`` on one catalogue, at first of three people with four photos each."""

    def __init__(self, call: Callable[..., Called], path: Path) -> None:
        self._call = call
        self.path = path
        self.ids = fill(path, album(3, 4))

    def __call__(self, *arguments: object) -> Called:
        words = map(str, arguments)
        return self._call(root, "faces", *words, "--catalogue", str(self.path))

    def ok(self, *arguments: object) -> str:
        """The stdout of a command that does what it should without a word on stderr."""
        done = self(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.ok(*arguments, "--format", "json"))

    def lines(self, *arguments: object) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok(*arguments).splitlines()]

    def cluster(self, *arguments: object) -> Any:
        return self.json("cluster", "--threshold", THRESHOLD, *arguments)

    def person(self, number: int) -> int:
        """The id of the person whom a made person became."""
        return groups(self.path)[self.ids[number][0]]


@pytest.fixture
def faces(call: Callable[..., Called], tmp_path: Path) -> Faces:
    return Faces(call, tmp_path / "catalogue.sqlite3")


@pytest.fixture
def people(faces: Faces) -> Faces:
    """The same, grouped."""
    faces.cluster()
    return faces


# -- cluster


def test_cluster_tells_what_it_did(faces: Faces) -> None:
    done = faces.cluster()
    assert done.pop("seconds") >= 0
    assert done == {
        "type": "faces-cluster",
        "schema": 1,
        "faces": 12,
        "people": 3,
        "new_people": 3,
        "assigned": 12,
        "moved": 0,
        "released": 0,
        "unassigned": 0,
    }
    assert partition(faces.path) == set(map(frozenset, faces.ids.values()))


def test_cluster_in_words(faces: Faces) -> None:
    assert faces.ok("cluster", "--threshold", THRESHOLD) == (
        "12 faces, 3 people (3 new)\n12 joined a person, 0 moved, 0 left one, 0 belong to nobody\n"
    )


def test_the_lock_file_says_what_is_near(faces: Faces) -> None:
    fill(faces.path, album(2, 3), directory="/more", model=LOCKED_MODEL)
    done = faces("cluster", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["faces"] == 6
    assert "models.lock does not know the model made.1" in done.stderr
    assert "--threshold X; they are left as they are" in done.stderr


def test_a_model_that_nobody_knows_needs_a_threshold(faces: Faces) -> None:
    done = faces("cluster")
    assert (done.returncode, done.stdout) == (2, "")
    assert "say what is near with --threshold X" in done.stderr


def test_cluster_without_faces(faces: Faces, tmp_path: Path) -> None:
    empty = Faces.__new__(Faces)
    empty._call, empty.path = faces._call, tmp_path / "empty.sqlite3"
    fill(empty.path, {"nobody.jpg": []})
    done = empty("cluster", "--format", "json")
    assert done.returncode == 0
    assert "recognize scan -r faces" in done.stderr
    assert {value for key, value in json.loads(done.stdout).items() if key not in ("type", "seconds")} == {
        0,
        1,
    }


def test_fewest_faces_and_gates_are_options(faces: Faces) -> None:
    assert faces.cluster("--min-size", 5)["people"] == 0
    assert faces.cluster("--min-sharpness", 0.6)["people"] == 0
    assert faces.cluster("--min-size", 4)["people"] == 3


def test_the_gates_are_those_of_the_faces_room() -> None:
    """They are written down twice, for help to be told without NumPy."""
    defaults = {param.name: param.default for param in cluster.command.params}
    assert {name: defaults[name] for name in asdict(Gates())} == asdict(Gates())


def test_settings_may_stand_in_the_config_file(faces: Faces, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[faces.cluster]\nthreshold = {THRESHOLD}\nmin-size = 5\n")
    done = faces._call(
        root, "--config", str(config), "faces", "cluster", "--format", "json", "--catalogue", str(faces.path)
    )
    assert json.loads(done.stdout)["people"] == 0


def test_an_interrupt_before_the_end_changes_nothing(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it went on")

    monkeypatch.setattr("recognize_cli.people.grouping.group", interrupted)
    done = faces("cluster", "--threshold", THRESHOLD)
    assert (done.returncode, done.stdout) == (130, "")
    assert set(groups(faces.path).values()) == {0}
    with acquire(faces.path, wait=False):
        pass


# -- list and show


def test_list(people: Faces) -> None:
    first, second, third = (people.person(number) for number in (1, 2, 3))
    people.ok("merge", second, third)
    people.ok("name", first, "\x20Ada ")
    assert people.ok("list", "--format", "text").splitlines() == [
        "ID  FACES  FILES  NAME",
        f"{second:2}      8      8  -",
        f"{first:2}      4      4  Ada",
    ]
    records = [
        {"type": "person", "schema": 1, "id": second, "name": None, "faces": 8, "files": 8},
        {"type": "person", "schema": 1, "id": first, "name": "Ada", "faces": 4, "files": 4},
    ]
    assert people.lines("list") == records
    assert people.json("list") == {"type": "people", "schema": 1, "people": records}
    assert people.lines("list", "--unnamed") == records[:1]


def test_list_of_nobody_says_what_to_do(faces: Faces) -> None:
    done = faces("list", "--format", "text")
    assert (done.returncode, done.stdout) == (0, "ID  FACES  FILES  NAME\n")
    assert "recognize faces cluster" in done.stderr


def test_show(people: Faces) -> None:
    person = people.person(1)
    shown = people.json("show", person)
    assert {key: shown[key] for key in ("type", "id", "name", "faces")} == {
        "type": "person",
        "id": person,
        "name": None,
        "faces": 4,
    }
    assert shown["members"] == people.lines("show", person) == people.lines("export", person)
    assert [face["face"] for face in shown["members"]] == people.ids[1]
    assert all(0 <= face["distance"] < THRESHOLD for face in shown["members"])
    head, *rows = people.ok("show", person, "--format", "text").splitlines()
    assert head.split() == ["FACE", "SCORE", "DISTANCE", "FLAGS", "FILE"]
    assert [row.split()[-1] for row in rows] == [f"/data/1-{n}.jpg" for n in range(4)]


def test_show_tells_what_is_doubtful_and_what_was_decided(people: Faces, tmp_path: Path) -> None:
    from recognize_cli.catalogue import SqliteCatalogue
    from tests.support.faces import detection, outcome, vector

    with SqliteCatalogue.open(people.path) as catalogue:
        catalogue.commit([outcome("b.jpg", [detection(vector(1, 77), score=0.5, sharpness=0.1)])])
    people.cluster()
    *_, doubtful = people.lines("show", people.person(1))
    assert (doubtful["flags"], doubtful["by_hand"]) == (["unsure", "blurred"], False)
    person = int(people.ok("split", doubtful["face"]))
    text = people.ok("show", person, "--format", "text")
    assert "unsure,blurred" in text
    assert "by hand" in text


@pytest.mark.parametrize("command", [("show",), ("name", "--clear"), ("merge", "1"), ("export",)])
def test_who_is_unknown_is_a_usage_error(people: Faces, command: tuple[str, ...]) -> None:
    people.ok("name", people.person(1), "Ada Lovelace")
    done = people(*command, "Ada Lovelac")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nobody has the name or id 'Ada Lovelac'; did you mean 'Ada Lovelace'?" in done.stderr


# -- corrections


def test_name_and_clear(people: Faces) -> None:
    person = people.person(1)
    assert people.ok("name", person, "Zoe\u0301") == f"person {person} is Zo\xe9 now\n"
    assert people.ok("name", "ZO\xc9", "Zoe") == f"person {person} (Zo\xe9) is Zoe now\n"
    assert people.ok("name", "zoe", "--clear") == f"person {person} (Zoe) has no name now\n"
    assert people.lines("list", "--unnamed") == people.lines("list")


@pytest.mark.parametrize("name", ["", " ", "17", "a\nb", "\x1b[2J", "x" * 201, "caf\udce9"])
def test_a_bad_name_is_refused(people: Faces, name: str) -> None:
    done = people("name", people.person(1), "--", name)
    assert done.returncode == 2
    assert "a name" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_name_or_clear(people: Faces) -> None:
    assert people("name", people.person(1)).returncode == 2
    assert people("name", people.person(1), "Ada", "--clear").returncode == 2
    assert people.lines("list", "--unnamed") == people.lines("list")


def test_a_name_that_is_taken(people: Faces) -> None:
    ada, other = people.person(1), people.person(2)
    people.ok("name", ada, "Ada")
    done = people("name", other, "ada")
    assert done.returncode == 2
    assert f"recognize faces merge {ada} {other}" in done.stderr


def test_merge(people: Faces) -> None:
    first, second, third = (people.person(number) for number in (1, 2, 3))
    people.ok("name", first, "Ada")
    people.ok("name", third, "Bob")
    done = people("merge", "ada", second, "bob", second)
    assert done.stdout == (
        f"person {first} (Ada) has 12 faces now, also those of person {second}, person {third} (Bob)\n"
    )
    assert "the name Bob is gone" in done.stderr
    assert [person["id"] for person in people.lines("list")] == [first]


def test_merge_takes_two(people: Faces) -> None:
    assert people("merge", people.person(1)).returncode == 2
    done = people("merge", people.person(1), people.person(1))
    assert done.returncode == 2
    assert "two different people" in done.stderr


def test_split_prints_the_id_of_the_new_person(people: Faces) -> None:
    old = people.person(1)
    new = int(people.ok("split", *people.ids[1][:2], people.ids[1][0]))
    assert groups(people.path) | dict.fromkeys(people.ids[1][:2], new) == groups(people.path)
    assert {groups(people.path)[face] for face in people.ids[1][2:]} == {old}


def test_remove(people: Faces) -> None:
    person, face = people.person(1), people.ids[1][0]
    people.ok("name", person, "Ada")
    assert (
        people.ok("remove", face) == f"face {face} is nobody's for good (it was of person {person} (Ada))\n"
    )
    assert people.ok("remove", face) == f"face {face} is nobody's for good (nobody's before)\n"
    assert groups(people.path)[face] == 0


@pytest.mark.parametrize("command", ["split", "remove"])
@pytest.mark.parametrize("face", ["4711", "0", "x", str(1 << 63), "9" * 5000])
def test_an_unknown_face_changes_nothing(people: Faces, command: str, face: str) -> None:
    before = groups(people.path)
    assert people(command, people.ids[1][0], face).returncode == 2
    assert groups(people.path) == before


# -- reset


def test_reset_of_clusters_keeps_the_faces(people: Faces) -> None:
    people.ok("name", people.person(1), "Ada")
    people.ok("remove", people.ids[2][0])
    assert people.ok("reset", "--clusters", "--yes") == "forgot 3 people (1 with a name)\n"
    assert people.lines("list") == []
    assert people.cluster()["assigned"] == 12


def test_reset_of_all(people: Faces) -> None:
    assert people.ok("reset", "--all", "--yes") == "forgot 3 people (0 with a name) and 12 faces\n"
    assert people.lines("export") == []


@pytest.mark.parametrize("flags", [(), ("--all", "--clusters")])
def test_reset_wants_to_know_what(people: Faces, flags: tuple[str, ...]) -> None:
    done = people("reset", "--yes", *flags)
    assert done.returncode == 2
    assert "--clusters" in done.stderr
    assert len(people.lines("list")) == 3


def test_reset_without_a_terminal_wants_yes(people: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    done = people("reset", "--clusters")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes" in done.stderr
    assert len(people.lines("list")) == 3


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 3), (b"\n", 3), (b"y\n", 0)])
def test_reset_asks_on_a_terminal(
    people: Faces, monkeypatch: pytest.MonkeyPatch, answer: bytes, left: int
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", closefd=True) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        os.write(ours, answer)
        done = people("reset", "--clusters")
    os.close(ours)
    assert done.returncode == 0
    assert "Forget 3 people (0 with a name)?" in done.stderr
    assert len(people.lines("list")) == left


# -- export


def test_export_tells_a_line_a_face(people: Faces) -> None:
    people.ok("name", people.person(1), "Ada")
    records = people.lines("export")
    assert [record["face"] for record in records] == sorted(groups(people.path))
    first = records[0]
    assert 0 <= first.pop("distance") < THRESHOLD
    assert first == {
        "type": "face",
        "schema": 1,
        "face": people.ids[1][0],
        "source": "/data",
        "path": "1-0.jpg",
        "box": {"x": 0.05, "y": 0.3, "width": 0.2, "height": 0.3},
        "score": 0.99,
        "person": people.person(1),
        "name": "Ada",
        "by_hand": False,
        "flags": [],
        "model": MODEL,
    }
    assert people.json("export") == people.lines("export")
    assert people.lines("export", "ada", people.person(1)) == people.lines("export")[:4]


def test_export_of_ungrouped_faces(faces: Faces) -> None:
    records = faces.lines("export")
    assert [(each["person"], each["name"], each["distance"]) for each in records] == [(None, None, None)] * 12


def test_export_as_csv(people: Faces, tmp_path: Path) -> None:
    people.ok("name", people.person(1), 'Ada "the first", \u5f20')
    target = tmp_path / "faces.csv"
    assert people.ok("export", "--format", "csv", "-o", target) == ""
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 12
    assert rows[0]["name"] == 'Ada "the first", \u5f20'
    assert (rows[0]["path"], rows[0]["x"], rows[0]["by_hand"]) == ("1-0.jpg", "0.05", "false")
    assert rows[4]["name"] == rows[4]["path_bytes"] == ""


def test_export_of_nothing(people: Faces) -> None:
    people.ok("reset", "--all", "--yes")
    assert people.ok("export") == ""
    assert people.json("export") == []
    assert people.ok("export", "--format", "csv").startswith("face,source,path,")


@pytest.mark.parametrize(
    ("directories", "source", "paths"),
    [
        (["/data/a", "/data/b"], "/data", ["a/x.jpg", "b/x.jpg"]),
        (["/data", "/data/b"], "/data", ["x.jpg", "b/x.jpg"]),
        (["/data", "/data b", "/data/c"], "/", ["data/x.jpg", "data b/x.jpg", "data/c/x.jpg"]),
        (["/data/ab", "/data/a"], "/data", ["ab/x.jpg", "a/x.jpg"]),
        (["/one", "/two"], "/", ["one/x.jpg", "two/x.jpg"]),
        (["/"], "/", ["x.jpg"]),
        (["/data/caf\udce9"], "/data", ["caf\ufffd/x.jpg"]),
    ],
)
def test_source_is_what_all_files_lie_in(
    people: Faces, directories: list[str], source: str, paths: list[str]
) -> None:
    people.path.unlink()
    for number, directory in enumerate(directories):
        fill(people.path, {"x.jpg": [number]}, directory=directory)
    records = people.lines("export")
    assert [(record["source"], record["path"]) for record in records] == [(source, path) for path in paths]


def test_a_path_that_is_not_utf8_has_its_bytes(people: Faces) -> None:
    fill(people.path, {"caf\udce9.jpg": [1]}, directory="/data/\udcff")
    [odd] = [record for record in people.lines("export") if "path_bytes" in record]
    assert odd["path"] == "\ufffd/caf\ufffd.jpg"
    assert base64.b64decode(odd["path_bytes"]) == b"\xff/caf\xe9.jpg"
    assert "caf\ufffd.jpg" in people.ok("export", "--format", "csv")


# -- all of them


WRITING = [("cluster",), ("name", "1", "Ada"), ("merge", "1", "2"), ("split", "1"), ("remove", "1")]
READING = [("list",), ("show", "1"), ("export",)]


@pytest.mark.parametrize("command", [*WRITING, ("reset", "--all", "--yes")], ids=lambda words: words[0])
def test_only_one_run_writes(people: Faces, command: tuple[str, ...]) -> None:
    before = groups(people.path)
    with acquire(people.path, wait=False):
        done = people(*command)
    assert (done.returncode, done.stdout) == (11, "")
    assert "--wait" in done.stderr
    assert groups(people.path) == before


@pytest.mark.parametrize("command", READING, ids=lambda words: words[0])
def test_others_may_look_meanwhile(people: Faces, command: tuple[str, ...]) -> None:
    with acquire(people.path, wait=False):
        assert people(*command).returncode == 0


@pytest.mark.parametrize(
    "command", [*READING, *WRITING, ("reset", "--all", "--yes")], ids=lambda words: words[0]
)
def test_without_a_catalogue_nothing_is_made(
    call: Callable[..., Called], tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = call(root, "faces", *command, "--catalogue", str(tmp_path / "none" / "c.sqlite3"))
    assert done.returncode == 8
    assert "recognize scan" in done.stderr
    assert list(tmp_path.iterdir()) == []
