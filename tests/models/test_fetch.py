"""From a lock entry to an installed model, over a real server or from a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import ConversionFailed, FetchFailed, HashMismatch, ModelMissing
from recognize_cli.models.entries import Algorithm, GitSource, LockedFile, NpmSource, UrlSource
from recognize_cli.models.fetch import ensure, fetch
from recognize_cli.models.origins.order import Mirrors
from tests.models.making import NOWHERE, locked, made_entry, write_tarball, write_wheel
from tests.models.web import Server, resuming, status, whole

if TYPE_CHECKING:
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.store import Store
    from tests.models.web import Request

DATA = bytes(range(256)) * 500
FILE = locked("model.onnx", DATA)


def served(server: Server) -> ModelEntry:
    """A model whose one file is on the server."""
    server.answers["/m/model.onnx"] = [resuming(DATA)]
    return made_entry(FILE, sources=(UrlSource(f"{server.url}/m"),))


def test_fetches_converts_and_opens(server: Server, store: Store) -> None:
    seen: list[tuple[int, int]] = []
    model = ensure(served(server), store, progress=lambda *step: seen.append(step))
    assert model.graphs["model"].read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))


def test_the_total_is_right_as_soon_as_it_can_be_known(server: Server, store: Store) -> None:
    """A file that is no larger than so much counts with that until it is here."""
    more = b"!" * 300_000
    for path, data in (("model.onnx", DATA), ("more", more)):
        server.answers[f"/m/{path}"] = [resuming(data)]
    first, second = replace(FILE, algorithm=Algorithm.GIT, size=900_000, at_most=True), locked("more", more)
    first = replace(first, digest=locked("", DATA, Algorithm.GIT).digest)
    seen: list[tuple[int, int]] = []
    entry = made_entry(first, second, sources=(UrlSource(f"{server.url}/m"),))
    with pytest.raises(ConversionFailed):  # two files are one too many
        fetch(entry, store, progress=lambda *step: seen.append(step))
    assert seen[0][1] == 900_000 + len(more)
    assert {total for done, total in seen if done > len(DATA)} == {len(DATA) + len(more)}
    assert seen[-1] == (len(DATA) + len(more),) * 2
    assert seen == sorted(seen, key=lambda step: step[0])


def test_fetches_only_once(server: Server, store: Store) -> None:
    entry = served(server)
    first = ensure(entry, store)
    assert ensure(entry, store) == first
    assert fetch(entry, store) == first
    assert len(server.seen) == 1


def test_offline_means_that_nothing_is_asked(server: Server, store: Store) -> None:
    entry = served(server)
    with pytest.raises(ModelMissing, match="recognize models fetch made"):
        ensure(entry, store, offline=True)
    assert server.seen == []
    fetch(entry, store)
    assert ensure(entry, store, offline=True).graphs["model"].read_bytes() == DATA


def test_a_damaged_model_is_not_used_and_fetch_repairs_it(server: Server, store: Store) -> None:
    entry = served(server)
    path = fetch(entry, store).graphs["model"]
    path.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(HashMismatch):
        ensure(entry, store)
    assert fetch(entry, store).graphs["model"].read_bytes() == DATA


def test_the_first_source_that_gives_the_file_wins(server: Server, store: Store) -> None:
    entry = served(server)
    bad = UrlSource(f"{server.url}/missing")
    worse = UrlSource(f"{server.url}/wrong")
    server.answers["/wrong/model.onnx"] = [whole(b"?" * len(DATA))]
    entry = made_entry(FILE, sources=(bad, worse, *entry.sources, NOWHERE))
    assert fetch(entry, store).graphs["model"].read_bytes() == DATA
    assert [path for path, _ in server.seen] == [
        "/missing/model.onnx",
        "/wrong/model.onnx",
        "/wrong/model.onnx",
        "/m/model.onnx",
    ]


def test_says_what_was_wrong_with_every_source(server: Server, store: Store) -> None:
    wrong = UrlSource(f"{server.url}/wrong")
    server.answers["/wrong/model.onnx"] = [whole(b"?" * len(DATA))]
    entry = made_entry(FILE, sources=(UrlSource(f"{server.url}/missing"), wrong))
    with pytest.raises(FetchFailed) as caught:
        fetch(entry, store)
    message = str(caught.value)
    assert "HTTP 404" in message
    assert FILE.checksum in message
    assert locked("x", b"?" * len(DATA)).checksum in message
    assert "recognize models fetch --from DIR made" in message
    assert not store.installed(entry)


def test_files_that_one_source_gave_are_not_asked_from_the_next(server: Server, store: Store) -> None:
    """Sources are tried until all files are here; the format of these two files fails in the end."""
    files = (locked("a", b"first"), locked("b", b"second"))
    server.answers["/x/a"] = [whole(b"first")]
    server.answers["/y/b"] = [whole(b"second")]
    entry = made_entry(*files, sources=(UrlSource(f"{server.url}/x"), UrlSource(f"{server.url}/y")))
    with pytest.raises(ConversionFailed, match="one file is expected, not 2"):
        fetch(entry, store)
    assert [path for path, _ in server.seen] == ["/x/a", "/x/b", "/y/b"]
    assert not store.installed(entry)


def test_gathered_files_are_looked_at_again(server: Server, store: Store) -> None:
    """A fetch that failed left a file, which then went bad on the disk."""
    entry = served(server)
    folder = store.staging(entry) / "files"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"!" * len(DATA))
    assert fetch(entry, store).graphs["model"].read_bytes() == DATA


def test_git_sources_are_raw_files_below_a_mirror(server: Server, store: Store) -> None:
    commit = "0123456789" * 4
    file = locked("model.onnx", DATA, Algorithm.GIT)
    path = f"/raw/owner/name/{commit}/models/x/model.onnx"
    server.answers[path] = [resuming(DATA)]
    entry = made_entry(file, sources=(GitSource("owner/name", commit, "models/x"),))
    fetch(entry, store, mirrors=Mirrors(git=f"{server.url}/raw"))
    assert server.seen == [(path, None)]


def test_npm_falls_back_to_the_cdn(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    server.answers["/npm/@s/p@1.2.3/model/model.onnx"] = [resuming(DATA)]
    entry = made_entry(FILE, sources=(NpmSource("@s/p", "1.2.3", "model"),))
    fetch(entry, store, mirrors=Mirrors(npm=f"{server.url}/npm"))
    assert store.installed(entry)


def test_mirrors_come_from_the_environment(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Mirrors.from_environment({"RECOGNIZE_GIT_MIRROR": ""}) == Mirrors()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("RECOGNIZE_NPM_MIRROR", f"{server.url}/npm/")
    server.answers["/npm/p@1/model.onnx"] = [resuming(DATA)]
    fetch(made_entry(FILE, sources=(NpmSource("p", "1", ""),)), store)
    assert server.seen == [("/npm/p@1/model.onnx", None)]


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, server: Server) -> None:
    from recognize_cli.models.store import Store

    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FetchFailed, match=r"(?s)file.*another store with --store DIR"):
        fetch(served(server), Store(tmp_path / "file" / "store"))


def test_a_disk_that_is_too_small_is_named_before_anything_is_fetched(server: Server, store: Store) -> None:
    size = 1 << 60
    huge = LockedFile("model.onnx", size, Algorithm.SHA256, "0" * 64)
    entry = made_entry(huge, sources=(UrlSource(server.url),))
    with pytest.raises(FetchFailed, match=rf"{2 * size / 1e6:.0f} MB are needed, and .* another store"):
        fetch(entry, store)
    assert server.seen == []


# --- from a folder -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "usb" / "deep" / "er"
    path.mkdir(parents=True)
    return path


def test_takes_a_file_from_a_folder_under_any_name(folder: Path, store: Store) -> None:
    (folder / "renamed.dat").write_bytes(DATA)
    (folder / "decoy.dat").write_bytes(DATA[:-1] + b"!")
    entry = made_entry(FILE)
    assert fetch(entry, store, directory=folder.parents[1]).graphs["model"].read_bytes() == DATA
    assert (folder / "renamed.dat").read_bytes() == DATA


@pytest.mark.parametrize("name", ["package.whl", "package.zip", "package.tgz", "package.tar.gz"])
def test_takes_a_file_out_of_a_package(folder: Path, store: Store, name: str) -> None:
    write = write_wheel if name.endswith(("whl", "zip")) else write_tarball
    write(folder / name, {"x/decoy": DATA[:-1] + b"!", "x/../../y": b"no", "x/model": DATA})
    (folder / "broken.whl").write_bytes(b"PK\3\4 nonsense")
    assert fetch(made_entry(FILE), store, directory=folder.parents[1]).graphs["model"].read_bytes() == DATA


def test_a_package_with_a_damaged_file_does_not_hide_the_next(folder: Path, store: Store) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model", DATA)
    broken = (folder / "a.zip").read_bytes().replace(DATA, DATA[:-1] + b"!")
    (folder / "a.zip").write_bytes(broken)
    with pytest.raises(FetchFailed, match=r"a\.zip is damaged: Bad CRC-32"):
        fetch(made_entry(FILE), store, directory=folder)
    write_wheel(folder / "b.zip", {"model": DATA})
    assert fetch(made_entry(FILE), store, directory=folder).graphs["model"].read_bytes() == DATA


def test_takes_files_of_one_size_apart(folder: Path, store: Store) -> None:
    """Shards are all of one size, some of them may be equal, and each digest may be of another kind."""
    datas = {"a": b"1111", "b": b"2222", "c": b"1111", "d": b"3333"}
    files = [
        locked(name, data, Algorithm.GIT if name == "d" else Algorithm.SHA256) for name, data in datas.items()
    ]
    for number, data in enumerate(sorted(set(datas.values()), reverse=True)):
        (folder / f"{number}").write_bytes(data)
    entry = made_entry(*files)
    with pytest.raises(ConversionFailed):
        fetch(entry, store, directory=folder)
    staged = store.staging(entry) / "files"
    assert {path.name: path.read_bytes() for path in staged.iterdir()} == datas


def bounded(path: str, data: bytes, size: int) -> LockedFile:
    """What models.lock would say of a file whose size is not known."""
    return replace(locked(path, data, Algorithm.GIT), size=size, at_most=True)


@pytest.mark.parametrize("packed", [False, True], ids=["bare", "packed"])
def test_a_file_of_unknown_size_is_known_by_its_name(folder: Path, store: Store, packed: bool) -> None:
    entry = made_entry(bounded("deep/model.onnx", DATA, 2 * len(DATA)))

    def put(name: str) -> None:
        if packed:
            write_wheel(folder / "package.zip", {f"x/{name}": DATA, "x/decoy": b"no"})
        else:
            (folder / name).write_bytes(DATA)

    put("renamed.onnx")
    with pytest.raises(FetchFailed, match=rf"no file deep/model\.onnx with at most {2 * len(DATA)} bytes"):
        fetch(entry, store, directory=folder)
    put("model.onnx")
    assert fetch(entry, store, directory=folder).graphs["model"].read_bytes() == DATA


def test_a_folder_without_the_file(folder: Path, store: Store, server: Server) -> None:
    (folder / "decoy").write_bytes(DATA[:-1] + b"!")
    (folder / "broken.tgz").write_bytes(b"nonsense")
    with pytest.raises(FetchFailed) as caught:
        fetch(served(server), store, directory=folder)
    message = str(caught.value)
    assert f"{folder} holds no file model.onnx with {len(DATA)} bytes and {FILE.checksum}" in message
    assert "broken.tgz is damaged" in message
    assert f"it comes from url {server.url}/m" in message
    assert server.seen == []


def test_a_folder_that_does_not_exist(tmp_path: Path, store: Store) -> None:
    with pytest.raises(FetchFailed, match="is not a directory"):
        fetch(made_entry(FILE), store, directory=tmp_path / "none")


def test_a_folder_with_things_that_are_not_files(folder: Path, store: Store) -> None:
    os.mkfifo(folder / "pipe.whl")
    (folder / "dangling.whl").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder)
    (folder / "link").symlink_to(folder / "real")
    (folder / "real").write_bytes(DATA)
    assert fetch(made_entry(FILE), store, directory=folder).graphs["model"].read_bytes() == DATA
    assert not store.graphs(made_entry(FILE))["model"].is_symlink()


# --- several processes ---------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from recognize_cli.models.entries import UrlSource
from recognize_cli.models.fetch import fetch
from recognize_cli.models.store import Store
from tests.models.test_fetch import FILE
from tests.models.making import made_entry
entry = made_entry(FILE, sources=(UrlSource(sys.argv[1] + "/m"),))
sys.exit(0 if fetch(entry, Store(Path(sys.argv[2]))).graphs["model"].exists() else 1)
"""


