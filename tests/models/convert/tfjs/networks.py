"""Random networks for the property tests: each layer takes any image that there is already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from tests.models.convert.tfjs.evaluator import apply, attributes
from tests.models.convert.tfjs.made import Made, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT = (2, 6, 5, 3)
UNARY = [
    "Abs",
    "Elu",
    "Identity",
    "LeakyRelu",
    "Neg",
    "Relu",
    "Relu6",
    "Sigmoid",
    "Softmax",
    "Square",
    "Tanh",
]
BINARY = ["Add", "AddV2", "Maximum", "Minimum", "Mul", "Sub"]

_PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


class Growing:
    """A network under construction; `images` has the value of every node, all of four axes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.made = Made()
        self.images: dict[str, NDArray[Any]] = {self.made.placeholder((-1, -1, -1, 3)): numbers(INPUT)}
        self._draw = draw

    def grow(self) -> None:
        """Adds a layer on a random image."""
        layers = [self.conv, self.depthwise, self.pool, self.unary, self.binary, self.join]
        layer = self._draw(st.sampled_from([*layers, self.pad, self.mean, self.turn]))
        layer(self._draw(st.sampled_from(list(self.images))))

    def conv(self, name: str) -> None:
        depth = self._draw(st.integers(1, 4))
        weights = self.made.const(numbers((3, 2, self.images[name].shape[3], depth)) / 3)
        self._add("Conv2D", name, weights, strides=[1, *self._draw(_PAIRS), 1], padding="SAME")

    def depthwise(self, name: str) -> None:
        multiplier = self._draw(st.integers(1, 2))
        weights = self.made.const(numbers((2, 3, self.images[name].shape[3], multiplier)) / 2)
        self._add("DepthwiseConv2dNative", name, weights, strides=[1, 1, 1, 1], padding="SAME")

    def pool(self, name: str) -> None:
        kernel = self._draw(_PAIRS)
        strides = [1, *(self._draw(st.integers(1, size)) for size in kernel), 1]
        op = self._draw(st.sampled_from(["MaxPool", "AvgPool"]))
        self._add(op, name, ksize=[1, *kernel, 1], strides=strides, padding="SAME")

    def unary(self, name: str) -> None:
        self._add(self._draw(st.sampled_from(UNARY)), name)

    def binary(self, name: str) -> None:
        shape = self.images[name].shape
        others = [other for other, image in self.images.items() if image.shape == shape]
        bias = self.made.const(numbers((shape[3],)))
        pair = self._draw(st.permutations([name, self._draw(st.sampled_from([*others, bias]))]))
        self._add(self._draw(st.sampled_from(BINARY)), *pair)

    def join(self, name: str) -> None:
        axis = self._draw(st.integers(0, 3))
        rest = np.delete(self.images[name].shape, axis).tolist()
        others = [n for n, image in self.images.items() if np.delete(image.shape, axis).tolist() == rest]
        self._add("ConcatV2", name, self._draw(st.sampled_from(others)), self._integers(axis))

    def pad(self, name: str) -> None:
        sizes = self._draw(st.lists(st.integers(0, 2), min_size=8, max_size=8))
        self._add("Pad", name, self._integers(np.reshape(sizes, (4, 2))))

    def mean(self, name: str) -> None:
        axes = self._draw(st.sets(st.integers(1, 3), min_size=1))
        self._add("Mean", name, self._integers(sorted(axes)), keep_dims=True)

    def turn(self, name: str) -> None:
        self._add("Transpose", name, self._integers(self._draw(st.permutations(range(4)))))

    def _integers(self, values: object) -> str:
        return self.made.const(np.asarray(values, np.int32))

    def _add(self, op: str, *inputs: str, **attrs: Any) -> None:
        """Adds a node; what becomes too large in numbers or in size is not built on."""
        name = self.made.add(op, *inputs, **attrs)
        known = self.images | self.made.weights
        result = apply(op, attributes(self.made.nodes[-1]), [known[each] for each in inputs])
        if result.size <= 4000 and np.abs(result).max() < 100:
            self.images[name] = result


@st.composite
def networks(draw: st.DrawFn) -> tuple[Made, list[str]]:
    """A network of up to ten layers with the nodes to compare."""
    growing = Growing(draw)
    for _ in range(draw(st.integers(1, 10))):
        growing.grow()
    return growing.made, list(growing.images)[1:] or [growing.made.add("Identity", "images")]
