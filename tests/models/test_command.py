"""recognize models, from arguments to exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.cli.app import root
from recognize_cli.cli.process import run
from recognize_cli.models.convert.insightface_pack import NETWORKS, Network
from tests.models.making import locked, write_wheel
from tests.models.web import Server, resuming

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"weights"
LOCK = """
schema = 1
[[model]]
name = "{name}"
recognizer = "{recognizer}"
tier = "portable"
default = {default}
format = "onnx"
licence = "MIT"
files = ["{checksum} {size} {name}.onnx"]
{task}
source = [{{ kind = "url", base = "{base}" }}]
"""
CLASSIFIER = """labels = "imagenet1k"
scores = "logits"
input = { size = 8, channels = "RGB", layout = "NHWC", dtype = "uint8", resample = "bicubic" }"""
FACES = """faces = { distance = 0.5 }
notice = "Ask before you use it." """


@dataclass
class Models:
    """``recognize models`` with a lock file of two models, both on the server."""

    server: Server
    store: Path
    lock: Path
    capfd: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr."""
        code = run(root, ["models", *arguments])
        out, err = self.capfd.readouterr()
        return code, out, err

    def json(self, *arguments: str) -> Any:
        """The document that a command prints."""
        code, out, _ = self(*arguments, "--format", "json")
        assert code == 0
        return json.loads(out)

    def path(self, name: str) -> Path:
        """The ONNX file of an installed model."""
        [path] = (self.store / name).glob("*/model.onnx")
        return path


@pytest.fixture
def models(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Models:
    store, lock = tmp_path / "store", tmp_path / "my.lock"
    parts = []
    for name, recognizer, default, task in (
        ("first", "objects", "true", CLASSIFIER),
        ("second", "faces", "false", FACES),
    ):
        data = name.encode() + DATA
        server.answers[f"/{name}.onnx"] = [resuming(data)]
        checksum, size = locked("x", data).checksum, len(data)
        parts.append(
            LOCK.format(
                name=name,
                recognizer=recognizer,
                default=default,
                checksum=checksum,
                size=size,
                base=server.url,
                task=task,
            )
        )
    lock.write_text(parts[0] + parts[1].replace("schema = 1\n", ""))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RECOGNIZE_MODELS", str(store))
    monkeypatch.setenv("RECOGNIZE_LOCK", str(lock))
    return Models(server, store, lock, capfd)


def test_list_shows_what_is_there(models: Models) -> None:
    models("fetch")
    code, out, err = models("list")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "RECOGNIZER", "TIER", "DOWNLOAD", "LICENCE", "INSTALLED", "DEFAULT"],
        ["first", "objects", "portable", "0.0", "MB", "MIT", "yes", "yes"],
        ["second", "faces", "portable", "0.0", "MB", "MIT", "no", "no"],
        [],
        ["second:", "Ask", "before", "you", "use", "it."],
    ]


def test_list_as_json(models: Models) -> None:
    models("fetch")
    document = models.json("list")
    assert (document["type"], document["schema"]) == ("models", 1)
    assert (document["store"], document["lock"]) == (str(models.store), str(models.lock))
    first, second = document["models"]
    assert first == {
        "name": "first",
        "recognizer": "objects",
        "tier": "portable",
        "default": True,
        "licence": "MIT",
        "format": "onnx",
        "download_size": 12,
        "installed": True,
        "path": str(models.path("first")),
        "graphs": {"model": str(models.path("first"))},
        "notice": None,
        "sources": [f"url {models.server.url}"],
    }
    assert (second["installed"], second["path"], second["graphs"]) == (False, None, None)
    assert second["notice"] == "Ask before you use it."


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["first"]),
        (["second"], ["second"]),
        (["second", "first"], ["second", "first"]),
        (["--all"], ["first", "second"]),
        (["--recognizer", "objects"], ["first"]),
        (["-r", "faces", "--all"], ["second"]),
        (["-r", "faces"], []),
    ],
)
def test_fetch_installs_what_is_asked_for(models: Models, arguments: list[str], names: list[str]) -> None:
    code, out, _ = models("fetch", *arguments)
    assert code == 0
    assert out == "".join(f"{name}  {models.path(name)}\n" for name in names)
    assert [path for path, _ in models.server.seen] == [f"/{name}.onnx" for name in names]


def test_fetch_tells_the_notice_once(models: Models) -> None:
    assert "Ask" not in models("fetch", "first")[2]
    code, out, err = models("fetch", "second")
    assert (code, out) == (0, f"second  {models.path('second')}\n")
    assert err.count("warning: second (licence MIT): Ask before you use it.") == 1
    assert "Ask" not in models("fetch", "second")[2]


