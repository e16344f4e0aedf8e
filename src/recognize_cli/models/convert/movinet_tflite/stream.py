"""From one step of a stream to a graph over a whole clip.

A step remembers three kinds of things, all of them zero before the first frame. Each becomes something over
the time axis of a clip:

    the last k - 1 frames of a layer, put before the new one for a filter over k frames -> a convolution over
        time, with frames of zeros before the clip
    the sum of a layer over all frames, which is divided by their number -> the mean over time
    what is handed on as it is -> nothing: the network does not use it

Features in the graph are float32 [T, channels, side, side], one row a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from recognize_cli.models.convert.graph_builder import Feature, GraphBuilder
from recognize_cli.models.convert.movinet_tflite import layers, options
from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible
from recognize_cli.models.convert.movinet_tflite.tflite import Network, Op, Operator, Tensor
from recognize_cli.models.convert.movinet_tflite.values import Count, Remembered, Sum, Value, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Layer = Callable[[GraphBuilder, str, Feature, NDArray[Any], NDArray[Any], options.Filter], Feature]

_RANGE = 255.0  # the network takes pixels from 0 to 1
_LARGEST_SIDE = 1024
_LONGEST_FILTER = 64
_COLOURS = 3


class Stream:
    """Translates the operators one by one, in their order."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = GraphBuilder()
        self._values: dict[int, Value] = {}

    def build(self, side: int | None) -> onnx.ModelProto:
        """The graph; ``side`` is what the frames are expected to have. Raises Unconvertible."""
        frames = self._frames(side)
        for operator in self._network.operators:
            self._values[operator.outputs[0]] = _TRANSLATIONS[operator.op](self, operator)
        logits = self._logits()
        flat = self._graph.node("Flatten", [logits.name])
        self._graph.node("Softmax", [flat], output="probabilities")
        try:
            return self._graph.model("movinet", frames, {"probabilities": [logits.channels]})
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise Unconvertible(f"its layers do not fit together ({error})") from error

    def _frames(self, side: int | None) -> onnx.ValueInfoProto:
        """Takes the inputs: the one that holds an image, and what is remembered."""
        images = [index for index in self._network.inputs if self._is_image(self._network.tensors[index])]
        if len(images) != 1:
            raise Unconvertible(f"{len(images)} of its inputs are images")
        size = self._network.tensors[images[0]].shape[3]
        if side not in (None, size) or not 1 <= size <= _LARGEST_SIDE:
            raise Unconvertible(f"its frames have {size} pixels a side, not {side}")
        self._values = {index: Remembered(self._network.tensors[index]) for index in self._network.inputs}
        pixels = self._graph.node("Cast", ["frames"], to=TensorProto.FLOAT)
        scaled = self._graph.node("Mul", [pixels, self._graph.constant("scale", 1 / _RANGE)])
        first = self._graph.node("Transpose", [scaled], perm=[0, 3, 1, 2])
        self._values[images[0]] = Feature(first, _COLOURS, size)
        return helper.make_tensor_value_info("frames", TensorProto.UINT8, ["T", size, size, _COLOURS])

    @staticmethod
    def _is_image(tensor: Tensor) -> bool:
        frames, colours = tensor.shape[:2], tensor.shape[4:]
        square = tensor.shape[2:3] == tensor.shape[3:4]
        return frames == (1, 1) and colours == (_COLOURS,) and square and tensor.dtype == np.float32

    def _logits(self) -> Feature:
        """The one output that is not for the next step."""
        found = [self._values.get(index) for index in self._network.outputs]
        scores = [value for value in found if isinstance(value, Feature)]
        if len(scores) != 1 or None in found or scores[0].size != 1:
            raise Unconvertible("it has not exactly one output with a score a class")
        return scores[0]

    # What follows translates an operator each.

    def _as_it_is(self, operator: Operator) -> Value:
        return self._value(operator, 0)

    def _convolution(self, operator: Operator) -> Feature:
        weight = self._constant(operator, 1, 4).transpose(0, 3, 1, 2)
        return self._layer(layers.convolution, operator, weight, options.convolution(operator))

    def _depthwise(self, operator: Operator) -> Feature:
        """Over each frame, or over the last frames."""
        weight = self._constant(operator, 1, 4).transpose(3, 0, 1, 2)
        window, how = self._value(operator, 0), options.depthwise(operator)
        if not isinstance(window, Window):
            return self._layer(layers.convolution, operator, weight, how)
        if window.length != weight.shape[2]:
            raise _misfit(operator)
        return self._layer(layers.over_time, operator, weight, how)

    def _layer(self, layer: Layer, operator: Operator, weight: NDArray[Any], how: options.Filter) -> Feature:
        value = self._value(operator, 0)
        x = value.feature if isinstance(value, Window) else self._feature(operator, 0)
        return layer(
            self._graph, f"layer{operator.outputs[0]}", x, weight, self._constant(operator, 2, 1), how
        )

    def _pooled(self, operator: Operator) -> Feature:
        x, (how, kernel) = self._feature(operator, 0), options.pooling(operator)
        if how.relu6 or not how.padded:
            raise _misfit(operator)
        return layers.mean_pool(self._graph, x, kernel, how.stride)

    def _sum(self, operator: Operator) -> Feature:
        """Over all pixels of a frame."""
        x = self._feature(operator, 0)
        options.expect_kept_axes(operator)
        if self._constant(operator, 1, 1).tolist() != [1, 2, 3]:  # time, which is one frame, and the pixels
            raise _misfit(operator)
        axes = self._graph.constant("pixels", [2, 3], np.int64)
        return Feature(self._graph.node("ReduceSum", [x.name, axes]), x.channels, 1)

    def _product(self, operator: Operator) -> Feature:
        """With a constant that is the same everywhere."""
        options.expect_plain(operator)
        x, factors = self._feature(operator, 0), self._constant(operator, 1)
        if not factors.size or (factors != factors.flat[0]).any():
            raise _misfit(operator)
        factor = self._graph.constant(f"layer{operator.outputs[0]}.factor", factors.flat[0])
        return x._replace(name=self._graph.node("Mul", [x.name, factor]))

    def _added(self, operator: Operator) -> Value:
        options.expect_plain(operator)
        x = self._value(operator, 0)
        if isinstance(x, Remembered):
            if x.tensor.dtype != np.int32 or self._constant(operator, 1).tolist() not in (1, [1]):
                raise _misfit(operator)
            return Count()
        y, feature = self._value(operator, 1), self._feature(operator, 0)
        if isinstance(y, Remembered):
            return Sum(feature)
        other = self._feature(operator, 1)
        if other[1:] != feature[1:]:
            raise _misfit(operator)
        return self._graph.each("Add", feature, other)

    def _quotient(self, operator: Operator) -> Feature:
        options.expect_plain(operator)
        total, count = self._value(operator, 0), self._value(operator, 1)
        if not isinstance(total, Sum) or not isinstance(count, Count):
            raise _misfit(operator)
        return total.feature._replace(name=self._graph.node("ReduceMean", [total.feature.name], axes=[0]))

    def _window(self, operator: Operator) -> Window:
        options.expect_over_time(operator)
        before, feature = self._value(operator, 0), self._feature(operator, 1)
        if not isinstance(before, Remembered) or len(before.tensor.shape) != 5:
            raise _misfit(operator)
        _, length, *rest = before.tensor.shape
        if rest != [feature.size, feature.size, feature.channels] or not 1 <= length < _LONGEST_FILTER:
            raise _misfit(operator)
        return Window(feature, length + 1)

    def _newest(self, operator: Operator) -> Window:
        """All of a window but its oldest frame, to be remembered."""
        options.expect_up_to_the_end(operator)
        window, begin = self._value(operator, 0), self._constant(operator, 1, 1)
        if not isinstance(window, Window) or begin.tolist()[1:2] != [1 - window.length]:
            raise _misfit(operator)
        return Window(window.feature, window.length - 1)

    def _value(self, operator: Operator, number: int) -> Value:
        value = self._values.get(operator.inputs[number]) if number < len(operator.inputs) else None
        if value is None:
            raise _misfit(operator)
        return value

    def _feature(self, operator: Operator, number: int) -> Feature:
        value = self._value(operator, number)
        if not isinstance(value, Feature):
            raise _misfit(operator)
        return value

    def _constant(self, operator: Operator, number: int, dimensions: int | None = None) -> NDArray[Any]:
        index = operator.inputs[number] if number < len(operator.inputs) else -1
        values = self._network.tensors[index].values if index >= 0 else None
        if values is None or dimensions not in (None, values.ndim):
            raise _misfit(operator)
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32)).all()
        if not finite:
            raise _misfit(operator)
        return values


def _misfit(operator: Operator) -> Unconvertible:
    return Unconvertible(f"{operator.op.name} is used otherwise than in a MoViNet stream")


_TRANSLATIONS: Mapping[Op, Callable[[Stream, Operator], Value]] = {
    Op.QUANTIZE: Stream._as_it_is,
    Op.DEQUANTIZE: Stream._as_it_is,
    Op.CAST: Stream._as_it_is,
    Op.RESHAPE: Stream._as_it_is,
    Op.CONV_2D: Stream._convolution,
    Op.DEPTHWISE_CONV_2D: Stream._depthwise,
    Op.AVERAGE_POOL_2D: Stream._pooled,
    Op.SUM: Stream._sum,
    Op.MUL: Stream._product,
    Op.ADD: Stream._added,
    Op.DIV: Stream._quotient,
    Op.CONCATENATION: Stream._window,
    Op.STRIDED_SLICE: Stream._newest,
}
