"""The ONNX file: checked without its weights, then written with them, one weight at a time.

Messages of protobuf that follow each other in a file are merged when it is read
(https://protobuf.dev/programming-guides/encoding/#last-one-wins): repeated fields are joined. So
the file is the model without its large weights, followed by one model for each of them that
holds nothing else, and no more than one weight is ever in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, helper

from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recognize_cli.models.convert.tfjs.emission import Deferred
    from recognize_cli.models.convert.tfjs.translate import Translation

_OPSET = 18
_IR_VERSION = 8  # the format version that belongs to this operator set; all supported runtimes read it
_SIZE_LIMIT = 2**31 - 1  # protobuf reads no larger message
_OVERHEAD = 1024  # what a weight takes beside its numbers and its name, at the most


def checked(translation: Translation) -> ModelProto:
    """The model without its deferred weights, its outputs with the shapes that follow from them.

    Raises Unconvertible where ONNX itself finds a contradiction: an operator that takes no such
    type, sizes that do not fit.
    """
    emission = translation.emission
    weights = [
        helper.make_tensor_value_info(each.name, each.kind.tensor_type, each.shape)
        for each in emission.deferred
    ]
    model = helper.make_model(
        helper.make_graph(
            emission.nodes,
            "tfjs",
            [*translation.inputs, *weights],
            translation.outputs,
            emission.small,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="recognize-cli",
    )
    try:
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise Unconvertible(f"the graph contradicts itself: {' '.join(str(error).split())}") from error
    _check_channels(inferred.graph)
    del model.graph.input[len(translation.inputs) :], model.graph.output[:]
    model.graph.output.extend(inferred.graph.output)
    return model


def _check_channels(graph: GraphProto) -> None:
    """Filters must fit their images, which ONNX leaves to the runtime; so grouped ones are refused too."""
    shapes = {
        info.name: [axis.dim_value for axis in info.type.tensor_type.shape.dim]
        for info in (*graph.input, *graph.value_info)
        if len(info.type.tensor_type.shape.dim) == 4
    }
    for node in graph.node:
        if node.op_type == "Conv" and node.input[0] in shapes:
            found = shapes[node.input[0]][1]
            group = next(each.i for each in node.attribute if each.name == "group")
            wanted = shapes[node.input[1]][1] * group
            if found not in (0, wanted):
                raise Unconvertible(
                    f"the filter of {node.name!r} takes {wanted} channels, its image has {found}"
                )


def write(model: ModelProto, weights: Sequence[Deferred], path: Path) -> None:
    """Writes the file under another name first, so that `path` is whole or absent.

    Raises Unconvertible for a model that no ONNX file can hold, and OSError.
    """
    _check_size(model, weights)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(model.SerializeToString(deterministic=True))
            for weight in weights:
                file.write(_with_only(weight).SerializeToString(deterministic=True))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _check_size(model: ModelProto, weights: Sequence[Deferred]) -> None:
    size = model.ByteSize()
    for weight in weights:
        values = math.prod(weight.shape) * np.dtype(weight.kind.value).itemsize
        size += values + len(weight.name.encode()) + _OVERHEAD
    if size > _SIZE_LIMIT:
        raise Unconvertible(
            f"it has {size / 2**30:.1f} GiB of weights; an ONNX file holds 2 GiB, and weights in"
            " files beside it are not supported"
        )


def _with_only(weight: Deferred) -> ModelProto:
    model = ModelProto()
    tensor = model.graph.initializer.add()
    tensor.name = weight.name
    tensor.data_type = weight.kind.tensor_type
    tensor.dims.extend(weight.shape)
    values = weight.load()
    tensor.raw_data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return model
