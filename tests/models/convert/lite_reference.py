"""EfficientNet-Lite0 in plain NumPy, as its paper and code describe it: slow, direct, unfolded.

It shares nothing with the converter: padding is put around the pixels, each batch norm is computed on its
own, every block is written out in a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 224
BLOCKS = [  # channels in, channels out, expansion, kernel, stride; one line a block
    (32, 16, 1, 3, 1),
    (16, 24, 6, 3, 2),
    (24, 24, 6, 3, 1),
    (24, 40, 6, 5, 2),
    (40, 40, 6, 5, 1),
    (40, 80, 6, 3, 2),
    (80, 80, 6, 3, 1),
    (80, 80, 6, 3, 1),
    (80, 112, 6, 5, 1),
    (112, 112, 6, 5, 1),
    (112, 112, 6, 5, 1),
    (112, 192, 6, 5, 2),
    (192, 192, 6, 5, 1),
    (192, 192, 6, 5, 1),
    (192, 192, 6, 5, 1),
    (192, 320, 6, 3, 1),
]


def made_weights(seed: int = 0) -> dict[str, NDArray[Any]]:
    """Random weights with which the activations neither vanish nor explode."""
    random = np.random.default_rng(seed)
    weights: dict[str, NDArray[Any]] = {}

    def convolution(name: str, norm: str, out: int, per_group: int, kernel: int) -> None:
        shape = (out, per_group, kernel, kernel)
        weights[f"{name}.weight"] = random.normal(0, (2 / (per_group * kernel**2)) ** 0.5, shape)
        weights[f"{norm}.weight"] = random.uniform(0.7, 1.3, out)
        weights[f"{norm}.bias"] = random.normal(0, 0.3, out)
        weights[f"{norm}.running_mean"] = random.normal(0, 0.2, out)
        weights[f"{norm}.running_var"] = random.uniform(0.4, 1.5, out)

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    for number, (before, after, expansion, kernel, _) in enumerate(BLOCKS):
        prefix, inside = f"_blocks.{number}.", before * expansion
        if expansion != 1:
            convolution(f"{prefix}_expand_conv", f"{prefix}_bn0", inside, before, 1)
        convolution(f"{prefix}_depthwise_conv", f"{prefix}_bn1", inside, 1, kernel)
        convolution(f"{prefix}_project_conv", f"{prefix}_bn2", after, inside, 1)
    convolution("_conv_head", "_bn1", 1280, 320, 1)
    weights["_fc.weight"] = random.normal(0, 1280**-0.5, (1000, 1280))
    weights["_fc.bias"] = random.normal(0, 0.1, 1000)
    floats = {name: array.astype(np.float32) for name, array in weights.items()}
    norms = [name for name in floats if name.endswith("running_var")]
    counts = {name.replace("running_var", "num_batches_tracked"): np.array(9, np.int64) for name in norms}
    return {**floats, **counts}


def logits(image: NDArray[np.uint8], weights: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """What the network says of one image (224×224×3)."""

    def layer(x: NDArray[np.float64], name: str, norm: str, stride: int = 1) -> NDArray[np.float64]:
        y = _convolved(x, weights[f"{name}.weight"].astype(np.float64), stride)
        deviation = np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + 0.001)
        normed = (y - weights[f"{norm}.running_mean"]) / deviation
        return np.asarray(normed * weights[f"{norm}.weight"] + weights[f"{norm}.bias"])

    def relu6(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(x, 0, 6)

    x = relu6(layer((image.astype(np.float64) - 127) / 128, "_conv_stem", "_bn0", 2))
    for number, (before, after, expansion, _, stride) in enumerate(BLOCKS):
        prefix, y = f"_blocks.{number}.", x
        if expansion != 1:
            y = relu6(layer(y, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        y = relu6(layer(y, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride))
        y = layer(y, f"{prefix}_project_conv", f"{prefix}_bn2")
        x = x + y if stride == 1 and before == after else y
    x = relu6(layer(x, "_conv_head", "_bn1"))
    return np.asarray(weights["_fc.weight"] @ x.mean(axis=(0, 1)) + weights["_fc.bias"])


def _convolved(x: NDArray[np.float64], weight: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """TensorFlow's "SAME" convolution of H×W×C; one channel a group if the weight has one channel in."""
    kernel = weight.shape[2]
    size = -(-x.shape[0] // stride)
    padding = max((size - 1) * stride + kernel - x.shape[0], 0)
    first, last = padding // 2, padding - padding // 2
    padded = np.pad(x, ((first, last), (first, last), (0, 0)))
    y = np.zeros((size, size, weight.shape[0]))
    for row in range(kernel):
        for column in range(kernel):
            seen = padded[row : row + size * stride : stride, column : column + size * stride : stride]
            seen = seen[:size, :size]
            tap = weight[:, :, row, column]
            y += seen * tap[:, 0] if weight.shape[1] == 1 else seen @ tap.T
    return y
