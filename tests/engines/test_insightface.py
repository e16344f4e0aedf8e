"""The engine over the real package, with made models that have the inputs and outputs of the real ones.

The detector finds a face in each bright cell of 8 pixels; the descriptor gives the mean colour of what it
sees.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.engines.insightface import InsightFace
from recognize_cli.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

STRIDES = (8, 16, 32)
AROUND = np.array([1, 2, 3, 4], np.float32)  # left, top, right and bottom of a face around its cell, in cells
POINTS = np.array([0, 0, 2, 0, 1, 1, 0.25, 2, 1.75, 2], np.float32)  # its landmarks, in cells


def constant(name: str, value: object, dtype: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, dtype), name)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    size: list[object],
    outputs: list[str],
) -> Path:
    image = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, size)
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "m"]) for name in outputs]
    graph = helper.make_graph(nodes, "made", [image], infos, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def save_detector(path: Path, *, landmarks: bool = True) -> Path:
    """Scores, boxes and points of two anchors a cell, for three strides; only the first one sees anything."""
    parts = [("score", 1, np.zeros(1)), ("box", 4, AROUND), ("points", 10, POINTS)][: 3 if landmarks else 2]
    constants = [constant("column", [-1, 1], np.int64), constant("one", 1), constant("zero", 0)]
    constants += [constant(f"rows_of_{width}", [-1, width], np.int64) for _, width, _ in parts]
    nodes = [helper.make_node("ReduceMean", ["input.1"], ["gray"], axes=[1], keepdims=1)]
    for stride in STRIDES:
        shape = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes += [
            helper.make_node("AveragePool", ["gray"], [f"pool_{stride}"], **shape),
            helper.make_node("Reshape", [f"pool_{stride}", "column"], [f"cells_{stride}"]),
            helper.make_node("Clip", [f"cells_{stride}", "zero", "one"], [f"bright_{stride}"]),
        ]
        for name, width, values in parts:
            factor = np.ones(2 * width) if (name, stride) == ("score", 8) else np.zeros(2 * width)
            constants += [
                constant(f"factor_{name}_{stride}", factor.reshape(1, -1)),
                constant(f"value_{name}_{stride}", np.tile(values, 2).reshape(1, -1)),
            ]
            nodes += [
                helper.make_node(
                    "MatMul", [f"bright_{stride}", f"factor_{name}_{stride}"], [f"a_{name}_{stride}"]
                ),
                helper.make_node(
                    "Add", [f"a_{name}_{stride}", f"value_{name}_{stride}"], [f"b_{name}_{stride}"]
                ),
                helper.make_node("Reshape", [f"b_{name}_{stride}", f"rows_of_{width}"], [f"{name}_{stride}"]),
            ]
    outputs = [f"{name}_{stride}" for name, _, _ in parts for stride in STRIDES]
    return save(path, nodes, constants, [1, 3, "h", "w"], outputs)


def save_descriptor(path: Path) -> Path:
    """512 numbers of which the first three are the mean red, green and blue, from -1 to 1."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input.1"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colours"]),
        helper.make_node("MatMul", ["colours", "spread"], ["embedding"]),
    ]
    return save(path, nodes, [constant("spread", np.eye(3, 512))], ["n", 3, 112, 112], ["embedding"])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return save_detector(folder / "detector.onnx"), save_descriptor(folder / "descriptor.onnx")


@pytest.fixture(scope="module")
def model(models: tuple[Path, Path]) -> Iterator[InsightFace]:
    pytest.importorskip("insightface")
    opened = InsightFace(*models)
    yield opened
    opened.close()


def black(width: int = 640, height: int = 640) -> NDArray[np.uint8]:
    return np.zeros((height, width, 3), np.uint8)


def with_face(pixels: NDArray[np.uint8], left: int, top: int) -> NDArray[np.uint8]:
    """The picture with one white cell."""
    changed = pixels.copy()
    changed[top : top + 8, left : left + 8] = 255
    return changed


