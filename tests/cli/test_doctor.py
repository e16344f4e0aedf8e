from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.cli import checks, engine_checks
from recognize_cli.cli.app import root
from recognize_cli.cli.checks import Check, State
from recognize_cli.errors import ExitCode
from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.locking import acquire
from recognize_cli.models.lockfile import Lock
from recognize_cli.models.store import Store
from tests.models.making import locked, made_entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Called

    Call = Callable[..., Called]

GOOD = Hardware(
    Cpu("x86_64", "A CPU", frozenset({"avx", "avx2", "fpu"})), Libc("glibc", "2.36"), 4, 8 << 30, 4 << 30
)
ENTRY = made_entry(locked("model.onnx", b"bytes"), name="small")
LOCK = Lock(path=Path("models.lock"), models=(ENTRY,))


def document(call: Call, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    done = call(root, "doctor", "--format", "json", *arguments, env=env)
    found = json.loads(done.stdout)
    assert (found["type"], found["schema"], found["exit_code"]) == ("doctor", 1, done.returncode)
    return done.returncode, {each["name"]: each for each in found["checks"]}


def install(store: Store) -> None:
    with store.locked(ENTRY), store.installing(ENTRY) as folder:
        (folder / "model.onnx").write_bytes(b"bytes")


def test_a_fresh_machine_is_fine(call: Call, tmp_path: Path) -> None:
    code, found = document(call)
    assert code == 0
    assert {each["section"] for each in found.values()} == {
        *("machine", "engines", "decoders", "models", "files")
    }
    assert found["objects"]["found"].startswith(
        "efficientnet-lite2 (portable, onnxruntime): no full-size model is inst"
    )
    assert "the next scan fetches it" in found["objects"]["found"]
    assert found["sound"]["found"].startswith("pyav ")
    assert "FFmpeg" in found["video"]["found"]
    assert found["catalogue"]["found"].endswith("catalogue.sqlite3, made by the next scan")
    assert list(tmp_path.iterdir()) == []  # looking at things makes none


def test_text_for_people(call: Call) -> None:
    lines = call(root, "doctor").stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        *("machine", "engines", "decoders", "models", "files")
    ]
    assert any(line.startswith("  ok       onnxruntime") for line in lines)


def test_a_missing_model_is_an_error_without_a_network(call: Call) -> None:
    code, found = document(call, env={"RECOGNIZE_OFFLINE": "1"})
    assert code == 6
    assert found["objects"]["state"] == "error"
    assert found["objects"]["remedy"].startswith("recognize models fetch efficientnet-lite2")