def test_fetch_does_nothing_twice(models: Models) -> None:
    first = models("fetch")
    models.server.seen.clear()
    assert models("fetch") == (0, first[1], "")
    assert models.server.seen == []


def test_fetch_from_a_folder(models: Models, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "x").write_bytes(b"first" + DATA)
    assert models("fetch", "--from", str(tmp_path / "usb"))[0] == 0
    assert models.server.seen == []
    code, _, err = models("fetch", "--from", str(tmp_path / "usb"), "second")
    assert code == 6
    assert "holds no file second.onnx" in err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nope"], "it has no model 'nope'; it has first, second"),
        (["first", "--all"], "but not both"),
        (["first", "-r", "objects"], "but not both"),
        (["-r", "music"], "no model is for a recognizer 'music'; there are faces, objects"),
        (["--from", "/does/not/exist"], "does not exist"),
        (["--lock", "/does/not/exist"], "cannot be read"),
    ],
)
def test_fetch_refuses_what_makes_no_sense(models: Models, arguments: list[str], problem: str) -> None:
    code, out, err = models("fetch", *arguments)
    assert (code, out) == (2, "")
    assert problem in err


def test_fetch_shows_a_bar_on_stderr_only(models: Models) -> None:
    code, out, err = models("fetch", "--progress")
    assert (code, out) == (0, f"first  {models.path('first')}\n")
    assert "first" in err


def test_verify(models: Models) -> None:
    assert models.json("verify")["models"] == []
    models("fetch", "--all")
    assert models.json("verify")["models"] == [
        {"name": "first", "state": "ok"},
        {"name": "second", "state": "ok"},
    ]
    models.path("first").write_bytes(b"other")
    code, out, err = models("verify")
    assert code == 6
    assert [line.split() for line in out.splitlines()[1:]] == [["first", "damaged"], ["second", "ok"]]
    assert f"{models.path('first')} is not the file" in err
    assert models("fetch")[0] == 0
    assert models("verify")[0] == 0


def test_verify_of_a_missing_model(models: Models) -> None:
    code, out, err = models("verify", "second")
    assert code == 6
    assert out.split() == ["NAME", "STATE", "second", "missing"]
    assert "recognize models fetch second" in err


def test_lock(models: Models) -> None:
    assert models("lock") == (0, models.lock.read_text(), "")
    assert models("lock", "--check") == (0, f"{models.lock}: 2 models, no problem\n", "")
    models.lock.write_text(models.lock.read_text().replace('tier = "portable"', 'tear = "portable"', 1))
    code, out, err = models("lock", "--check")
    assert (code, out) == (2, "")
    assert f"{models.lock}: model 'first', tier: this key is missing" in err


def test_a_model_of_several_graphs(
    models: Models, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown as its folder, and as each of its files."""
    members = {"det_500m.onnx": b"detector", "w600k_mbf.onnx": b"descriptor"}
    for (name, data), graph in zip(members.items(), ("detector", "descriptor"), strict=True):
        monkeypatch.setitem(NETWORKS, name, Network(graph, len(data), locked(name, data).digest))
    pack = write_wheel(tmp_path / "pack.zip", members).read_bytes()
    server.answers["/pack.zip"] = [resuming(pack)]
    task = FACES.replace("faces = ", 'tier = "native"\ndefault = false\nfaces = ')
    models.lock.write_text(f"""
schema = 1
[[model]]
name = "pack"
recognizer = "faces"
format = "insightface-pack"
licence = "MIT"
files = ["{locked("x", pack).checksum} {len(pack)} pack.zip"]
{task}
source = [{{ kind = "url", base = "{server.url}" }}]
""")
    code, out, _ = models("fetch", "pack")
    [folder] = (models.store / "pack").iterdir()
    files = [folder / "detector.onnx", folder / "descriptor.onnx"]
    assert (code, out) == (0, f"pack  {folder}\n")
    assert models("path", "pack") == (0, "".join(f"{file}\n" for file in files), "")
    [listed] = models.json("list")["models"]
    assert listed["path"] == str(folder)
    assert listed["graphs"] == {file.stem: str(file) for file in files}
    files[1].write_bytes(b"other")
    code, _, err = models("verify")
    assert code == 6
    assert f"{files[1]} is not the file" in err


def test_path(models: Models) -> None:
    assert models("path") == (0, f"{models.store}\n", "")
    assert models("path", "first")[0] == 6
    models("fetch")
    assert models("path", "first") == (0, f"{models.path('first')}\n", "")
