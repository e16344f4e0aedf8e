"""The real topologies of upstream with made weights, against both yardsticks.

`pytest tests/models/convert/tfjs/test_topologies.py --log-cli-level=INFO` prints the figures that
docs/tfjs-converter.md states; RECOGNIZE_SLOW_TESTS=1 adds the models that take long.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from recognize_cli.models.convert.tfjs import convert
from tests.models.convert.tfjs import evaluator, plausible, runtime
from tests.models.convert.tfjs.made import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

UPSTREAM = Path(__file__).parents[5] / "shared" / "models" / "upstream"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not UPSTREAM.is_dir(), reason="../shared is absent"),
]

slow = pytest.mark.skipif(
    os.environ.get("RECOGNIZE_SLOW_TESTS") != "1", reason="RECOGNIZE_SLOW_TESTS is not 1"
)

LANDMARKS = (2, 321, 321, 3)
TOPOLOGIES = [
    pytest.param(("landmarks_oceania", LANDMARKS), id="landmarks_oceania"),
    *(
        pytest.param((f"landmarks_{continent}", LANDMARKS), id=f"landmarks_{continent}", marks=slow)
        for continent in ("africa", "asia", "europe", "north_america", "south_america")
    ),
    pytest.param(("musicnn", (2, 188, 96, 1)), id="musicnn"),
    pytest.param(("efficientnet_lite4", (2, 128, 128, 3)), id="efficientnet_lite4"),
    pytest.param(("efficientnetv2", (2, 128, 128, 3)), id="efficientnetv2", marks=slow),
]


@dataclass(frozen=True)
class Case:
    """A topology with weights, converted and run."""

    name: str
    folder: Path
    model: dict[str, Any]
    weights: dict[str, NDArray[Any]]
    images: NDArray[np.float32]
    result: NDArray[np.float32]


@pytest.fixture(scope="module", params=TOPOLOGIES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    name, shape = request.param
    folder = tmp_path_factory.mktemp(name)
    text = (UPSTREAM / f"{name}.model.json").read_text()
    (folder / "model.json").write_text(text)
    model = json.loads(text)
    images = plausible.images(shape)
    weights = plausible.weights(model, images)
    plausible.write_shards(model, weights, folder)
    convert(folder / "model.json", folder, folder / "model.onnx")
    (key,) = model["signature"]["inputs"]
    (result,) = run(folder / "model.onnx", {key: images})
    yield Case(name, folder, model, weights, images, result)
    shutil.rmtree(folder)


def differs_little(case: Case, expected: NDArray[Any], yardstick: str) -> None:
    assert case.result.shape == expected.shape
    # The images must matter, else the comparison says nothing.
    assert np.abs(expected[0] - expected[1]).max() > 0.03 * np.abs(expected).max()
    error = np.abs(case.result - expected).max()
    relative = error / np.abs(expected).max()
    log.info("%s against %s: largest error %.1e, %.1e relative", case.name, yardstick, error, relative)
    assert relative < 5e-5


def test_against_numpy(case: Case) -> None:
    (placeholder,) = [
        node["name"] for node in case.model["modelTopology"]["node"] if node["op"] == "Placeholder"
    ]
    (expected,) = evaluator.evaluate(case.model, case.weights, {placeholder: case.images})
    differs_little(case, expected, "NumPy")


@pytest.mark.model
def test_against_tensorflow_js(case: Case, tensorflow_js: Path) -> None:
    (expected,) = runtime.evaluate(tensorflow_js, case.folder, case.images)
    differs_little(case, expected, "TensorFlow.js")


def test_the_model(case: Case) -> None:
    model = onnx.load(case.folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    signature = case.model["signature"]
    assert [port.name for port in model.graph.input] == list(signature["inputs"])
    assert [port.name for port in model.graph.output] == list(signature["outputs"])
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    ops = [node.op_type for node in model.graph.node]
    assert "RandomUniform" not in ops
    if case.name.startswith("efficientnet"):
        assert ops.count("Transpose") == 1  # at the entrance; nothing moves between the layers