def test_a_broken_config_file_is_a_finding(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[doctor]\nfromat = 1\n")
    code, found = document(call, env={"RECOGNIZE_CONFIG": str(file)})
    assert code == 2
    assert found["config"]["found"].endswith("the key 'fromat' is not known; did you mean 'format'?")
    file.write_text("nonsense")
    code, found = document(call, env={"RECOGNIZE_CONFIG": str(file)})
    assert (code, found["config"]["state"]) == (2, "error")


def test_a_broken_lock_file_is_a_finding(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "models.lock"
    file.write_text("schema = 99\n")
    code, found = document(call, "--lock", str(file))
    assert (code, found["models.lock"]["state"]) == (2, "error")


def test_every_finding_that_is_bad_has_a_remedy(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cat").write_text("no database")
    _, found = document(call, "--offline", "--catalogue", str(tmp_path / "cat"))
    bad = [each for each in found.values() if each["state"] == "error"]
    assert len(bad) >= 2
    assert all(each["remedy"] and each["code"] for each in bad)
    shown = call(root, "doctor", "--offline", "--catalogue", str(tmp_path / "cat")).stdout
    assert all(f"-> {each['remedy']}\n" in shown for each in bad)


def test_what_is_told_of_the_machine() -> None:
    found = {check.name: check for check in checks.machine(GOOD)}
    assert found["cpu"].found == "A CPU (x86_64), avx avx2"
    assert found["cores"].found == "4 usable"
    assert found["memory"].found == "4096 of 8192 MiB free"
    assert found["libc"].found == "glibc 2.36"
    poor = replace(GOOD, memory_available=100 << 20, cpu=Cpu("riscv64", "riscv64", None))
    found = {check.name: check for check in checks.machine(poor)}
    assert found["memory"].state is State.WARNING
    assert found["cpu"].found == "riscv64 (riscv64), no vector instructions known"


def test_an_engine_that_works_and_one_that_is_not_needed() -> None:
    onnxruntime, cuda, tensorflow, openvino, _ = engine_checks.engines(GOOD)
    assert onnxruntime.state is State.GOOD
    assert (cuda.name, tensorflow.name) == ("cuda", "tensorflow")
    assert (openvino.name, openvino.state) == ("openvino", State.GOOD)


@pytest.mark.parametrize(
    ("installed", "flags", "found"),
    [
        ({}, {"avx2"}, "not installed; some CPUs are faster with it (pip install 'recognize-cli[openvino]')"),
        ({"openvino": "2026.4.1"}, {"avx2"}, "2026.4.1"),
        (
            {"openvino": "2026.4.1"},
            {"amx_bf16"},
            "2026.4.1, in bfloat16 where asked for with --engine openvino",
        ),
    ],
)
def test_what_is_told_of_openvino(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], flags: set[str], found: str
) -> None:
    monkeypatch.setattr(engine_checks, "installed_version", installed.get)
    check = list(engine_checks.engines(replace(GOOD, cpu=Cpu("x86_64", "A CPU", frozenset(flags)))))[3]
    assert (check.name, check.state, check.found) == ("openvino", State.GOOD, found)


WEAK = replace(GOOD, cpu=Cpu("x86_64", "An old CPU", frozenset({"fpu"})))
ARM = replace(GOOD, cpu=Cpu("aarch64", "An ARM", frozenset({"asimd"})))
HUB = {"tensorflow-hub": "0.16.1"}


@pytest.mark.parametrize(
    ("installed", "hardware", "state", "found"),
    [
        ({}, GOOD, State.GOOD, "not installed; only full-size models of actions need it (pip install"),
        ({}, WEAK, State.GOOD, "not installed, and of no use on a CPU without AVX"),
        ({"tensorflow": "2.21.0"} | HUB, GOOD, State.GOOD, "2.21.0, tensorflow-hub 0.16.1"),
        ({"tensorflow-cpu": "2.20.0"} | HUB, GOOD, State.GOOD, "2.20.0, tensorflow-hub 0.16.1"),
        ({"tensorflow": "2.21.0"} | HUB, ARM, State.GOOD, "2.21.0, tensorflow-hub 0.16.1"),
        ({"tensorflow": "2.21.0"}, GOOD, State.WARNING, "2.21.0, of no use without tensorflow-hub"),
        ({"tensorflow": "2.21.0"} | HUB, WEAK, State.WARNING, "2.21.0, which dies on a CPU without AVX"),
    ],
)
def test_what_is_told_of_tensorflow(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], hardware: Hardware, state: State, found: str
) -> None:
    monkeypatch.setattr(engine_checks, "installed_version", installed.get)
    monkeypatch.setattr(engine_checks, "find_spec", lambda _name: ModuleSpec("made", None))
    check = list(engine_checks.engines(hardware))[2]
    assert (check.name, check.state, check.code) == ("tensorflow", state, ExitCode.DONE)
    assert check.found.startswith(found)
    assert check.remedy or state is State.GOOD


def test_tensorflow_hub_needs_an_old_setuptools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_checks, "installed_version", ({"tensorflow": "2.21.0"} | HUB).get)
    monkeypatch.setattr(engine_checks, "find_spec", lambda _name: None)
    check = list(engine_checks.engines(GOOD))[2]
    assert (check.state, check.remedy) == (State.WARNING, "pip install 'recognize-cli[native]'")
    assert check.found.endswith("which needs a setuptools older than 82")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            "raise ImportError('GLIBC_2.99 not found')",
            "cannot be imported: ImportError: GLIBC_2.99 not found",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "dies of signal 4"),
    ],
)
def test_an_engine_that_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, found: str
) -> None:
    (tmp_path / "onnxruntime.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = next(iter(engine_checks.engines(GOOD)))
    assert check.found.endswith(found)
    assert (check.state, check.code) == (State.BAD, ExitCode.ENGINE)


@pytest.mark.parametrize(
    ("libc", "remedy"), [("glibc", "pip install onnxruntime"), ("musl", "no wheel for musl")]
)
def test_an_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch, libc: str, remedy: str) -> None:
    monkeypatch.setattr(engine_checks, "installed_version", lambda _name: None)
    check = next(iter(engine_checks.engines(replace(GOOD, libc=Libc(libc, "1")))))
    assert check == Check("onnxruntime", "not installed", State.BAD, check.remedy, ExitCode.ENGINE)
    assert check.remedy is not None
    assert remedy in check.remedy


