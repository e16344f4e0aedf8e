"""`recognize scan --engine`: what changes with the engine, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.hardware import probe
from recognize_cli.models.engines import has_bfloat16
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.ranking import Ranking, Rating, save_ranking
from tests.support.gpus import needs_gpu
from tests.support.openvino import HAS_OPENVINO, needs_openvino

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Ended, Recognize

pytestmark = pytest.mark.model

LITE2 = load_lock().entry("efficientnet-lite2")


def tags(ended: Ended) -> dict[str, dict[str, float]]:
    return {path: {tag["name"]: tag["score"] for tag in file["tags"]} for path, file in ended.files.items()}


def names(tags: dict[str, dict[str, float]]) -> dict[str, set[str]]:
    return {path: set(found) for path, found in tags.items()}


def unchanged(ended: Ended) -> set[bool]:
    return {file["unchanged"] for file in ended.of("file")}


@needs_openvino
def test_the_fastest_engine_is_taken_and_nothing_is_looked_at_again_for_it(
    recognize: Recognize, tree: Path
) -> None:
    rate = {"onnxruntime": 1.0, "openvino": 2.0}
    ratings = [
        Rating("objects", LITE2.name, fingerprint(LITE2), engine, "float32", each, "2026-01-01")
        for engine, each in rate.items()
    ]
    before = recognize("-v", "scan", tree, "-r", "objects")
    save_ranking(
        Ranking(tuple(ratings)), probe(), recognize.home / ".local" / "state" / "recognize" / "bench.json"
    )
    after = recognize("-v", "scan", tree, "-r", "objects")
    assert "runs in onnxruntime, float32" in before.stderr
    assert "runs in openvino, float32" in after.stderr
    assert unchanged(after) == {True}
    anew = recognize("-v", "scan", tree, "-r", "objects", "--no-catalogue")
    found, expected = tags(anew), tags(before)
    assert names(found) == names(expected)
    assert all(abs(found[path][name] - expected[path][name]) < 1e-4 for path in found for name in found[path])


@needs_openvino
@pytest.mark.skipif(not has_bfloat16(probe().cpu), reason="this CPU does not compute in bfloat16")
def test_another_precision_looks_at_all_again_and_finds_the_same(recognize: Recognize, tree: Path) -> None:
    before = recognize("scan", tree, "-r", "objects")
    after = recognize("-v", "scan", tree, "-r", "objects", "--engine", "objects=openvino")
    assert "runs in openvino, bfloat16" in after.stderr
    assert unchanged(after) == {False}
    assert names(tags(after)) == names(tags(before))


@pytest.mark.skipif(HAS_OPENVINO, reason="OpenVINO is installed")
def test_an_engine_that_is_not_installed_is_an_error_that_says_how_to_install_it(
    recognize: Recognize, tree: Path
) -> None:
    ended = recognize("scan", tree, "--engine", "openvino")
    assert ended.code == 7
    assert "pip install 'recognize-cli[openvino]'" in ended.stderr


@needs_gpu
def test_a_gpu_finds_what_the_cpu_finds_and_nothing_is_looked_at_again_for_it(
    recognize: Recognize, tree: Path
) -> None:
    before = recognize("scan", tree, "-r", "objects", "-r", "faces")
    after = recognize("-v", "scan", tree, "-r", "objects", "-r", "faces", "--device", "cuda")
    assert "efficientnet-lite2 runs in onnxruntime, float32, cuda:0" in after.stderr
    assert unchanged(after) == {True}
    anew = recognize("scan", tree, "-r", "objects", "-r", "faces", "--device", "cuda", "--no-catalogue")
    found, expected = tags(anew), tags(before)
    assert names(found) == names(expected)
    assert all(abs(found[path][name] - expected[path][name]) < 1e-4 for path in found for name in found[path])


@needs_gpu
def test_the_model_in_8_bits_stays_on_the_cpu(recognize: Recognize, tree: Path, tmp_path: Path) -> None:
    recognize.models = tmp_path / "models"
    ended = recognize("scan", tree, "-r", "objects", "--model", "efficientnet-lite2-int8", "--device", "cuda")
    assert "efficientnet-lite2-int8 stays on the CPU" in ended.stderr


def test_the_model_in_8_bits_is_fetched_and_runs_whatever_engine_is_asked_for(
    recognize: Recognize, tree: Path, tmp_path: Path
) -> None:
    recognize.models = tmp_path / "models"
    engine = "openvino" if HAS_OPENVINO else "onnxruntime"
    named = ("--model", "efficientnet-lite2-int8", "--engine", engine)
    ended = recognize("-v", "scan", tree, "-r", "objects", *named)
    assert "efficientnet-lite2-int8 runs in onnxruntime, int8" in ended.stderr
    assert {"Cat", "Animal"} <= names(tags(ended))["cat.jpg"]
