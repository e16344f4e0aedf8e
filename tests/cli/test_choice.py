"""What `recognize bench` found decides which model a scan takes, and `recognize doctor` says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.cli import checks
from recognize_cli.cli.installation import choose
from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.models.entries import Tier
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import Lock
from recognize_cli.models.ranking import Ranking, Rating, save_ranking
from recognize_cli.models.store import Store
from tests.models.making import locked, made_entry

if TYPE_CHECKING:
    from pathlib import Path

HERE = Hardware(Cpu("x86_64", "A CPU", frozenset({"avx"})), Libc("glibc", "2.36"), 4, 8 << 30, 4 << 30)
SMALL = made_entry(locked("model.onnx", b"small"), name="small")
LARGE = made_entry(locked("model.onnx", b"large"), name="large", tier=Tier.NATIVE, default=False)


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return Lock(path=tmp_path / "models.lock", models=(SMALL, LARGE))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Both models are installed, and no ranking is there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Store(tmp_path / "models")
    for entry in (SMALL, LARGE):
        with made.locked(entry), made.installing(entry) as folder:
            (folder / "model.onnx").write_bytes(entry.name.encode())
    return made


def remember(rate: float) -> None:
    rating = Rating(
        LARGE.recognizer, LARGE.name, fingerprint(LARGE), "onnxruntime", "float32", rate, "2026-05-01"
    )
    save_ranking(Ranking((rating,)), HERE)


def test_without_a_ranking_the_full_size_model_is_taken(lock: Lock, store: Store) -> None:
    assert choose("objects", lock, store, HERE, "auto") is LARGE


@pytest.mark.parametrize(("rate", "chosen"), [(50.0, LARGE), (0.1, SMALL)])
def test_what_was_measured_decides(lock: Lock, store: Store, rate: float, chosen: object) -> None:
    remember(rate)
    assert choose("objects", lock, store, HERE, "auto") is chosen


def test_who_names_a_model_or_a_backend_gets_it(lock: Lock, store: Store) -> None:
    remember(0.1)
    assert choose("objects", lock, store, HERE, "auto", ["large"]) is LARGE
    assert choose("objects", lock, store, HERE, "native") is LARGE


def test_doctor_tells_why(lock: Lock, store: Store) -> None:
    remember(0.1)
    [found] = checks.models(lock, store, HERE, offline=True)
    assert found.found.startswith(
        "small (portable, onnxruntime): large is installed, but it takes all cores 10.0 s"
    )
