"""Reductions over constant axes: they keep the order of the axes that remain."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, without_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter, Operation


def _reduction(operation: Operation, *, op_type: str) -> Value:
    operation.expect(2)
    value = operation.inputs[0]
    if value.kind is Kind.BOOLEAN or (op_type == "ReduceMean" and value.kind is Kind.INTEGER):
        raise Unconvertible(f"its input is of {value.kind.value}, which is not supported")
    axes = operation.axes(1, value.rank)
    if not axes:
        return value
    order, tensor = operation.same(value)
    keep = operation.attributes.flag("keep_dims")
    places = operation.emission.integers(sorted(order.index(axis) for axis in axes))
    result = operation.emit(op_type, tensor, places, keepdims=int(keep))
    if keep:
        return Value(value.kind, value.rank, {order: result})
    return Value(value.kind, value.rank - len(axes), {without_axes(order, axes): result})


EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {op: functools.partial(_reduction, op_type=f"Reduce{op}") for op in ("Max", "Mean", "Min", "Prod", "Sum")}
)
