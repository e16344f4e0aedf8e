"""musicnn as a TensorFlow checkpoint -> ONNX.

Architecture: https://github.com/jordipons/musicnn, models.py, with 64 filters in the middle and 200 units at
the end; Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging" (2019).
Wide filters over time and over frequency, each with its maximum over all frequencies; three layers over time;
then maximum and mean over time, and two dense layers.

The graph takes ``mel``, float32 [N, 187, 96] (log10(10000 · S + 1) of a power mel spectrogram S, 16 ms a
frame), and gives ``probabilities``, float32 [N, 50]. What follows the first layer is [N, channels, time].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.graph_builder import GraphBuilder, Tensors, norm_factor
from recognize_cli.models.convert.tf_checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FRAMES, BANDS, TAGS = 187, 96, 50
_TIMBRAL = (38, 67)  # bands that a filter sees, 0.4 and 0.7 of all; it sees 7 frames
_TEMPORAL = (128, 64, 32)  # frames that a filter sees; it sees one band
_TIMBRAL_CHANNELS, _TEMPORAL_CHANNELS, _MIDDLE, _UNITS = 204, 51, 64, 200
_FRONT = len(_TIMBRAL) * _TIMBRAL_CHANNELS + len(_TEMPORAL) * _TEMPORAL_CHANNELS
_POOLED = _FRONT + 3 * _MIDDLE
_EPSILON = 1e-3  # of the batch norms
_SAME_7 = 3  # frames of padding on either side for 7 frames


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the one graph from the files ``*.index`` and ``*.data-00000-of-00001``.

    Raises ConversionFailed. ``side`` means nothing to it.
    """
    index, data = (_file(files, end) for end in (".index", ".data-00000-of-00001"))
    tensors = Tensors(data.name, _network_only(load_checkpoint(index, data)))
    onnx.save(_Network(tensors).build(), graph_file(folder))


def _file(files: Mapping[str, Path], end: str) -> Path:
    paths = [path for name, path in files.items() if name.endswith(end)]
    if len(paths) != 1:
        raise ConversionFailed(
            name="musicnn", problem=f"one file {end} of a checkpoint is expected, not {len(paths)}"
        )
    return paths[0]


