"""Activations, which exist as nodes of their own and fused into convolutions and products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from typing import Self

    from recognize_cli.models.convert.tfjs.layout import Order
    from recognize_cli.models.convert.tfjs.ops.operation import Operation

PLAIN = {"Elu": "Elu", "Relu": "Relu", "Sigmoid": "Sigmoid", "Tanh": "Tanh"}
"""Activations without a parameter: op of TensorFlow, operator of ONNX."""

ACTIVATIONS = frozenset({*PLAIN, "LeakyRelu", "Prelu", "Relu6"})


@dataclass(frozen=True, slots=True)
class Fusion:
    """What is fused into a node: the bias first, then the activation."""

    bias: bool
    activation: str | None

    @classmethod
    def read(cls, operation: Operation) -> Self:
        """The attribute ``fused_ops``; an unfused node has none. Checks the number of inputs too."""
        names = list(operation.attributes.texts("fused_ops"))
        bias = names[:1] == ["BiasAdd"]
        activations = names[bias:]
        if len(activations) > 1 or not ACTIVATIONS.issuperset(activations):
            raise Unconvertible(f"it fuses {' + '.join(names)}, which is not supported")
        fusion = cls(bias, activations[0] if activations else None)
        operation.expect(2 + fusion.bias + (fusion.activation == "Prelu"))
        return fusion


def activate(operation: Operation, tensor: str, order: Order, activation: str) -> str:
    """Applies an activation of `ACTIVATIONS` to a tensor in an axis order.

    Prelu takes its slopes from the last input, which must be a constant.
    """
    match activation:
        case "Relu6":
            scalar = operation.emission.scalar
            return operation.emit("Clip", tensor, scalar(0), scalar(6))
        case "LeakyRelu":
            # A fused node carries the same number under a name of its own; 0.2 is TensorFlow's default.
            fused = operation.attributes.number("leakyrelu_alpha", 0.2)
            return operation.emit("LeakyRelu", tensor, alpha=operation.attributes.number("alpha", fused))
        case "Prelu":
            slopes = operation.constant(len(operation.inputs) - 1)
            return operation.emit("PRelu", tensor, operation.emission.constant(slopes, order))
    return operation.emit(PLAIN[activation], tensor)