def start(server: Server, store: Store) -> subprocess.Popen[bytes]:
    """Another process that fetches the model into the store."""
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", CHILD, server.url, str(store.root)], cwd=root)


def test_two_processes_do_the_work_once(server: Server, store: Store) -> None:
    entry = served(server)
    both = [start(server, store), start(server, store)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert server.seen == [("/m/model.onnx", None)]
    store.verify(entry)


def test_a_process_that_was_killed_has_done_no_harm(server: Server, store: Store) -> None:
    """It dies in the middle of the download; the next one goes on from there."""
    half_sent, go_on = threading.Event(), threading.Event()

    def half(request: Request) -> None:
        request.head(200, len(DATA))
        request.wfile.write(DATA[:100_000])
        request.wfile.flush()
        half_sent.set()
        go_on.wait(60)
        request.close_connection = True

    entry = served(server)
    server.answers["/m/model.onnx"].insert(0, half)
    process = start(server, store)
    assert half_sent.wait(60)
    part = store.staging(entry) / "parts" / f"{FILE.digest}.part"
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    go_on.set()
    assert not store.installed(entry)
    kept = part.stat().st_size
    assert fetch(entry, store).graphs["model"].read_bytes() == DATA
    assert server.seen[1:] == [("/m/model.onnx", f"bytes={kept}-")]


def test_the_manifest_says_what_the_model_was_made_from(server: Server, store: Store) -> None:
    entry = served(server)
    path = fetch(entry, store).graphs["model"]
    assert json.loads(path.with_name("manifest.json").read_text()) == {
        "schema": 2,
        "name": "made",
        "fingerprint": store.open_model(entry).fingerprint,
        "converter": {"name": "onnx", "version": 1},
        "files": {"model.onnx": FILE.checksum},
        "graphs": {"model": {"sha256": FILE.digest}},
        "others": {},
    }


def test_a_source_that_fails_for_a_while_is_asked_again(server: Server, store: Store) -> None:
    entry = served(server)
    server.answers["/m/model.onnx"].insert(0, status(503))
    assert fetch(entry, store).graphs["model"].read_bytes() == DATA
