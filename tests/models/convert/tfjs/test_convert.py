from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tfjs import convert
from tests.models.convert.tfjs.made import SAME, Made, run

if TYPE_CHECKING:
    from pathlib import Path


def network(blocks: int = 3, width: int = 8) -> tuple[Made, str]:
    """A small classifier with residual blocks and a squeeze-and-excitation."""
    made = Made()
    image = made.placeholder((-1, -1, -1, 3))
    axes = made.const(np.array([1, 2], np.int32))
    trunk = made.add("Conv2D", image, made.const(np.ones((3, 3, 3, width), np.float32)), **SAME)
    for _ in range(blocks):
        branch = made.add("Relu6", made.add("BiasAdd", trunk, made.const(np.ones(width, np.float32))))
        weights = made.const(np.ones((3, 3, width, 1), np.float32))
        branch = made.add("DepthwiseConv2dNative", branch, weights, **SAME)
        gate = made.add("Sigmoid", made.add("Mean", branch, axes, keep_dims=True))
        trunk = made.add("AddV2", trunk, made.add("Mul", branch, gate))
    pooled = made.add("Mean", trunk, axes, keep_dims=False)
    return made, made.add("MatMul", pooled, made.const(np.ones((width, 5), np.float32)), name="logits")


def sizes(port: onnx.ValueInfoProto) -> list[int | str]:
    return [axis.dim_param or axis.dim_value for axis in port.type.tensor_type.shape.dim]


def converted(made: Made, output: str, folder: Path, **options: Any) -> onnx.ModelProto:
    made.save(folder, output)
    convert(folder / "model.json", folder, folder / "model.onnx", **options)
    return onnx.load(folder / "model.onnx")


def test_nothing_moves_between_the_layers(tmp_path: Path) -> None:
    model = converted(*network(), tmp_path)
    assert [node.op_type for node in model.graph.node].count("Transpose") == 1


def test_an_image_for_several_layers_moves_once(tmp_path: Path) -> None:
    made = Made()
    image = made.add("Neg", made.placeholder((-1, 8, 8, 3)))
    weights = made.const(np.ones((3, 3, 3, 3), np.float32))
    first = made.add("Conv2D", image, weights, **SAME)
    padded = made.add("Pad", image, made.const(np.zeros((4, 2), np.int32)))
    joined = made.add("Add", image, made.add("Add", first, made.add("Conv2D", padded, weights, **SAME)))
    pooled = made.add("Mean", joined, made.const(np.array([1, 2], np.int32)))
    model = converted(made, pooled, tmp_path)
    assert [node.op_type for node in model.graph.node].count("Transpose") == 1


def test_free_sizes_stay_free(tmp_path: Path) -> None:
    made, logits = network()
    model = converted(made, logits, tmp_path)
    assert sizes(model.graph.input[0]) == ["batch", "height", "width", 3]
    assert sizes(model.graph.output[0]) == ["batch", 5]
    for shape in [(1, 5, 9, 3), (3, 8, 8, 3)]:
        assert run(tmp_path / "model.onnx", {"images:0": np.zeros(shape, np.float32)})[0].shape == (
            shape[0],
            5,
        )


def test_side_fixes_the_image(tmp_path: Path) -> None:
    model = converted(*network(), tmp_path, side=32)
    assert sizes(model.graph.input[0]) == ["batch", 32, 32, 3]


@pytest.mark.parametrize("shape", [(-1, 16, 16, 3), (-1, 3)])
def test_side_must_be_possible(shape: tuple[int, ...], tmp_path: Path) -> None:
    made = Made()
    made.placeholder(shape)
    with pytest.raises(ConversionFailed, match=r"'images' \(Placeholder\).* of side 32"):
        converted(made, made.add("Relu", "images"), tmp_path, side=32)


def test_names_are_those_of_the_signature(tmp_path: Path) -> None:
    made, logits = network()
    model = made.save(tmp_path, logits)
    model["signature"] = {
        "inputs": {"pixels": {"name": "images:0"}},
        "outputs": {"classes": {"name": "logits:0"}, "also": {"name": "logits"}},
    }
    onnx_model = _convert_document(model, tmp_path)
    assert [port.name for port in onnx_model.graph.input] == ["pixels"]
    assert [port.name for port in onnx_model.graph.output] == ["classes", "also"]


