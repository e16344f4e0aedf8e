"""Makes a float32 network compute its convolutions in 8 bits (static quantization, as QDQ nodes).

A tensor x becomes integers q with x ≈ step · (q − zero), rounded and cut off at the ends of its range:
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html. Features are unsigned and have
one step, from the least and the largest value that calibration met; weights are signed, with a step for each
output channel. Runtimes fuse a convolution and the nodes around it to one of integers. Everything else stays
as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from recognize_cli.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_LEVELS = 255

_FEATURES = {"Conv": 1, "Add": 2, "GlobalAveragePool": 1}
"""The operators that take features in 8 bits, and how many of their inputs are features."""

_LARGEST = 127
_LARGEST_IN_SUMS = 64
"""The largest weight of a channel. CPUs without VNNI add two products of 8 bits in 16, where 2 · 255 · 127 is
too much and 2 · 255 · 64 is not: with the latter all CPUs give the same. Filters of single channels are
summed in 32 bits everywhere."""


class Scale(NamedTuple):
    """How a feature is stored in unsigned 8 bits."""

    step: np.float32
    zero: np.uint8


def scale_of(least: float, largest: float) -> Scale:
    """The scale of a range, widened to hold 0, which must be exact, for borders are padded with it."""
    least, largest = min(least, 0.0), max(largest, 0.0)
    step = np.float32((largest - least) / _LEVELS or 1.0)
    return Scale(step, np.uint8(np.clip(round(-least / float(step)), 0, _LEVELS)))


def quantize(model: onnx.ModelProto, ranges: Mapping[str, Sequence[float]]) -> onnx.ModelProto:
    """The same network with convolutions in 8 bits; ``ranges`` are the ends of those of `features`.

    Raises ConversionFailed for ranges of another network.
    """
    quantized = _Quantizer(model, ranges).model()
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def features(model: onnx.ModelProto) -> list[str]:
    """The names of what `quantize` stores in 8 bits: what convolutions, sums and averages take."""
    wanted = {name for node in model.graph.node for name in node.input[: _FEATURES.get(node.op_type, 0)]}
    return [name for node in model.graph.node for name in node.output if name in wanted]


class _Quantizer:
    def __init__(self, model: onnx.ModelProto, ranges: Mapping[str, Sequence[float]]) -> None:
        self._model = model
        names = features(model)
        if set(names) != set(ranges):
            other = min(set(names) ^ set(ranges))
            problem = f"the ranges of its features are those of another network, as that of {other} shows"
            raise ConversionFailed(name=model.graph.name, problem=problem)
        self._scales = {name: scale_of(*ranges[name]) for name in names}
        self._constants = {each.name: each for each in model.graph.initializer}

    def model(self) -> onnx.ModelProto:
        nodes = [new for node in self._model.graph.node for new in self._replaced(node)]
        used = {name for node in nodes for name in node.input}
        quantized = onnx.ModelProto()
        quantized.CopyFrom(self._model)
        del quantized.graph.node[:], quantized.graph.initializer[:]
        quantized.graph.node.extend(nodes)
        quantized.graph.initializer.extend(each for name, each in self._constants.items() if name in used)
        return quantized

    def _replaced(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """What stands in the place of a node: with its weights and its outputs in 8 bits."""
        new = onnx.NodeProto()
        new.CopyFrom(node)
        new.input[:] = [self._restored(name) for name in node.input]
        if node.op_type == "Conv":
            yield from self._weights(new, self._scales[node.input[0]])
        yield new
        for name in node.output:
            if name in self._scales:
                yield from self._rounded(name)

    def _restored(self, name: str) -> str:
        return f"{name}/restored" if name in self._scales else name

    def _rounded(self, name: str) -> Iterator[onnx.NodeProto]:
        """A feature, stored in 8 bits and restored."""
        step, zero = self._scales[name]
        scale = [self._constant(f"{name}/step", step), self._constant(f"{name}/zero", zero)]
        yield helper.make_node("QuantizeLinear", [name, *scale], [f"{name}/stored"])
        yield helper.make_node("DequantizeLinear", [f"{name}/stored", *scale], [self._restored(name)])

    def _weights(self, convolution: onnx.NodeProto, feature: Scale) -> Iterator[onnx.NodeProto]:
        """The weights of a convolution in 8 bits, its bias in 32; it then takes what these nodes restore."""
        _, weight, bias = convolution.input
        values = self._values(weight)
        largest = _LARGEST if values.shape[1] == 1 else _LARGEST_IN_SUMS
        peaks = np.abs(values).max(axis=(1, 2, 3))
        steps = np.where(peaks > 0, peaks / largest, 1.0).astype(np.float32)
        stored = np.rint(values / steps[:, None, None, None]).clip(-largest, largest).astype(np.int8)
        yield self._stored(weight, stored, steps, np.zeros(len(steps), np.int8))
        steps = steps * feature.step
        limits = np.iinfo(np.int32)
        stored = np.rint(self._values(bias) / steps.astype(np.float64)).clip(limits.min, limits.max)
        yield self._stored(bias, stored.astype(np.int32), steps, np.zeros(len(steps), np.int32))
        convolution.input[1:] = [f"{weight}/restored", f"{bias}/restored"]

    def _stored(
        self,
        name: str,
        values: NDArray[np.signedinteger],
        steps: NDArray[np.float32],
        zeros: NDArray[np.signedinteger],
    ) -> onnx.NodeProto:
        """A constant in integers, with a step for each output channel, and the node that restores it."""
        inputs = [
            self._constant(f"{name}/stored", values),
            self._constant(f"{name}/step", steps),
            self._constant(f"{name}/zero", zeros),
        ]
        return helper.make_node("DequantizeLinear", inputs, [f"{name}/restored"], axis=0)

    def _values(self, name: str) -> NDArray[np.float64]:
        return numpy_helper.to_array(self._constants[name]).astype(np.float64)

    def _constant(self, name: str, value: object) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name
