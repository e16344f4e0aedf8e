"""The ONNX graph while it grows: nodes and initializers, each name once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, natural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from onnx import NodeProto

    from recognize_cli.models.convert.tfjs.layout import Order
    from recognize_cli.models.convert.tfjs.weights import Weight, Weights

    Arrangement = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Deferred:
    """An initializer whose values are read only when they are written: nearly all of the model's bytes."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    load: Callable[[], NDArray[Any]]


class Emission:
    """Collects what the emitters of `ops` produce; what a method adds, it returns the name of.

    `small` holds the initializers that decide shapes: integers, and the converter's own scalars.
    """

    def __init__(self, weights: Weights, reserved: Sequence[str] = ()) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.small: list[TensorProto] = []
        self.deferred: list[Deferred] = []
        self._names = set(reserved)
        self._constants: dict[object, str] = {}

    def operator(self, op_type: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Adds an operator with one output, named after the node of the graph that it stands for."""
        output = self._unique(name)
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=output, **attributes))
        return output

    def output(self, value: Value, name: str) -> int:
        """Makes a value an output of the model, integers as int32; returns its type in ONNX."""
        tensor = self.form(value, natural(value.rank))
        if value.kind is Kind.INTEGER:
            self.nodes.append(helper.make_node("Cast", [tensor], [name], name=name, to=TensorProto.INT32))
            return int(TensorProto.INT32)
        self.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        return value.kind.tensor_type

    def integers(self, values: Sequence[int]) -> str:
        """A vector of int64."""
        return self._small("integers", np.asarray(values, np.int64))

    def scalar(self, value: float) -> str:
        """A single float."""
        return self._small("scalar", np.asarray(value, np.float32))

    def constant(self, weight: Weight, order: Order) -> str:
        """A weight, with axes of size 1 put in front to fill the order, its axes laid out in it."""
        missing = len(order) - len(weight.shape)
        if missing < 0:
            raise Unconvertible(f"the constant {weight.name!r} has more axes than what it is applied to")
        shape = (1,) * missing + weight.shape
        return self.arranged(
            weight,
            f"in order {''.join(map(str, order))}" if order != natural(len(weight.shape)) else "",
            tuple(shape[axis] for axis in order),
            lambda values: values.reshape(shape).transpose(order),
        )

    def arranged(self, weight: Weight, how: str, shape: tuple[int, ...], arrange: Arrangement) -> str:
        """A weight that `arrange` brings into `shape`; `how` names the arrangement ("" for none)."""
        key = (weight.name, how)
        if key not in self._constants:
            name = self._unique(f"{weight.name}/{how}" if how else weight.name)
            load = _loader(self.weights, weight, arrange)
            if weight.kind is Kind.FLOAT:
                self.deferred.append(Deferred(name, weight.kind, shape, load))
            else:
                self.small.append(numpy_helper.from_array(load(), name))
            self._constants[key] = name
        return self._constants[key]

    def form(self, value: Value, order: Order) -> str:
        """The tensor that holds a value in an axis order; transposes where there is none yet."""
        if value.constant is not None:
            return self.constant(value.constant, order)
        if order not in value.forms:
            source, tensor = value.existing()
            permutation = [source.index(axis) for axis in order]
            value.forms[order] = self.operator(
                "Transpose", [tensor], f"{tensor}/transposed", perm=permutation
            )
        return value.forms[order]

    def aligned(self, value: Value, order: Order) -> str:
        """The tensor of a value that is broadcast against others which lie in `order`."""
        if value.rank == len(order) or (value.constant is not None and value.rank > 0):
            return self.form(value, order)
        return self.form(value, natural(value.rank))

    def _small(self, what: str, values: NDArray[Any]) -> str:
        key = (what, values.tobytes())
        if key not in self._constants:
            name = self._unique("/".join([what, *(f"{value:g}" for value in values.ravel().tolist())]))
            self.small.append(numpy_helper.from_array(values, name))
            self._constants[key] = name
        return self._constants[key]

    def _unique(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._names:
            name, number = f"{wanted}/{number}", number + 1
        self._names.add(name)
        return name


def _loader(weights: Weights, weight: Weight, arrange: Arrangement) -> Callable[[], NDArray[Any]]:
    # Shapes without rank must stay arrays, which ascontiguousarray does not leave them.
    return lambda: np.asarray(arrange(weights.read(weight)), order="C")
