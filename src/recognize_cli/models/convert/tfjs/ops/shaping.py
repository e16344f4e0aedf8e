"""Operations that move, join or count elements, and compute nothing else."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import (
    Value,
    axis_number,
    common_order,
    natural,
    transposed,
    without_axes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter, Operation


def _identity(operation: Operation) -> Value:
    operation.expect(1)
    return operation.inputs[0]


def _transpose(operation: Operation) -> Value:
    """Renames the axes; nothing moves until somebody asks for another order."""
    operation.expect(2)
    value = operation.inputs[0]
    permutation = operation.axes(1, value.rank)
    if len(permutation) != value.rank:
        raise Unconvertible(f"it permutes {len(permutation)} of {value.rank} axes")
    forms = value.forms or dict([operation.same(value)])
    renamed = {transposed(order, permutation): tensor for order, tensor in forms.items()}
    return Value(value.kind, value.rank, renamed, value.length)


def _reshape(operation: Operation) -> Value:
    operation.expect(2)
    value, shape = operation.inputs[0], operation.integers(1, rank=1)
    if shape.length is None:
        raise Unconvertible("the number of axes of its result depends on the input")
    inputs = [operation.plain(value), operation.plain(shape)]
    result = operation.emit("Reshape", *inputs, allowzero=1)
    return Value(value.kind, shape.length, {natural(shape.length): result})


def _squeeze(operation: Operation) -> Value:
    operation.expect(1)
    value = operation.inputs[0]
    axes = {axis_number(axis, value.rank) for axis in operation.attributes.integers("squeeze_dims", ())}
    if not axes:
        raise Unconvertible("it does not say which axes it removes")
    order, tensor = operation.same(value)
    places = operation.emission.integers(sorted(order.index(axis) for axis in axes))
    remaining = without_axes(order, axes)
    return Value(value.kind, len(remaining), {remaining: operation.emit("Squeeze", tensor, places)})


def _expand(operation: Operation) -> Value:
    operation.expect(2)
    value = operation.inputs[0]
    rank = value.rank + 1
    axis = operation.emission.integers([axis_number(operation.number(1), rank)])
    result = operation.emit("Unsqueeze", operation.plain(value), axis)
    return Value(value.kind, rank, {natural(rank): result}, 1 if rank == 1 else None)


def _shape(operation: Operation) -> Value:
    operation.expect(1)
    value = operation.inputs[0]
    result = operation.emit("Shape", operation.plain(value))
    return Value(Kind.INTEGER, 1, {natural(1): result}, value.rank)


def _gather(operation: Operation) -> Value:
    operation.expect(3)
    value, indices = operation.inputs[0], operation.integers(1)
    if operation.attributes.integer("batch_dims", 0) != 0:
        raise Unconvertible("its batch_dims are not 0")
    axis = axis_number(operation.number(2), value.rank)
    result = operation.emit("Gather", operation.plain(value), operation.plain(indices), axis=axis)
    rank = value.rank - 1 + indices.rank
    return Value(value.kind, rank, {natural(rank): result}, indices.length if rank == 1 else None)


def _pack(operation: Operation) -> Value:
    """Joins values along a new axis."""
    first = _alike(operation.inputs)
    rank = first.rank + 1
    axis = axis_number(operation.attributes.integer("axis", 0), rank)
    places = operation.emission.integers([axis])
    parts = [
        operation.emit("Unsqueeze", operation.plain(value), places, suffix="part")
        for value in operation.inputs
    ]
    result = operation.emit("Concat", *parts, axis=axis)
    return Value(first.kind, rank, {natural(rank): result}, len(parts) if rank == 1 else None)


def _concatenation(operation: Operation) -> Value:
    """Joins all inputs but the last along the axis that the last one names."""
    parts = operation.inputs[:-1]
    first = _alike(parts)
    axis = axis_number(operation.number(len(parts)), first.rank)
    order = common_order(parts)
    tensors = [operation.emission.form(value, order) for value in parts]
    result = operation.emit("Concat", *tensors, axis=order.index(axis))
    lengths = [value.length for value in parts if value.length is not None]
    length = sum(lengths) if first.rank == 1 and len(lengths) == len(parts) else None
    return Value(first.kind, first.rank, {order: result}, length)


def _alike(values: Sequence[Value]) -> Value:
    """The first of values that must all be of one kind and rank."""
    if len({(value.kind, value.rank) for value in values}) != 1:
        raise Unconvertible("it joins values that differ in type or in the number of axes, or none")
    return values[0]


def _pad(operation: Operation) -> Value:
    """Pads with zeros, or with the third input; `paddings` has a pair before, after for each axis."""
    operation.expect(3 if operation.node.op == "PadV2" else 2)
    value = operation.floats(0)
    paddings = operation.numbers(1)
    if paddings.shape != (value.rank, 2) or (paddings < 0).any():
        raise Unconvertible("its paddings are not two sizes for each axis")
    order, tensor = operation.same(value)
    pads = operation.emission.integers(paddings[list(order)].T.ravel().tolist())
    inputs = [tensor, pads]
    if operation.node.op == "PadV2":
        inputs.append(operation.plain(operation.floats(2, rank=0)))
    return Value(value.kind, value.rank, {order: operation.emit("Pad", *inputs)})


EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {
        "ConcatV2": _concatenation,
        "ExpandDims": _expand,
        "GatherV2": _gather,
        "Identity": _identity,
        "Pack": _pack,
        "Pad": _pad,
        "PadV2": _pad,
        "Reshape": _reshape,
        "Shape": _shape,
        "Squeeze": _squeeze,
        "Transpose": _transpose,
    }
)
