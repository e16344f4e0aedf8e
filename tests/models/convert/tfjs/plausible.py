"""Made weights for the real topologies of upstream, whose shards are not to be had.

Random weights alone drown the image in biases or in rounding after some dozen layers, and then two
evaluations agree whatever they compute. So each convolution is scaled, as batch normalisation
does in training, to give every channel a mean near 0 and a deviation near 1 on sample images.
Integers, and the constants that a topology needs to make sense (axes, paddings, the 3 and 1/6 of
a hard swish), are those that the real models must have.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.models.convert.tfjs.evaluator import apply, attributes, evaluate, inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]

SHARD_SIZE = 4 * 2**20

_INTEGERS: dict[str, object] = {
    # efficientnets and landmarks
    "*/Mean/reduction_indices": [1, 2],
    "*/Sum/reduction_indices": 1,
    "*/strided_slice/stack": [0],
    "*/strided_slice/stack_1": [1],
    "*/strided_slice/stack_2": [1],
    "*/random_uniform/shape/?": 1,
    "*/Tensordot/axes": [3],
    "*/Tensordot/free": [0, 1, 2],
    "*/Tensordot/Const": [0],
    "*/Tensordot/Const_1": [0],
    "*/Tensordot/Const_2": [64],
    "*/GatherV2/axis": 0,
    "*/GatherV2_1/axis": 0,
    "*/concat_1/axis": 0,
    "*/transpose_1/perm": [1, 0],
    # musicnn: three frames of padding on each side, and frequencies in the place of channels
    "*/zero_padding2d/Pad/paddings": [[0, 0], [3, 3], [0, 0], [0, 0]],
    "*/zero_padding2d_1/Pad/paddings": [[0, 0], [3, 3], [0, 0], [0, 0]],
    "*/zero_padding2d_2/Pad/paddings": [[0, 0], [3, 3], [0, 0], [0, 0]],
    "*/zero_padding2d_3/Pad/paddings": [[0, 0], [3, 3], [0, 0], [0, 0]],
    "*/permute/transpose/perm": [0, 1, 3, 2],
    "*/permute_1/transpose/perm": [0, 1, 3, 2],
    "*/permute_3/transpose/perm": [0, 1, 3, 2],
    "*/concatenate/concat/axis": -1,
    "*/concatenate_1/concat/axis": 2,
    "*/concatenate_2/concat/axis": 1,
    "*/flatten/Const": [-1, 4194],
}

_FLOATS: dict[str, object] = {
    # Dropout that keeps everything, for it is random in the yardsticks: 1/p, p and 1 - p.
    "*/div_recip": 1.0,
    "*/add/x": 1.0,
    "*/dropout/Const": 1.0,
    "*/GreaterEqual/y": 0.0,
    # efficientnet_lite4: from [0, 1] to (x - 127) / 128
    "Const": 255 / 128,
    "Const_1": -127 / 128,
    # landmarks: from [0, 1] to bytes and to [-1, 1], hard swish, generalised mean, normalisation
    "module_apply_default/hub_input/Mul/y": 255.0,
    "module_apply_default/hub_input/Add/y": 0.5,
    "module_apply_default/convert_image": 1 / 255,
    "module_apply_default/module_apply_default/hub_input/Mul/y": 2.0,
    "*/hub_input/tfhub_input_scaling/y": -1.0,
    "*/hard_swish/add/y": 3.0,
    "*/hard_swish/mul_1/y": 1 / 6,
    "*/squeeze_excite/Conv_1/add/y": 3.0,
    "*/squeeze_excite/Conv_1/mul/y": 1 / 6,
    "*/gem/Maximum/y": 1e-6,
    "*/gem/gem_power": 3.0,
    "*/gem/truediv": 1 / 3,
    "*/prelogits_norm/Maximum/y": 1e-12,
}


def images(shape: tuple[int, ...], seed: int = 5) -> NDArray[np.float32]:
    """Smooth noise in whole steps of 1/255, quite different from one image to the next."""
    random = np.random.default_rng(seed)
    count, height, width, channels = shape
    coarse = random.uniform(size=(count, 7, 7, channels))
    rows, columns = (np.linspace(0, 6.999, size).astype(int) for size in (height, width))
    steps = 255 * coarse[:, rows][:, :, columns] * random.uniform(0.6, 1, size=shape)
    return (np.round(steps) / 255).astype(np.float32)


def weights(model: dict[str, Any], samples: Array) -> dict[str, Array]:
    """Weights by name, scaled on sample images."""
    random = np.random.default_rng(2024)
    nodes = model["modelTopology"]["node"]
    uses = {name: (node, at) for node in nodes for at, name in enumerate(inputs(node))}
    made: dict[str, Array] = {}
    for entry in (entry for group in model["weightsManifest"] for entry in group["weights"]):
        name, shape = entry["name"], tuple(entry["shape"])
        known = _known(name, _INTEGERS if entry["dtype"] == "int32" else _FLOATS)
        if known is None:
            assert entry["dtype"] == "float32", name
            made[name] = _random(random, shape, *uses[name])
        else:
            made[name] = np.asarray(known, entry["dtype"])
        assert made[name].shape == shape, name
    branches = _residual_branches(nodes)

    def scale(node: Mapping[str, Any], arguments: list[Array]) -> None:
        if "Conv" in node["op"]:
            _normalise(node, arguments, made, deviation=0.2 if node["name"] in branches else 1.0)

    (placeholder,) = [node["name"] for node in nodes if node["op"] == "Placeholder"]
    evaluate(model, made, {placeholder: samples}, before=scale)
    return made


def write_shards(model: dict[str, Any], made: Mapping[str, Array], folder: Path) -> None:
    """Writes the shards that a manifest names, all but the last of 4 MiB."""
    for group in model["weightsManifest"]:
        paths, pending = iter(group["paths"]), bytearray()
        for entry in group["weights"]:
            pending += made[entry["name"]].tobytes()
            while len(pending) > SHARD_SIZE:
                (folder / next(paths)).write_bytes(pending[:SHARD_SIZE])
                del pending[:SHARD_SIZE]
        (folder / next(paths)).write_bytes(pending)
        assert next(paths, None) is None


def _known(name: str, table: dict[str, object]) -> object | None:
    return next((value for pattern, value in table.items() if fnmatchcase(name, pattern)), None)


def _random(
    random: np.random.Generator, shape: tuple[int, ...], node: Mapping[str, Any], position: int
) -> NDArray[np.float32]:
    normal = random.standard_normal(shape, np.float32)
    if len(shape) == 2:
        return normal / np.float32(math.sqrt(shape[0] if position == 1 else shape[1]))
    if len(shape) == 4:
        return normal
    return 1 + normal / 10 if node["op"] == "Mul" else normal / 10


def _residual_branches(nodes: list[dict[str, Any]]) -> set[str]:
    """The nodes whose result is only added to what a block was given, dropout passed over."""
    by_name = {node["name"]: node for node in nodes}
    branches = set()
    for node in nodes:
        for name in inputs(node) if node["op"] in ("Add", "AddV2") else ():
            while by_name[name]["op"] == "Mul":
                name = inputs(by_name[name])[0]
            branches.add(name)
    return branches - {inputs(node)[0] for node in nodes if "Conv" in node["op"]}


def _normalise(
    node: Mapping[str, Any], arguments: list[Array], made: dict[str, Array], deviation: float
) -> None:
    """Scales the filter and moves the bias of a convolution, so that its linear result is normal."""
    linear = apply(node["op"], {**attributes(node), "fused_ops": []}, arguments[:2])
    spread = linear.std(axis=(0, 1, 2))
    mean = linear.mean(axis=(0, 1, 2))
    if linear.shape[1:3] == (1, 1):  # a pooled image has too few values to judge a channel by
        spread, mean = np.full_like(spread, linear.std()), np.zeros_like(mean)
    factor = deviation / np.maximum(spread, linear.std() / 10)
    weight, bias = inputs(node)[1:3]
    shape = (-1, 1) if "Depthwise" in node["op"] else (-1,)
    made[weight] = (made[weight] * factor.reshape(shape)).astype(np.float32)
    made[bias] = (made[bias] - mean * factor).astype(np.float32)
