"""From the graph of a model to an ONNX graph: each node goes through the emitter of its op."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import helper

from recognize_cli.models.convert.tfjs.emission import Emission
from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, natural
from recognize_cli.models.convert.tfjs.ops import EMITTERS
from recognize_cli.models.convert.tfjs.ops.operation import Operation

if TYPE_CHECKING:
    from onnx import ValueInfoProto

    from recognize_cli.models.convert.tfjs.graph import Graph, Node
    from recognize_cli.models.convert.tfjs.weights import Weights

_IMAGE_AXES = ("batch", "height", "width", "channels")


@dataclass(frozen=True, slots=True)
class Translation:
    """An ONNX graph in parts; the outputs carry their number of axes and no sizes yet."""

    emission: Emission
    inputs: list[ValueInfoProto]
    outputs: list[ValueInfoProto]


def translate(graph: Graph, weights: Weights, side: int | None) -> Translation:
    """Emits all nodes that the outputs need. `side` fixes the height and width of an image input.

    Raises Unconvertible, which names the node and its op.
    """
    names = [port.name for port in (*graph.inputs, *graph.outputs)]
    if len(set(names)) != len(names):
        raise Unconvertible("the signature gives one name to two of its inputs and outputs")
    emission = Emission(weights, names)
    values: dict[str, Value] = {}
    inputs = []
    for port in graph.inputs:
        shape = _input_shape(graph.nodes[port.node], side)
        inputs.append(helper.make_tensor_value_info(port.name, Kind.FLOAT.tensor_type, shape))
        values[port.node] = Value(Kind.FLOAT, len(shape), {natural(len(shape)): port.name})
    for node in graph.ordered():
        if node.name not in values:
            values[node.name] = _emitted(node, tuple(values[name] for name in node.inputs), emission)
    outputs = []
    for port in graph.outputs:
        value = values[port.node]
        tensor_type = emission.output(value, port.name)
        outputs.append(helper.make_tensor_value_info(port.name, tensor_type, [None] * value.rank))
    return Translation(emission, inputs, outputs)


def _emitted(node: Node, inputs: tuple[Value, ...], emission: Emission) -> Value:
    if node.op == "Const":
        return _constant(node, emission.weights)
    if node.op not in EMITTERS:
        raise Unconvertible(f"{node}: the op {node.op} is not supported")
    try:
        return EMITTERS[node.op](Operation(node, inputs, emission))
    except Unconvertible as error:
        raise Unconvertible(f"{node}: {error}") from error


def _constant(node: Node, weights: Weights) -> Value:
    weight = weights.find(node.name)
    if weight is None:
        raise Unconvertible(f"{node}: the manifest has no weight for it")
    length = weight.shape[0] if len(weight.shape) == 1 else None
    return Value(weight.kind, len(weight.shape), length=length, constant=weight)


def _input_shape(node: Node, side: int | None) -> list[int | str]:
    """The sizes of an input, or a name where a size is free."""
    if node.op != "Placeholder":
        raise Unconvertible(f"{node} is an input in the signature, but no Placeholder")
    try:
        if node.attributes.type("dtype") != "DT_FLOAT":
            raise Unconvertible("only inputs of DT_FLOAT are supported")
        sizes = list(node.attributes.shape("shape"))
        if side is not None:
            if len(sizes) != 4 or any(size not in (None, side) for size in sizes[1:3]):
                raise Unconvertible(f"an input of {sizes} cannot be an image of side {side}")
            sizes[1:3] = side, side
    except Unconvertible as error:
        raise Unconvertible(f"{node}: {error}") from error
    names = _IMAGE_AXES if len(sizes) == 4 else ["batch", *(f"axis_{axis}" for axis in range(1, len(sizes)))]
    return [names[axis] if size is None else size for axis, size in enumerate(sizes)]
