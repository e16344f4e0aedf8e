"""`recognize bench` with the real models, as short as may be. No timing is judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.photos import CAT, COFFEE, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Ended, Recognize

pytestmark = pytest.mark.model

SHORT = ("--engine", "onnxruntime", "--seconds", "0.2", "--format", "json")


def document(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.stdout)
    assert (found["type"], found["schema"]) == ("bench", 1)
    return found


def test_objects_are_measured_and_remembered(recognize: Recognize) -> None:
    ended = recognize("bench", "-r", "objects", *SHORT)
    assert ended.code == 0, ended.stderr
    found = document(ended)
    [result] = found["results"]
    assert (result["recognizer"], result["model"], result["tier"]) == (
        "objects",
        "efficientnet-lite2",
        "portable",
    )
    assert (result["engine"], result["files"], result["files_failed"]) == ("onnxruntime", 3, 0)
    numbers = {key: value for key, value in result.items() if key.endswith(("_ms", "_second", "_bytes"))}
    assert len(numbers) == 10
    assert all(value >= 0 for value in numbers.values())
    cores = found["machine"]["cores"]
    costs = result["decode_cpu_ms"] + result["model_cpu_ms"]
    assert result["floor_items_per_second"] == pytest.approx(cores * 1e3 / costs, rel=0.01)
    rate = result["scan_items_per_second"] / result["floor_items_per_second"]
    assert result["ratio"] == pytest.approx(rate, rel=0.01)
    remembered = recognize.home / ".local" / "state" / "recognize" / "bench.json"
    assert found["ranking"] == str(remembered)
    assert json.loads(remembered.read_bytes())["ratings"][0]["model"] == "efficientnet-lite2"
    assert "efficientnet-lite2" in speed(recognize)


def speed(recognize: Recognize) -> str:
    checks = json.loads(recognize("doctor", "--format", "json").stdout)["checks"]
    return next(str(check["found"]) for check in checks if check["name"] == "speed")


def test_all_recognizers_whose_model_is_there_are_measured(recognize: Recognize) -> None:
    ended = recognize("bench", *SHORT)
    assert ended.code == 0, ended.stderr
    names = [result["recognizer"] for result in document(ended)["results"]]
    assert names[:3] == ["objects", "faces", "music"]
    assert "landmarks is not installed" in ended.stderr


def test_a_folder_is_read_and_nothing_else(recognize: Recognize, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    put(CAT, photos / "cat.jpg")
    put(COFFEE, photos / "trip" / "coffee.jpg")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8")
    before = {path: path.stat().st_mtime_ns for path in (photos, *photos.rglob("*"))}
    ended = recognize("bench", photos, "-r", "objects", "-r", "music", *SHORT)
    assert ended.code == 0, ended.stderr
    [result] = document(ended)["results"]
    assert (result["files"], result["files_failed"]) == (3, 1)
    assert "music is not measured: there is no audio" in ended.stderr
    assert document(ended)["ranking"] is None
    assert speed(recognize).startswith("not measured")
    assert {path: path.stat().st_mtime_ns for path in (photos, *photos.rglob("*"))} == before


def test_results_are_text_unless_asked(recognize: Recognize) -> None:
    ended = recognize("bench", "-r", "objects", "--seconds", "0.2", "-q")
    assert ended.code == 0
    text = ended.stdout.decode()
    assert text.startswith("machine\n")
    assert "of the floor" in text


def test_an_empty_folder_is_no_success(recognize: Recognize, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = recognize("bench", tmp_path / "empty", "-r", "objects", *SHORT)
    assert ended.code == 4
    assert "nothing in it can be measured with" in ended.stderr
    assert ended.stdout == b""


def test_what_cannot_be_remembered_is_told_all_the_same(recognize: Recognize) -> None:
    (recognize.home / ".local").mkdir()
    (recognize.home / ".local" / "state").write_text("no folder")
    ended = recognize("bench", "-r", "objects", *SHORT)
    assert ended.code == 0
    assert document(ended)["ranking"] is None
    assert "is not remembered" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-r", "landmarks"], 6, "landmarks is not installed"),
        (["--model", "efficientnetv2"], 6, "efficientnetv2 is not installed"),
        (["--model", "nothing"], 2, "nothing"),
        (["--model", "musicnn-msd", "-r", "objects"], 2, "none of them is for objects"),
        (["nowhere"], 4, "does not exist"),
    ],
)
def test_what_cannot_be_measured_is_said(
    recognize: Recognize, arguments: list[str], code: int, message: str
) -> None:
    ended = recognize("bench", *arguments, *SHORT)
    assert ended.code == code
    assert message in ended.stderr
