"""Where faces are: SSD on MobileNet v1.

``boxes`` are ymin, xmin, ymax, xmax as fractions of the image, one for each of 5118 anchors; ``scores`` say
how likely each is a face, from 0 to 1. Nothing is left out: that is what non-maximum suppression is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.models.convert.face_api.parts import channels_apart, channels_first, image, outputs_first
from recognize_cli.models.convert.graph_builder import Feature, GraphBuilder, norm_factor

if TYPE_CHECKING:
    import onnx

    from recognize_cli.models.convert.graph_builder import Tensors

_SIDE = 512
_ANCHORS = 5118
_EPSILON = 0.0010000000474974513  # of the batch norms
_STEM = 32
_LAYERS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)  # channels of MobileNet
_HALVING = (2, 4, 6, 12)  # numbers of the layers, from 1, that halve the image
_TAPPED = 11  # of its layers, this one is looked at by the first predictor
_EXTRA = (256, 512, 128, 256, 128, 256, 64, 128)  # channels; every second one halves the image
_ANCHORS_A_PIXEL = (3, 6, 6, 6, 6, 6)
_BOX, _CLASSES, _FACE = 4, 3, 1  # numbers a box, classes, which of them is a face

_LEFTOVERS = (  # shapes and factors of the exported graph, which the network does not need
    *("Preprocessor/mul/x", "Preprocessor/sub/y", "Preprocessor/ResizeImage/size", "concat_1/axis"),
    *("Postprocessor/Slice/begin", "Postprocessor/Slice/size", "Postprocessor/stack/1"),
    *(f"Prediction/BoxPredictor_{number}/stack_1/1" for number in range(len(_ANCHORS_A_PIXEL))),
    *(f"Prediction/BoxPredictor_0/{name}" for name in ("stack/3", "stack_1/2")),
    *(f"Prediction/BoxPredictor_0/strided_slice/{name}" for name in ("stack", "stack_1")),
)


def build(tensors: Tensors) -> onnx.ModelProto:
    """The network as a model; raises ConversionFailed if the weights are not its weights."""
    return _Network(tensors).build()


class _Network:
    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = GraphBuilder()

    def build(self) -> onnx.ModelProto:
        encodings, classes = [], []
        for number, (x, anchors) in enumerate(zip(self._features(), _ANCHORS_A_PIXEL, strict=True)):
            name = f"Prediction/BoxPredictor_{number}"
            encodings.append(self._predictor(x, f"{name}/BoxEncodingPredictor", anchors, _BOX))
            classes.append(self._predictor(x, f"{name}/ClassPredictor", anchors, _CLASSES))
        self._decode(self._graph.node("Concat", encodings, axis=1))
        self._score(self._graph.node("Concat", classes, axis=1))
        self._tensors.pass_over(_LEFTOVERS)
        self._tensors.close("the detector")
        outputs = {"boxes": [_ANCHORS, _BOX], "scores": [_ANCHORS]}
        return self._graph.model("face-detector", image(_SIDE), outputs)

    def _features(self) -> list[Feature]:
        """The maps in which faces are looked for, from fine to coarse."""
        x = self._convolution(self._normalised(), "MobilenetV1/Conv2d_0_pointwise", _STEM, 3, 2)
        features = []
        for number, channels in enumerate(_LAYERS, 1):
            x = self._depthwise(x, f"MobilenetV1/Conv2d_{number}_depthwise", 2 if number in _HALVING else 1)
            x = self._convolution(x, f"MobilenetV1/Conv2d_{number}_pointwise", channels)
            if number == _TAPPED:
                features.append(x)
        features.append(x)
        for number, channels in enumerate(_EXTRA):
            kernel, stride = (3, 2) if number % 2 else (1, 1)
            x = self._convolution(x, f"Prediction/Conv2d_{number}_pointwise", channels, kernel, stride)
            if number % 2:
                features.append(x)
        return features

    def _normalised(self) -> Feature:
        """The image as values from -1 to 1."""
        graph, x = self._graph, channels_first(self._graph, _SIDE)
        scaled = graph.node("Div", [x.name, graph.constant("scale", 127.5)])
        return x._replace(name=graph.node("Sub", [scaled, graph.constant("one", 1)]))

    def _convolution(self, x: Feature, name: str, channels: int, kernel: int = 1, stride: int = 1) -> Feature:
        filters = self._tensors.take(f"{name}/weights", kernel, kernel, x.channels, channels)
        bias = self._tensors.take(f"{name}/convolution_bn_offset", channels)
        y = self._graph.convolution(x, name, outputs_first(filters), bias, stride=stride)
        return self._graph.relu6(y)

    def _depthwise(self, x: Feature, name: str, stride: int) -> Feature:
        """Each channel by itself, with its batch norm folded in."""
        take, norm = self._tensors.take, f"{name}/BatchNorm"
        filters = channels_apart(take(f"{name}/depthwise_weights", 3, 3, x.channels, 1))
        gamma, beta = take(f"{norm}/gamma", x.channels), take(f"{norm}/beta", x.channels)
        mean, variance = take(f"{norm}/moving_mean", x.channels), take(f"{norm}/moving_variance", x.channels)
        factor = norm_factor(self._tensors, f"{norm}/moving_variance", gamma, variance, _EPSILON)
        weight, bias = filters * factor[:, None, None, None], beta - mean * factor
        return self._graph.relu6(self._graph.convolution(x, name, weight, bias, stride=stride))

    def _predictor(self, x: Feature, name: str, anchors: int, values: int) -> str:
        """[N, anchors of all pixels, values]: row by row, and at each pixel anchor by anchor."""
        filters = self._tensors.take(f"{name}/weights", 1, 1, x.channels, anchors * values)
        bias = self._tensors.take(f"{name}/biases", anchors * values)
        y = self._graph.convolution(x, name, outputs_first(filters), bias)
        last = self._graph.node("Transpose", [y.name], perm=[0, 2, 3, 1])
        shape = self._graph.constant(f"rows_of_{values}", [0, -1, values], np.int64)
        return self._graph.node("Reshape", [last, shape])

    def _decode(self, encodings: str) -> None:
        """Boxes from how they differ from their anchors: [N, anchors, (y, x, log height, log width)]."""
        graph = self._graph
        anchors = self._tensors.take("Output/extra_dim", 1, _ANCHORS, _BOX)
        sizes = anchors[..., 2:] - anchors[..., :2]
        size = graph.constant("anchor_sizes", sizes)
        centre = graph.constant("anchor_centres", anchors[..., :2] + sizes / 2)
        shift = graph.node("Div", [self._columns(encodings, 0, 2), graph.constant("ten", 10)])
        middle = graph.node("Add", [graph.node("Mul", [shift, size]), centre])
        growth = graph.node("Div", [self._columns(encodings, 2, 4), graph.constant("five", 5)])
        whole = graph.node("Mul", [graph.node("Exp", [growth]), size])
        half = graph.node("Div", [whole, graph.constant("two", 2)])
        corners = [graph.node("Sub", [middle, half]), graph.node("Add", [middle, half])]
        graph.node("Concat", corners, output="boxes", axis=2)

    def _score(self, classes: str) -> None:
        logits = self._columns(classes, _FACE, _FACE + 1)
        axis = self._graph.constant("axis_2", [2], np.int64)
        self._graph.node("Squeeze", [self._graph.node("Sigmoid", [logits]), axis], output="scores")

    def _columns(self, x: str, start: int, end: int) -> str:
        """Of [N, anchors, values], the values from `start` to before `end`."""
        limits = [
            self._graph.constant(f"{name}_{value}", [value], np.int64)
            for name, value in (("from", start), ("to", end), ("axis", 2))
        ]
        return self._graph.node("Slice", [x, *limits])
