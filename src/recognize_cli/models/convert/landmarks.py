"""The landmark classifiers of Recognize for Nextcloud, one a continent, as that repository holds them.

    models/landmarks_<continent>/model.json, with its shards   ──▶  <continent>.onnx
    src/landmarks/<continent>.json, the names of the classes   ──▶  labels.json, for all continents

A graph takes ``pixels``, uint8 RGB [N, 321, 321, 3], and gives ``scores``, float32 [N, classes]: the cosines
between what it sees and each class, which upstream takes for probabilities as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import CONTINENTS, LABELS, graph_file, tfjs
from recognize_cli.models.convert.landmark_lists import read_list
from recognize_cli.models.landmark_names import LandmarkNames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnx import GraphProto, ValueInfoProto

_SIDE = 321
_INPUT, _OUTPUT = "pixels", "scores"
_FACTOR = "pixels/factor"


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the graph of each continent, and the names of all; raises ConversionFailed."""
    names = {continent: _converted(continent, files, folder) for continent in CONTINENTS}
    LandmarkNames.of(names).write(folder / LABELS)


def _converted(continent: str, files: Mapping[str, Path], folder: Path) -> list[str | None]:
    """Writes the graph of a continent; gives the names of its classes."""
    topology = _file(f"models/landmarks_{continent}/model.json", files)
    names = _file(f"src/landmarks/{continent}.json", files)
    target = graph_file(folder, continent)
    tfjs.convert(topology, topology.parent, target, side=_SIDE)
    classes = _adapt(target, topology)
    return read_list(names, classes)


def _file(path: str, files: Mapping[str, Path]) -> Path:
    if path not in files:
        raise ConversionFailed(name="the landmark models", problem=f"no {path} is among their files")
    return files[path]


def _adapt(path: Path, source: Path) -> int:
    """Makes a converted graph take bytes, names its ends; gives the number of its classes."""
    model = onnx.load(path)
    graph = model.graph
    if [len(graph.input), len(graph.output)] != [1, 1]:
        raise ConversionFailed(name=source, problem="a classifier has one input and one output")
    classes = _classes(graph.output[0], source)
    _take_bytes(graph, source)
    _rename_output(graph)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        problem = f"its names clash with ours: {' '.join(str(error).split())}"
        raise ConversionFailed(name=source, problem=problem) from error
    onnx.save(model, path)
    return classes


def _classes(output: ValueInfoProto, source: Path) -> int:
    sizes = [axis.dim_value for axis in output.type.tensor_type.shape.dim]
    if len(sizes) != 2 or not sizes[1] or output.type.tensor_type.elem_type != TensorProto.FLOAT:
        problem = f"its output {output.name!r} is not one number for each of a fixed number of classes"
        raise ConversionFailed(name=source, problem=problem)
    return int(sizes[1])


def _take_bytes(graph: GraphProto, source: Path) -> None:
    """Puts in front what upstream does to pixels: they are divided by 255."""
    [old] = graph.input
    sizes = [axis.dim_value for axis in old.type.tensor_type.shape.dim]
    if sizes[1:] != [_SIDE, _SIDE, 3]:
        raise ConversionFailed(name=source, problem=f"its input {old.name!r} is no batch of RGB images")
    new = helper.make_tensor_value_info(_INPUT, TensorProto.UINT8, ["batch", _SIDE, _SIDE, 3])
    floats = f"{_INPUT}/floats"
    nodes = [
        helper.make_node("Cast", [_INPUT], [floats], name=floats, to=TensorProto.FLOAT),
        helper.make_node("Mul", [floats, _FACTOR], [old.name], name=old.name),
        *graph.node,
    ]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.append(new)
    graph.initializer.append(helper.make_tensor(_FACTOR, TensorProto.FLOAT, [], [1 / 255]))


def _rename_output(graph: GraphProto) -> None:
    """The last node of a converted graph is one that only names its output."""
    graph.node[-1].output[0] = graph.output[0].name = _OUTPUT
