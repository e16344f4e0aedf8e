"""The NumPy yardstick reads TensorFlow's semantics as TensorFlow.js does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.models.convert.tfjs import convert
from tests.models.convert.tfjs import evaluator, runtime
from tests.models.convert.tfjs.made import Made, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model


def everything() -> tuple[Made, list[str]]:
    """One graph with the ops and attributes whose meaning is easily misread."""
    made, random = Made(), np.random.default_rng(3)

    def const(*shape: int, quantised: str | None = None) -> str:
        return made.const(random.normal(size=shape).astype(np.float32), quantised)

    def conv(op: str, image: str, kernel: str, strides: tuple[int, int], padding: str, **more: Any) -> str:
        inputs = [image, kernel, *more.pop("extra", [])]
        more = {"dilations": [1, 1, 1, 1], "data_format": "NHWC", **more}
        return made.add(op, *inputs, strides=[1, *strides, 1], padding=padding, **more)

    image = made.placeholder((-1, 9, 8, 3))
    outputs = [
        conv("Conv2D", image, const(3, 3, 3, 4), (2, 2), "SAME"),
        conv("Conv2D", image, const(2, 4, 3, 4, quantised="float16"), (2, 3), "SAME"),
        conv("Conv2D", image, const(1, 1, 3, 4, quantised="uint8"), (2, 2), "SAME"),
        conv("Conv2D", image, const(3, 2, 3, 4, quantised="uint16"), (1, 1), "SAME", dilations=[1, 2, 3, 1]),
        conv(
            "Conv2D", image, const(3, 3, 3, 4), (2, 1), "EXPLICIT", explicit_paddings=[0, 0, 2, 1, 0, 3, 0, 0]
        ),
        conv("DepthwiseConv2dNative", image, const(3, 3, 3, 2), (2, 2), "SAME"),
    ]
    for activation in ["Relu6", "Elu", "Sigmoid", "LeakyRelu", "Prelu"]:
        extra = [const(4), *([const(4)] if activation == "Prelu" else [])]
        attrs: dict[str, Any] = {"fused_ops": ["BiasAdd", activation], "num_args": len(extra), "extra": extra}
        if activation == "LeakyRelu":
            attrs["leakyrelu_alpha"] = 0.3
        outputs.append(conv("_FusedConv2D", image, const(3, 3, 3, 4), (1, 1), "VALID", **attrs))
    for op in ["MaxPool", "AvgPool"]:
        for padding in ["SAME", "VALID"]:
            outputs.append(made.add(op, image, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=padding))
    outputs += [
        made.add("Softmax", made.add("Reshape", image, made.const(np.array([-1, 24], np.int32), "uint8"))),
        made.add("LeakyRelu", image, alpha=0.4),
        made.add("Mean", image, made.const(np.array([-1, 1], np.int32)), keep_dims=False),
        made.add("Transpose", image, made.const(np.array([0, 3, 1, 2], np.int32))),
        made.add("Cast", made.add("Mul", image, made.const(np.float32(9))), SrcT="DT_FLOAT", DstT="DT_UINT8"),
        made.add("PadV2", image, made.const(np.eye(4, 2, dtype=np.int32)), made.const(np.float32(7))),
    ]
    return made, outputs


@pytest.mark.parametrize("backend", ["cpu", "wasm"])
def test_three_agree(tensorflow_js: Path, tmp_path: Path, backend: str) -> None:
    made, outputs = everything()
    model = made.save(tmp_path, *outputs)
    images = np.random.default_rng(1).normal(size=(2, 9, 8, 3)).astype(np.float32)
    convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")
    ours = run(tmp_path / "model.onnx", {"images:0": images})
    numpy = evaluator.evaluate(model, made.weights, {"images": images})
    theirs = runtime.evaluate(tensorflow_js, tmp_path, images, backend)
    assert len(ours) == len(numpy) == len(theirs) == len(outputs)
    for name, *results in zip(outputs, ours, numpy, theirs, strict=True):
        for result in results[1:]:
            np.testing.assert_allclose(results[0], result, rtol=1e-4, atol=1e-5, err_msg=name)