def models(store: Store, *, hardware: Hardware = GOOD, offline: bool = False) -> list[Check]:
    return list(checks.models(LOCK, store, hardware, offline=offline))


def test_a_model_that_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    install(store)
    (check,) = models(store, offline=True)
    assert check.name == "objects"
    reason = "no full-size model is installed; installed and verified"
    assert check.found == f"small (portable, onnxruntime): {reason}"


def test_the_size_of_a_download_may_be_a_bound(tmp_path: Path) -> None:
    file = replace(locked("model.onnx", b"bytes"), size=64_000_000, at_most=True)
    lock = replace(LOCK, models=(made_entry(file),))
    (check,) = checks.models(lock, Store(tmp_path), GOOD, offline=True)
    assert check.found.endswith("not installed (at most 64 MB)")


def test_a_model_that_is_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    install(store)
    store.graphs(ENTRY)["model"].write_bytes(b"other")
    (check,) = models(store)
    assert (check.state, check.code, check.remedy) == (
        State.BAD,
        ExitCode.MODEL,
        "recognize models fetch small",
    )


def test_a_model_for_which_there_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (check,) = models(Store(tmp_path / "file" / "models"))
    assert (check.state, check.code) == (State.BAD, ExitCode.MODEL)
    assert check.remedy is not None
    assert "--store DIR" in check.remedy


def test_a_recognizer_without_a_model_for_this_machine(tmp_path: Path) -> None:
    native = replace(ENTRY, tier=type(ENTRY.tier)("native"))
    (check,) = checks.models(replace(LOCK, models=(native,)), Store(tmp_path), GOOD, offline=False)
    assert (check.state, check.code) == (State.BAD, ExitCode.ENGINE)


def test_a_catalogue_that_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    SqliteCatalogue.open(path).close()
    found = {check.name: check for check in checks.catalogue(path)}
    assert found["catalogue"].state is State.GOOD
    assert found["catalogue"].found.startswith(f"{path}, 0.")
    assert found["disk"].found.endswith(f"MiB free at {tmp_path}")


def test_a_catalogue_in_use(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    SqliteCatalogue.open(path).close()
    with acquire(path, wait=False):
        check = next(iter(checks.catalogue(path)))
    assert (check.state, check.code) == (State.WARNING, ExitCode.DONE)
    assert "in use by another run" in check.found


def test_a_catalogue_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = path.read_bytes()
    check = next(iter(checks.catalogue(path)))
    assert (check.state, check.code) == (State.BAD, ExitCode.CATALOGUE)
    assert path.read_bytes() == before


def test_a_catalogue_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (check,) = checks.catalogue(tmp_path / "file" / "c.sqlite3")
    assert (check.state, check.code) == (State.BAD, ExitCode.CATALOGUE)


def test_place_names_are_an_extra(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = document(call)
    assert found["places"]["found"].startswith("reverse-geocode 1.")
    monkeypatch.setattr(engine_checks, "installed_version", lambda name: None if "geocode" in name else "1")
    place = next(check for check in engine_checks.engines(GOOD) if check.name == "places")
    assert place.state is State.GOOD  # no scan needs them unless it is told so
    assert "pip install 'recognize-cli[places]'" in place.found
