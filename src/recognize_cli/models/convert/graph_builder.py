"""Writes convolutional networks as ONNX, node by node, for converters that know the architecture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

_OPSET, _IR_VERSION = 17, 8  # read by every ONNX Runtime since 1.12


class Tensors:
    """The weights of a network by name, each to be taken once; ``source`` is the file they are from."""

    def __init__(self, source: str, tensors: Mapping[str, NDArray[Any]]) -> None:
        self._source = source
        self._tensors = tensors
        self._left = set(tensors)

    def take(self, name: str, *shape: int) -> NDArray[np.float64]:
        """A float32 tensor; raises ConversionFailed if it is missing, taken, or not as expected."""
        tensor = self._tensors.get(name)
        if tensor is None:
            raise self.failure(f"it has no tensor {name!r}")
        if tensor.dtype != np.float32 or tensor.shape != shape:
            raise self.failure(f"{name} is {tensor.dtype} {tensor.shape}, not float32 {shape}")
        if not np.isfinite(tensor).all():
            raise self.failure(f"{name} has values that are not finite")
        if name not in self._left:
            raise self.failure(f"{name} is used twice")
        self._left.remove(name)
        return tensor.astype(np.float64)

    def pass_over(self, names: Iterable[str]) -> None:
        """Marks tensors that decide nothing as taken, whether they are there or not."""
        self._left.difference_update(names)

    def close(self, network: str) -> None:
        """Raises ConversionFailed if a tensor is left, which `network` then does not have."""
        if self._left:
            raise self.failure(f"it has the tensor {min(self._left)!r}, which {network} does not")

    def failure(self, problem: str) -> ConversionFailed:
        """The error that says what is wrong with the file."""
        return ConversionFailed(name=self._source, problem=problem)


def norm_factor(
    tensors: Tensors, name: str, gamma: NDArray[np.float64], variance: NDArray[np.float64], epsilon: float
) -> NDArray[np.float64]:
    """What a batch norm multiplies by, γ/√(σ²+ε); ``name`` is that of the variance.

    Raises ConversionFailed if a variance is negative.
    """
    if (variance < 0).any():
        raise tensors.failure(f"{name} has a negative variance")
    return np.asarray(gamma / np.sqrt(variance + epsilon))


class Feature(NamedTuple):
    """A value in the graph: float32 [N, channels, size, size]."""

    name: str
    channels: int
    size: int


class GraphBuilder:
    """Collects the nodes and constants of a graph; each method returns what it added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: object, dtype: type[np.generic] = np.float32) -> str:
        """A constant; a second one of the same name is the first one."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def node(
        self, operator: str, inputs: Sequence[str], *, output: str | None = None, **attributes: Any
    ) -> str:
        """An operator with one output, which is named ``output``, or after the operator."""
        output = output or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def each(self, operator: str, *features: Feature) -> Feature:
        """An operator that works value by value on features of one shape."""
        return features[0]._replace(name=self.node(operator, [feature.name for feature in features]))

    def relu6(self, x: Feature) -> Feature:
        """Values below 0 become 0, and above 6 become 6."""
        limits = [self.constant("zero", 0), self.constant("six", 6)]
        return x._replace(name=self.node("Clip", [x.name, *limits]))

    def convolution(
        self,
        x: Feature,
        name: str,
        weight: NDArray[np.float64],
        bias: NDArray[np.float64] | None = None,
        *,
        stride: int = 1,
        padded: bool = True,
    ) -> Feature:
        """A convolution with a weight [out, in of a group, kernel, kernel]; there are as many groups as fit.

        Padding is TensorFlow's SAME: the output has ⌈size / stride⌉ pixels a side, and an odd pixel of
        padding goes to the bottom and right; not ``padded`` is VALID.
        """
        out, inside, kernel, _ = weight.shape
        size = math.ceil(x.size / stride) if padded else (x.size - kernel) // stride + 1
        padding = max((size - 1) * stride + kernel - x.size, 0) if padded else 0
        before, after = padding // 2, padding - padding // 2
        inputs = [x.name, self.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        y = self.node(
            "Conv",
            inputs,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=x.channels // inside,
        )
        return Feature(y, out, size)

    def pool(self, x: Feature, operator: str, kernel: int, stride: int) -> Feature:
        """A pooling operator without padding."""
        y = self.node(operator, [x.name], kernel_shape=[kernel, kernel], strides=[stride, stride])
        return Feature(y, x.channels, (x.size - kernel) // stride + 1)

    def model(
        self, name: str, image: onnx.ValueInfoProto, outputs: Mapping[str, Sequence[int]]
    ) -> onnx.ModelProto:
        """The checked model; its outputs are float32 [N, ...] with the sizes given after N."""
        infos = [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", *shape])
            for output, shape in outputs.items()
        ]
        model = helper.make_model(
            helper.make_graph(self._nodes, name, [image], infos, list(self._constants.values())),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="recognize-cli",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def image_input(name: str, element_type: int, side: int) -> onnx.ValueInfoProto:
    """An input for batches of square colour images, [N, side, side, 3]."""
    return helper.make_tensor_value_info(name, element_type, ["N", side, side, 3])