def _network_only(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Without what the optimiser Adam left there, which is no part of the network."""
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name.rpartition("/")[2] not in ("Adam", "Adam_1", "beta1_power", "beta2_power")
    }


class _Network:
    """Builds the graph. Layers of a kind are numbered in the order in which they were made."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = GraphBuilder()

    def build(self) -> onnx.ModelProto:
        """The whole network as a model; raises ConversionFailed if the weights are not its weights."""
        graph = self._graph
        front = self._front("mel")
        first = self._middle(front, 5, _FRONT)
        second = graph.node("Add", [self._middle(first, 6, _MIDDLE), first])
        third = graph.node("Add", [self._middle(second, 7, _MIDDLE), second])
        features = graph.node("Concat", [front, first, second, third], axis=1)
        pooled = [graph.node(pool, [features], axes=[2], keepdims=0) for pool in ("ReduceMax", "ReduceMean")]
        self._dense(graph.node("Concat", pooled, axis=1))
        self._tensors.close("musicnn")
        mel = helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["N", FRAMES, BANDS])
        return graph.model("musicnn", mel, {"probabilities": [TAGS]})

    def _front(self, mel: str) -> str:
        graph = self._graph
        x = graph.node("Unsqueeze", [mel, graph.constant("channel axis", [1], np.int64)])
        x = self._normalised(x, 0, 1, axes=())
        found = []
        for layer, bands in enumerate(_TIMBRAL):
            found.append(self._filters(x, layer, (7, bands), _TIMBRAL_CHANNELS, (_SAME_7, _SAME_7)))
        for layer, frames in enumerate(_TEMPORAL, len(_TIMBRAL)):
            padding = ((frames - 1) // 2, frames // 2)  # TensorFlow's SAME
            found.append(self._filters(x, layer, (frames, 1), _TEMPORAL_CHANNELS, padding))
        return graph.node("Concat", found, axis=1)

    def _filters(
        self, x: str, layer: int, kernel: tuple[int, int], channels: int, padding: tuple[int, int]
    ) -> str:
        """A layer of the front on [N, 1, time, bands], with its maximum over the bands."""
        weight = self._tensors.take(f"{_numbered('conv2d', layer)}/kernel", *kernel, 1, channels)
        y = self._convolution(x, layer, weight.transpose(3, 2, 0, 1), [padding[0], 0, padding[1], 0])
        return self._graph.node(
            "ReduceMax", [self._normalised(y, layer + 1, channels, axes=(1, 1))], axes=[3], keepdims=0
        )

    def _middle(self, x: str, layer: int, channels: int) -> str:
        """A layer over time on [N, channels, time]. In the original the channels lie as bands do."""
        weight = self._tensors.take(f"{_numbered('conv2d', layer)}/kernel", 7, channels, 1, _MIDDLE)
        y = self._convolution(x, layer, weight[:, :, 0].transpose(2, 1, 0), [_SAME_7, _SAME_7])
        return self._normalised(y, layer + 1, _MIDDLE, axes=(1,))

    def _convolution(self, x: str, layer: int, weight: NDArray[np.float64], pads: list[int]) -> str:
        name = _numbered("conv2d", layer)
        bias = self._tensors.take(f"{name}/bias", len(weight))
        inputs = [x, self._graph.constant(f"{name}.weight", weight)]
        inputs.append(self._graph.constant(f"{name}.bias", bias))
        y = self._graph.node("Conv", inputs, kernel_shape=list(weight.shape[2:]), pads=pads)
        return self._graph.node("Relu", [y])

    def _normalised(self, x: str, layer: int, channels: int, axes: tuple[int, ...]) -> str:
        """A batch norm; ``axes`` are those behind the channels."""
        factor, offset = self._norm(layer, channels)
        name = _numbered("batch_normalization", layer)
        shape = (channels, *axes)
        scaled = self._graph.node("Mul", [x, self._graph.constant(f"{name}.factor", factor.reshape(shape))])
        return self._graph.node(
            "Add", [scaled, self._graph.constant(f"{name}.offset", offset.reshape(shape))]
        )

    def _norm(self, layer: int, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What a batch norm multiplies by, and what it adds then."""
        name = _numbered("batch_normalization", layer)
        gamma, beta, mean, variance = (
            self._tensors.take(f"{name}/{each}", channels)
            for each in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = norm_factor(self._tensors, f"{name}/moving_variance", gamma, variance, _EPSILON)
        return factor, beta - mean * factor

    def _dense(self, pooled: str) -> None:
        """Two dense layers, each with the batch norm before it folded in, and the probabilities.

        In the original the maximum and the mean of a channel lie side by side; in ``pooled`` all maxima
        come first.
        """
        graph = self._graph
        order = np.arange(2 * _POOLED).reshape(_POOLED, 2).T.ravel()
        weight, bias = self._folded("dense", 9, 2 * _POOLED, _UNITS)
        hidden = graph.node("Relu", [self._gemm(pooled, "dense", weight[order], bias)])
        weight, bias = self._folded("dense_1", 10, _UNITS, TAGS)
        graph.node("Sigmoid", [self._gemm(hidden, "dense_1", weight, bias)], output="probabilities")

    def _folded(
        self, name: str, norm: int, inputs: int, outputs: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        factor, offset = self._norm(norm, inputs)
        weight = self._tensors.take(f"{name}/kernel", inputs, outputs)
        bias = self._tensors.take(f"{name}/bias", outputs)
        return factor[:, None] * weight, bias + offset @ weight

    def _gemm(self, x: str, name: str, weight: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
        constants = [
            self._graph.constant(f"{name}.weight", weight),
            self._graph.constant(f"{name}.bias", bias),
        ]
        return self._graph.node("Gemm", [x, *constants])


def _numbered(kind: str, layer: int) -> str:
    """TensorFlow's name of a layer: the first one of a kind has no number."""
    return f"{kind}_{layer}" if layer else kind
