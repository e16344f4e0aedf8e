"""The 68 landmarks of a face: four dense blocks of separable convolutions, then one linear layer.

``landmarks`` are 68 pairs x, y, as fractions of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.models.convert.face_api.parts import (
    channels_apart,
    image,
    less_mean_colour,
    outputs_first,
)
from recognize_cli.models.convert.graph_builder import Feature, GraphBuilder

if TYPE_CHECKING:
    import onnx

    from recognize_cli.models.convert.graph_builder import Tensors

_SIDE = 112
_BLOCKS = (32, 64, 128, 256)  # channels
_OUTPUTS = 2 * 68


def build(tensors: Tensors) -> onnx.ModelProto:
    """The network as a model; raises ConversionFailed if the weights are not its weights."""
    return _Network(tensors).build()


class _Network:
    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = GraphBuilder()

    def build(self) -> onnx.ModelProto:
        graph, take = self._graph, self._tensors.take
        x = less_mean_colour(graph, _SIDE)
        for number, channels in enumerate(_BLOCKS):
            x = self._block(x, f"dense{number}", channels)
        x = graph.pool(x, "AveragePool", x.size, 1)
        flat = graph.node("Flatten", [x.name], axis=1)
        weight = graph.constant("fc/weights", take("fc/weights", x.channels, _OUTPUTS))
        bias = graph.constant("fc/bias", take("fc/bias", _OUTPUTS))
        graph.node("Gemm", [flat, weight, bias], output="landmarks")
        self._tensors.close("the landmark network")
        return graph.model("face-landmarks", image(_SIDE), {"landmarks": [_OUTPUTS]})

    def _block(self, x: Feature, name: str, channels: int) -> Feature:
        """Halves the image; each of its layers sees the sum of all before it."""
        halve = self._convolution if name == "dense0" else self._separable
        total = self._graph.each("Relu", halve(x, f"{name}/conv0", channels, 2))
        for number in (1, 2, 3):
            seen = self._graph.each("Relu", total) if number > 1 else total
            total = self._graph.each("Add", total, self._separable(seen, f"{name}/conv{number}", channels, 1))
        return self._graph.each("Relu", total)

    def _convolution(self, x: Feature, name: str, channels: int, stride: int) -> Feature:
        filters = self._tensors.take(f"{name}/filters", 3, 3, x.channels, channels)
        bias = self._tensors.take(f"{name}/bias", channels)
        return self._graph.convolution(x, name, outputs_first(filters), bias, stride=stride)

    def _separable(self, x: Feature, name: str, channels: int, stride: int) -> Feature:
        """Each channel by itself, then all of them at each pixel."""
        apart = self._tensors.take(f"{name}/depthwise_filter", 3, 3, x.channels, 1)
        across = self._tensors.take(f"{name}/pointwise_filter", 1, 1, x.channels, channels)
        bias = self._tensors.take(f"{name}/bias", channels)
        y = self._graph.convolution(x, f"{name}/depthwise", channels_apart(apart), stride=stride)
        return self._graph.convolution(y, name, outputs_first(across), bias)