def test_a_face_is_where_the_models_say(model: InsightFace) -> None:
    (face,) = model.analyse(with_face(black(), 160, 320))
    assert face.score == pytest.approx(127.5 / 128)
    assert (face.box.x, face.box.y) == pytest.approx(((160 - 8) / 640, (320 - 16) / 640))
    assert (face.box.width, face.box.height) == pytest.approx((32 / 640, 48 / 640))
    expected = (POINTS.reshape(5, 2) * 8 + (160, 320)) / 640
    assert np.allclose(face.landmarks, expected)
    assert (face.pose.roll, face.pose.yaw) == pytest.approx((0, 0), abs=1e-3)


def test_the_embedding_is_of_the_colours_of_the_face_and_of_length_1(model: InsightFace) -> None:
    pixels = np.full((640, 640, 3), (200, 130, 20), np.uint8)
    pixels[200:] = (0, 0, 40)
    (face,) = model.analyse(with_face(pixels, 96, 96))
    assert face.embedding.dtype == np.float32
    assert face.embedding.shape == (512,)
    assert np.linalg.norm(face.embedding) == pytest.approx(1)
    red, green, blue = face.embedding[:3]
    assert red > green > blue


def test_the_surest_face_is_first_and_coordinates_are_those_of_the_whole_image(model: InsightFace) -> None:
    pixels = np.zeros((1280, 960, 3), np.uint8)
    pixels[320:336, 320:336] = 220
    pixels[960:976, 640:656] = 255
    best, other = model.analyse(pixels)
    assert best.score > other.score
    assert best.landmarks[0] == pytest.approx((640 / 960, 960 / 1280))
    assert other.landmarks[0] == pytest.approx((320 / 960, 320 / 1280))


def test_a_face_at_the_edge_is_cut_off_there(model: InsightFace) -> None:
    (face,) = model.analyse(with_face(black(), 632, 632))
    assert face.box.x + face.box.width == pytest.approx(1)
    assert face.box.y + face.box.height == pytest.approx(1)
    assert np.asarray(face.landmarks).max() <= 1


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 1024), (1024, 1), (3, 2), (7, 1000), (1024, 1023)])
def test_images_of_any_shape_are_taken(model: InsightFace, size: tuple[int, int], value: int) -> None:
    faces = model.analyse(np.full((*size, 3), value, np.uint8))
    assert len(faces) <= 100
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        assert np.isfinite(face.embedding).all()
        assert 0 <= face.box.x <= face.box.x + face.box.width <= 1 + 1e-9
        assert 0 <= face.box.y <= face.box.y + face.box.height <= 1 + 1e-9


def test_threads_share_a_model(model: InsightFace) -> None:
    pictures = [with_face(black(), 64 * index, 320) for index in range(1, 9)]
    expected = [model.analyse(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.analyse, pictures * 2)) == expected * 2


@pytest.mark.parametrize("broken", [0, 1])
@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "junk", "absent"])
def test_a_file_that_is_no_model_is_an_engine_error(
    models: tuple[Path, Path], tmp_path: Path, content: bytes | None, broken: int
) -> None:
    pytest.importorskip("insightface")
    paths = list(models)
    paths[broken] = tmp_path / "broken.onnx"
    if content is not None:
        paths[broken].write_bytes(content)
    with pytest.raises(EngineError, match=r"broken\.onnx") as caught:
        InsightFace(*paths)
    assert caught.value.exit_code is ExitCode.ENGINE


def test_models_of_another_kind_are_an_engine_error(models: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("insightface")
    detector, descriptor = models
    blind = save_detector(tmp_path / "blind.onnx", landmarks=False)
    for wrong in ((descriptor, detector), (blind, descriptor), (detector, detector)):
        with pytest.raises(EngineError):
            InsightFace(*wrong)


def test_nothing_is_reported_or_downloaded(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("insightface")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    InsightFace(*models).close()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_the_error_names_the_remedy(
    models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "insightface"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "insightface", None)
    with pytest.raises(EngineError, match=r"pip install 'recognize-cli\[insightface\]'"):
        InsightFace(*models)
