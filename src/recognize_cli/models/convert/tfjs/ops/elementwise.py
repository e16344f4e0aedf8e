"""Operations on each element by itself: they keep the axis order that they find."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, common_order
from recognize_cli.models.convert.tfjs.ops.activation import ACTIVATIONS, activate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter, Operation


def _unary(operation: Operation, *, compute: Callable[[Operation, str], str]) -> Value:
    operation.expect(1)
    value = operation.floats(0)
    order, tensor = operation.same(value)
    return Value(Kind.FLOAT, value.rank, {order: compute(operation, tensor)})


def _activation(operation: Operation) -> Value:
    operation.expect(2 if operation.node.op == "Prelu" else 1)
    value = operation.floats(0)
    order, tensor = operation.same(value)
    result = activate(operation, tensor, order, operation.node.op)
    return Value(Kind.FLOAT, value.rank, {order: result})


def _softmax(operation: Operation) -> Value:
    """Over the last axis, wherever that lies."""
    operation.expect(1)
    value = operation.floats(0)
    if value.rank == 0:
        raise Unconvertible("its input is a single number")
    order, tensor = operation.same(value)
    result = operation.emit("Softmax", tensor, axis=order.index(value.rank - 1))
    return Value(Kind.FLOAT, value.rank, {order: result})


def _binary(operation: Operation, *, op_type: str, only_floats: bool = False) -> Value:
    operation.expect(2)
    first, second = operation.inputs
    kind = Kind.FLOAT if only_floats else first.kind
    if kind is Kind.BOOLEAN or {first.kind, second.kind} != {kind}:
        raise Unconvertible(f"its inputs are of {first.kind.value} and {second.kind.value}")
    order = common_order(operation.inputs)
    tensors = [operation.emission.aligned(value, order) for value in operation.inputs]
    return Value(kind, len(order), {order: operation.emit(op_type, *tensors)})


def _bias(operation: Operation) -> Value:
    """Adds a vector along the last axis."""
    if operation.attributes.text("data_format", "NHWC") != "NHWC":
        raise Unconvertible("its data_format is not NHWC")
    operation.expect(2)
    operation.floats(1, rank=1)
    return _binary(operation, op_type="Add", only_floats=True)


def _cast(operation: Operation) -> Value:
    """Floats lose their fraction on the way to integers, in both worlds."""
    operation.expect(1)
    value = operation.inputs[0]
    kind = operation.attributes.kind("DstT")
    if value.kind is kind:
        return value
    order, tensor = operation.same(value)
    result = operation.emit("Cast", tensor, to=kind.tensor_type)
    return Value(kind, value.rank, {order: result}, value.length)


_UNARY: Mapping[str, Callable[[Operation, str], str]] = {
    "Abs": lambda operation, x: operation.emit("Abs", x),
    "Exp": lambda operation, x: operation.emit("Exp", x),
    "Neg": lambda operation, x: operation.emit("Neg", x),
    "Rsqrt": lambda operation, x: operation.emit("Reciprocal", operation.emit("Sqrt", x, suffix="root")),
    "Sqrt": lambda operation, x: operation.emit("Sqrt", x),
    "Square": lambda operation, x: operation.emit("Mul", x, x),
}
_BINARY = {"Add": "Add", "AddV2": "Add", "Maximum": "Max", "Minimum": "Min", "Mul": "Mul", "Sub": "Sub"}
_FLOAT_BINARY = {"Pow": "Pow", "RealDiv": "Div"}

EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {op: functools.partial(_unary, compute=compute) for op, compute in _UNARY.items()}
    | {op: functools.partial(_binary, op_type=op_type) for op, op_type in _BINARY.items()}
    | {op: functools.partial(_binary, op_type=each, only_floats=True) for op, each in _FLOAT_BINARY.items()}
    | dict.fromkeys(ACTIVATIONS, _activation)
    | {"BiasAdd": _bias, "Cast": _cast, "Softmax": _softmax}
)
