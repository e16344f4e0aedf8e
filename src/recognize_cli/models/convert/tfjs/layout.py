"""Which axis of a tensor lies where.

TensorFlow.js keeps images as N, height, width, channels; ONNX convolves N, channels, height, width.
So a value of the graph may exist in several axis orders at once. An order is the tuple of the
value's own axes as they lie in the ONNX tensor: ``(0, 3, 1, 2)`` is channels first. A `Transpose`
of the graph only renames axes here; data move when an operation asks for an order that no tensor
has yet, and that is at the two ends of a convolutional network, not between its layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from recognize_cli.models.convert.tfjs.kinds import Kind
    from recognize_cli.models.convert.tfjs.weights import Weight

Order = tuple[int, ...]

CHANNELS_FIRST: Order = (0, 3, 1, 2)


@dataclass(slots=True)
class Value:
    """The result of a node: `forms` has the ONNX tensor of each axis order in which it exists.

    A constant has no forms, it is written in the order in which it is wanted. `length` is the
    number of elements of a vector, where it is known.
    """

    kind: Kind
    rank: int
    forms: dict[Order, str] = field(default_factory=dict)
    length: int | None = None
    constant: Weight | None = None

    def existing(self) -> tuple[Order, str]:
        """A form of a computed value that costs nothing: channels first where there is that."""
        order = CHANNELS_FIRST if CHANNELS_FIRST in self.forms else next(iter(self.forms))
        return order, self.forms[order]


def natural(rank: int) -> Order:
    """The order of TensorFlow itself."""
    return tuple(range(rank))


def common_order(values: Sequence[Value]) -> Order:
    """The order in which values that are broadcast together need the fewest transpositions."""
    rank = max(value.rank for value in values)
    computed = [value for value in values if value.constant is None]
    if any(0 < value.rank < rank for value in computed):
        return natural(rank)
    orders = [order for value in computed if value.rank == rank for order in value.forms]
    if CHANNELS_FIRST in orders:
        return CHANNELS_FIRST
    return orders[0] if orders else natural(rank)


def without_axes(order: Order, removed: Collection[int]) -> Order:
    """The order of what remains when axes vanish and the others are counted anew."""
    kept = [axis for axis in order if axis not in removed]
    numbers = {axis: number for number, axis in enumerate(sorted(kept))}
    return tuple(numbers[axis] for axis in kept)


def transposed(order: Order, permutation: Sequence[int]) -> Order:
    """The order of the same tensor after axis i of the value became axis ``permutation[i]`` of the old."""
    return tuple(permutation.index(axis) for axis in order)


def axis_number(axis: int, rank: int) -> int:
    """The axis counted from the front; raises Unconvertible where there is no such axis."""
    if not -rank <= axis < rank:
        raise Unconvertible(f"there is no axis {axis} in {rank} axes")
    return axis % rank
