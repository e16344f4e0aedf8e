"""What the networks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from recognize_cli.models.convert.graph_builder import Feature, GraphBuilder, image_input

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

_IMAGE = "image"
_MEAN_COLOUR = (122.782, 117.001, 104.298)  # red, green, blue


def image(side: int) -> onnx.ValueInfoProto:
    """The input of each graph."""
    return image_input(_IMAGE, TensorProto.FLOAT, side)


def channels_first(graph: GraphBuilder, side: int) -> Feature:
    """The image as convolutions take it."""
    return Feature(graph.node("Transpose", [_IMAGE], perm=[0, 3, 1, 2]), 3, side)


def less_mean_colour(graph: GraphBuilder, side: int) -> Feature:
    """The image with a mean colour of about 0, scaled by 1/255."""
    x = channels_first(graph, side)
    mean = graph.constant("mean", [[[value]] for value in _MEAN_COLOUR])
    centred = graph.node("Sub", [x.name, mean])
    return x._replace(name=graph.node("Div", [centred, graph.constant("scale", 255)]))


def outputs_first(filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """TensorFlow's [height, width, in, out] as [out, in, height, width]."""
    return filters.transpose(3, 2, 0, 1)


def channels_apart(filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """TensorFlow's depthwise [height, width, channels, 1] as [channels, 1, height, width]."""
    return filters.transpose(2, 3, 0, 1)
