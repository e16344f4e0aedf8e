from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.ranking import (
    NOT_MEASURED,
    Ranking,
    Rating,
    default_path,
    load_ranking,
    save_ranking,
)
from recognize_cli.models.select import Engine
from tests.models.making import locked, made_entry

if TYPE_CHECKING:
    from pathlib import Path

HERE = Hardware(
    Cpu("x86_64", "A CPU", frozenset({"avx", "sse2"})), Libc("glibc", "2.36"), 2, 8 << 30, 4 << 30
)
ENTRY = made_entry(locked("model.onnx", b"bytes"), name="large")
ONNX, OTHER = Engine("onnxruntime"), Engine("openvino")
LOW = Engine("openvino", precision="bfloat16")


def rating(engine: Engine = ONNX, rate: float = 10.0, **changes: Any) -> Rating:
    fields = {
        "recognizer": ENTRY.recognizer,
        "model": ENTRY.name,
        "fingerprint": fingerprint(ENTRY),
        "engine": engine.name,
        "precision": engine.precision,
        "items_per_second": rate,
        "measured": "2026-05-01",
    }
    return Rating(**{**fields, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bench.json"


def test_what_is_saved_is_loaded(path: Path) -> None:
    ranking = Ranking((rating(), rating(OTHER, 12.5)))
    save_ranking(ranking, HERE, path)
    assert load_ranking(HERE, path) == ranking
    assert [each.name for each in path.parent.iterdir()] == ["bench.json"]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_free_memory_does_not_make_another_machine(path: Path) -> None:
    save_ranking(Ranking((rating(),)), HERE, path)
    assert load_ranking(replace(HERE, memory_available=1), path).ratings


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, cores=4),
        replace(HERE, cpu=replace(HERE.cpu, model="Another CPU")),
        replace(HERE, cpu=replace(HERE.cpu, flags=frozenset({"sse2"}))),
        replace(HERE, cpu=replace(HERE.cpu, flags=None)),
        replace(HERE, cpu=replace(HERE.cpu, architecture="aarch64")),
    ],
    ids=["cores", "cpu", "flags", "no-flags", "architecture"],
)
def test_another_machine_ignores_it(path: Path, other: Hardware) -> None:
    save_ranking(Ranking((rating(),)), HERE, path)
    assert load_ranking(other, path) is NOT_MEASURED


def test_without_a_file_nothing_is_known(path: Path) -> None:
    assert load_ranking(HERE, path) is NOT_MEASURED


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"machine": None},
        {"ratings": None},
        {"ratings": [1]},
        {"ratings": [{}]},
        *(
            {"ratings": [{**vars_of, "items_per_second": rate}]}
            for vars_of in [
                {
                    name: "x"
                    for name in ("recognizer", "model", "fingerprint", "engine", "precision", "measured")
                }
            ]
            for rate in (0, -1.0, "10", None, True, float("nan"), float("inf"), 10**400)
        ),
        {"ratings": [{"recognizer": 1, "items_per_second": 1.0}]},
        {
            "ratings": [
                {
                    **dict.fromkeys(("recognizer", "model", "fingerprint", "engine", "precision"), "x"),
                    "measured": 1,
                    "items_per_second": 1.0,
                }
            ]
        },
    ],
)
def test_a_damaged_file_says_nothing(path: Path, change: dict[str, object]) -> None:
    save_ranking(Ranking((rating(),)), HERE, path)
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, **change}))
    assert load_ranking(HERE, path) is NOT_MEASURED


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20) + b"{}"]
)
def test_what_is_no_ranking_says_nothing(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert load_ranking(HERE, path) is NOT_MEASURED


def test_a_folder_in_its_place_says_nothing(path: Path) -> None:
    path.mkdir(parents=True)
    assert load_ranking(HERE, path) is NOT_MEASURED
    with pytest.raises(OSError, match="bench"):
        save_ranking(Ranking((rating(),)), HERE, path)
    assert [each.name for each in path.parent.iterdir()] == ["bench.json"]


def test_the_same_model_in_the_same_engine_is_known() -> None:
    ranking = Ranking((rating(rate=7.0),))
    assert ranking.rate(ENTRY, ONNX) == 7.0
    assert ranking.rate(ENTRY, OTHER) is None
    assert ranking.rate(replace(ENTRY, recognizer="faces"), ONNX) is None


def test_another_version_of_a_model_was_not_measured() -> None:
    newer = replace(ENTRY, files=(locked("model.onnx", b"other bytes"),))
    assert Ranking((rating(),)).rate(newer, ONNX) is None


@pytest.mark.parametrize(
    ("ratings", "fastest"),
    [
        ([], ONNX),
        ([rating(OTHER, 99)], ONNX),  # nobody knows how fast the first is
        ([rating(ONNX, 10), rating(OTHER, 20), rating(LOW, 15)], OTHER),
        ([rating(ONNX, 10), rating(OTHER, 20), rating(LOW, 30)], LOW),
        ([rating(ONNX, 30), rating(OTHER, 20), rating(LOW, 15)], ONNX),
    ],
)
def test_the_fastest_engine_is_one_that_was_measured_against_the_others(
    ratings: list[Rating], fastest: Engine
) -> None:
    assert Ranking(tuple(ratings)).fastest(ENTRY, [ONNX, OTHER, LOW]) is fastest


def test_newer_ratings_replace_older_ones_and_leave_the_rest() -> None:
    ranking = Ranking((rating(ONNX, 1), rating(OTHER, 2)))
    assert ranking.updated([rating(ONNX, 3), rating(LOW, 4)]).ratings == (
        rating(ONNX, 3),
        rating(OTHER, 2),
        rating(LOW, 4),
    )


def test_it_lies_in_the_user_s_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "recognize" / "bench.json"
