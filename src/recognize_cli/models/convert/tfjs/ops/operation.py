"""What an emitter is given: a node, the values that it takes, and the ONNX graph to add to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, axis_number, natural

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.models.convert.tfjs.attributes import Attributes
    from recognize_cli.models.convert.tfjs.emission import Emission
    from recognize_cli.models.convert.tfjs.graph import Node
    from recognize_cli.models.convert.tfjs.layout import Order
    from recognize_cli.models.convert.tfjs.weights import Weight


@dataclass(frozen=True, slots=True)
class Operation:
    """A node that is about to be emitted.

    All methods raise Unconvertible; the caller adds the node's name to the message.
    """

    node: Node
    inputs: tuple[Value, ...]
    emission: Emission

    @property
    def attributes(self) -> Attributes:
        """The attributes of the node."""
        return self.node.attributes

    def expect(self, count: int) -> None:
        """Makes sure that the node has `count` inputs."""
        if len(self.inputs) != count:
            raise Unconvertible(f"it has {len(self.inputs)} inputs instead of {count}")

    def floats(self, index: int, rank: int | None = None) -> Value:
        """An input that must be of floats, and of `rank` axes where that is given."""
        return self._input(index, Kind.FLOAT, rank)

    def integers(self, index: int, rank: int | None = None) -> Value:
        """An input that must be of integers."""
        return self._input(index, Kind.INTEGER, rank)

    def constant(self, index: int) -> Weight:
        """An input that must be a constant."""
        weight = self.inputs[index].constant
        if weight is None:
            raise Unconvertible(f"its input {index} is computed; only a constant is supported there")
        return weight

    def numbers(self, index: int) -> NDArray[Any]:
        """The values of an input that must be constant integers."""
        self.integers(index)
        return self.emission.weights.read(self.constant(index))

    def number(self, index: int) -> int:
        """The value of an input that must be one constant integer."""
        values = self.numbers(index)
        if values.size != 1:
            raise Unconvertible(f"its input {index} has {values.size} elements instead of one")
        return int(values.item())

    def axes(self, index: int, rank: int) -> list[int]:
        """The values of an input that must be constant axes, counted from the front."""
        axes = [axis_number(int(axis), rank) for axis in self.numbers(index).ravel()]
        if len(set(axes)) != len(axes):
            raise Unconvertible(f"its input {index} names an axis twice")
        return axes

    def emit(self, op_type: str, *inputs: str, suffix: str = "", **attributes: Any) -> str:
        """Adds an operator under the node's name, with a suffix where it is not the node's result."""
        name = f"{self.node.name}/{suffix}" if suffix else self.node.name
        return self.emission.operator(op_type, inputs, name, **attributes)

    def plain(self, value: Value) -> str:
        """The tensor of a value in TensorFlow's own axis order."""
        return self.emission.form(value, natural(value.rank))

    def same(self, value: Value) -> tuple[Order, str]:
        """A value in an order in which it exists already, for operations that need none."""
        if value.constant is not None:
            return natural(value.rank), self.plain(value)
        return value.existing()

    def _input(self, index: int, kind: Kind, rank: int | None) -> Value:
        value = self.inputs[index]
        if value.kind is not kind:
            raise Unconvertible(f"its input {index} is of {value.kind.value} instead of {kind.value}")
        if rank is not None and value.rank != rank:
            raise Unconvertible(f"its input {index} has {value.rank} axes instead of {rank}")
        return value


Emitter = Callable[[Operation], Value]