def test_a_name_of_the_signature_may_also_be_that_of_a_node(tmp_path: Path) -> None:
    """As in upstream's music model, whose output is named after a layer."""
    made = Made()
    made.placeholder((-1, 3))
    first = made.add("Relu", "images", name="dense")
    last = made.add("Neg", first, name="Identity")
    model = made.save(tmp_path, last)
    model["signature"]["outputs"] = {"dense": {"name": "Identity:0"}}
    _convert_document(model, tmp_path)
    (result,) = run(tmp_path / "model.onnx", {"images:0": np.array([[-1, 0, 2]], np.float32)})
    np.testing.assert_array_equal(result, [[0, 0, -2]])


def test_one_name_for_two_ports(tmp_path: Path) -> None:
    made, logits = network()
    model = made.save(tmp_path, logits)
    model["signature"]["outputs"] = {"images:0": {"name": "logits:0"}}
    with pytest.raises(ConversionFailed, match="the signature gives one name to two"):
        _convert_document(model, tmp_path)


@pytest.mark.parametrize("place", ["nowhere", "userDefinedMetadata"])
def test_where_signatures_are_found(place: str, tmp_path: Path) -> None:
    made, logits = network()
    model = made.save(tmp_path, logits)
    signature = model.pop("signature")
    if place == "userDefinedMetadata":
        model["userDefinedMetadata"] = {"signature": signature}
    onnx_model = _convert_document(model, tmp_path)
    names = ["images", "logits"] if place == "nowhere" else ["images:0", "logits:0"]
    assert [onnx_model.graph.input[0].name, onnx_model.graph.output[0].name] == names


def test_integer_outputs_are_int32(tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 3))
    model = converted(made, made.add("Shape", "images"), tmp_path)
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.INT32


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    made, logits = network()
    converted(made, logits, tmp_path)
    first = (tmp_path / "model.onnx").read_bytes()
    made.nodes.reverse()  # the order of the nodes in the file does not matter either
    converted(made, logits, tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == first


def test_a_shared_weight_is_written_once(tmp_path: Path) -> None:
    made = Made()
    image = made.placeholder((-1, 4, 4, 3))
    weights = made.const(np.ones((3, 3, 3, 3), np.float32))
    twice = made.add("Conv2D", made.add("Conv2D", image, weights, **SAME), weights, **SAME)
    assert len(converted(made, twice, tmp_path).graph.initializer) == 1


def test_memory_is_that_of_one_weight(tmp_path: Path) -> None:
    """16 weights of 4 MiB; less than half of that is ever held."""
    made = Made()
    value = made.placeholder((-1, 1024))
    for _ in range(16):
        value = made.add("MatMul", value, made.const(np.ones((1024, 1024), np.float32)))
    made.save(tmp_path, value)
    tracemalloc.start()
    try:
        convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "model.onnx").stat().st_size > 64 * 2**20


def test_more_than_an_onnx_file_holds(tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 3))
    result = made.add("Add", "images", "huge")
    made.nodes.append({"name": "huge", "op": "Const"})
    made.entries.append({"name": "huge", "shape": [200_000_000, 3], "dtype": "float32"})
    made.save(tmp_path, result)
    with (tmp_path / "group1-shard1of1.bin").open("wb") as file:
        file.truncate(200_000_000 * 12)  # a hole: it takes no room on the disk
    with pytest.raises(ConversionFailed, match=r"2\.2 GiB of weights; an ONNX file holds 2 GiB"):
        convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, logits = network()
    made.save(tmp_path, logits)
    before = sorted(tmp_path.iterdir())
    real = np.frombuffer

    def shrinks(content: bytes, dtype: str) -> object:
        if dtype == "<f4":  # the first of those that are written
            (tmp_path / "group1-shard1of1.bin").write_bytes(b"")
        return real(content, dtype)

    monkeypatch.setattr(np, "frombuffer", shrinks)
    with pytest.raises(ConversionFailed, match="became shorter"):
        convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")
    assert sorted(tmp_path.iterdir()) == before


def _convert_document(model: dict[str, Any], folder: Path) -> onnx.ModelProto:
    (folder / "model.json").write_text(json.dumps(model))
    convert(folder / "model.json", folder, folder / "model.onnx")
    return onnx.load(folder / "model.onnx")
