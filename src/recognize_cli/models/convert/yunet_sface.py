"""The detector YuNet and the descriptor SFace of OpenCV's model zoo, with face-api's landmarks between them.

The two of the zoo are ONNX already; here they are made fit for any size and for batches.
https://github.com/opencv/opencv_zoo, models/face_detection_yunet and models/face_recognition_sface: as they
come they take one picture of one size (the networks themselves do not mind), and list their weights among
the inputs, which keeps runtimes from optimising them. SFace's PReLU is slow in ONNX Runtime; written as
relu(x) + slope · (x - relu(x)) the network takes half the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.face_api import convert_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_YUNET, _SFACE = "face_detection_yunet", "face_recognition_sface"
_STRIDES_AND_OUTPUTS = 12  # cls, obj, bbox and kps for three strides


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the graphs ``detector``, ``landmarks`` and ``descriptor``; raises ConversionFailed.

    The detector takes float32 [1, 3, H, W], BGR, 0 to 255, sides multiples of 32; the descriptor
    [N, 3, 112, 112], RGB, 0 to 255; the landmarks what `face_api` says. ``side`` means nothing to them.
    """
    convert_network("landmarks", files, folder)
    detector = _load(files, _YUNET, outputs=_STRIDES_AND_OUTPUTS)
    _open_axes(detector.graph.input, {2: "H", 3: "W"})
    _open_axes(detector.graph.output, {1: "cells"})
    descriptor = _load(files, _SFACE, outputs=1)
    _open_axes([*descriptor.graph.input, *descriptor.graph.output], {0: "N"})
    _replace_prelu(descriptor.graph)
    for model, graph in ((detector, "detector"), (descriptor, "descriptor")):
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, graph_file(folder, graph))


def _load(files: Mapping[str, Path], name: str, *, outputs: int) -> onnx.ModelProto:
    """The network whose file has a name that begins so, with one input and no shapes inside."""
    paths = [path for key, path in files.items() if key.rpartition("/")[2].startswith(name)]
    if len(paths) != 1:
        raise ConversionFailed(name=name, problem=f"one file of this name is expected, not {len(paths)}")
    try:
        model = onnx.load(paths[0])
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise ConversionFailed(name=paths[0].name, problem=f"it is no ONNX model ({error})") from error
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    del graph.value_info[:]
    if (len(inputs), len(graph.output)) != (1, outputs):
        problem = f"it has {len(inputs)} inputs and {len(graph.output)} outputs, not 1 and {outputs}"
        raise ConversionFailed(name=paths[0].name, problem=problem)
    return model


def _open_axes(values: list[onnx.ValueInfoProto], names: Mapping[int, str]) -> None:
    """Gives these axes of inputs or outputs a name instead of a length."""
    for value in values:
        for axis, name in names.items():
            value.type.tensor_type.shape.dim[axis].dim_param = name


def _replace_prelu(graph: onnx.GraphProto) -> None:
    nodes = [new for node in graph.node for new in (_relus(node) if node.op_type == "PRelu" else [node])]
    del graph.node[:]
    graph.node.extend(nodes)


def _relus(prelu: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """The same function in plainer operators: any slope may be negative or above 1."""
    x, slope = prelu.input
    y = prelu.output[0]
    yield helper.make_node("Relu", [x], [f"{y}/positive"])
    yield helper.make_node("Sub", [x, f"{y}/positive"], [f"{y}/negative"])
    yield helper.make_node("Mul", [f"{y}/negative", slope], [f"{y}/scaled"])
    yield helper.make_node("Add", [f"{y}/positive", f"{y}/scaled"], [y])
