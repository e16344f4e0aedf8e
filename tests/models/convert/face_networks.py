"""The three networks of face-api in plain NumPy, read off its TypeScript: slow, direct, unfolded.

It shares nothing with the converter: height × width × channels, padding is put around the pixels, batch
norms and scales are computed on their own. A network asks for its weights by name and shape, so the same
code says which weights there are (`Maker`) and what the network does with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ask = Callable[..., Array]

SIDES = {"detector": 512, "landmarks": 112, "descriptor": 150}
FILES = {
    "detector": "ssd_mobilenetv1_model",
    "landmarks": "face_landmark_68_model",
    "descriptor": "face_recognition_model",
}
LEFTOVERS = ("Preprocessor/mul/x", "Postprocessor/Slice/begin", "Prediction/BoxPredictor_0/stack/3")
MEAN = np.array([122.782, 117.001, 104.298])


def detector(image: Array, ask: Ask) -> dict[str, Array]:
    """SSD on MobileNet v1."""

    def pointwise(x: Array, name: str, kernel: int, channels: int, stride: int) -> Array:
        filters = ask(f"{name}/weights", kernel, kernel, x.shape[2], channels)
        return _relu6(_convolved(x, filters, stride) + ask(f"{name}/convolution_bn_offset", channels))

    def depthwise(x: Array, name: str, stride: int) -> Array:
        channels = x.shape[2]
        y = _apart(x, ask(f"{name}/depthwise_weights", 3, 3, channels, 1), stride)
        names = ("moving_mean", "moving_variance", "beta", "gamma")
        mean, variance, beta, gamma = (ask(f"{name}/BatchNorm/{each}", channels) for each in names)
        return _relu6((y - mean) / np.sqrt(variance + 0.001) * gamma + beta)

    x = pointwise(image / 127.5 - 1, "MobilenetV1/Conv2d_0_pointwise", 3, 32, 2)
    maps = []
    layers = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    for number, channels in enumerate(layers, 1):
        x = depthwise(x, f"MobilenetV1/Conv2d_{number}_depthwise", 2 if number in (2, 4, 6, 12) else 1)
        x = pointwise(x, f"MobilenetV1/Conv2d_{number}_pointwise", 1, channels, 1)
        if number in (11, 13):
            maps.append(x)
    for number, (kernel, channels) in enumerate(
        [(1, 256), (3, 512), (1, 128), (3, 256), (1, 128), (3, 256), (1, 64), (3, 128)]
    ):
        x = pointwise(x, f"Prediction/Conv2d_{number}_pointwise", kernel, channels, 2 if kernel == 3 else 1)
        if kernel == 3:
            maps.append(x)
    found = []
    for kind, values in (("BoxEncodingPredictor", 4), ("ClassPredictor", 3)):
        rows = []
        for number, each in enumerate(maps):
            outputs = values * (3 if number == 0 else 6)
            name = f"Prediction/BoxPredictor_{number}/{kind}"
            y = _convolved(each, ask(f"{name}/weights", 1, 1, each.shape[2], outputs), 1)
            rows.append((y + ask(f"{name}/biases", outputs)).reshape(-1, values))
        found.append(np.concatenate(rows))
    top, left, bottom, right = ask("Output/extra_dim", 1, 5118, 4)[0].T
    y, x, height, width = found[0].T
    middle_y = y / 10 * (bottom - top) + (top + bottom) / 2
    middle_x = x / 10 * (right - left) + (left + right) / 2
    half_y, half_x = np.exp(height / 5) * (bottom - top) / 2, np.exp(width / 5) * (right - left) / 2
    boxes = np.stack([middle_y - half_y, middle_x - half_x, middle_y + half_y, middle_x + half_x], 1)
    return {"boxes": boxes, "scores": 1 / (1 + np.exp(-found[1][:, 1]))}


def landmarks(image: Array, ask: Ask) -> dict[str, Array]:
    """Four dense blocks."""

    def separable(x: Array, name: str, channels: int, stride: int) -> Array:
        y = _apart(x, ask(f"{name}/depthwise_filter", 3, 3, x.shape[2], 1), stride)
        y = y @ ask(f"{name}/pointwise_filter", 1, 1, x.shape[2], channels)[0, 0]
        return y + ask(f"{name}/bias", channels)

    x = (image - MEAN) / 255
    for number, channels in enumerate((32, 64, 128, 256)):
        name = f"dense{number}"
        if number == 0:
            first = _convolved(x, ask(f"{name}/conv0/filters", 3, 3, 3, channels), 2)
            first = first + ask(f"{name}/conv0/bias", channels)
        else:
            first = separable(x, f"{name}/conv0", channels, 2)
        first = _relu(first)
        second = separable(first, f"{name}/conv1", channels, 1)
        third = separable(_relu(first + second), f"{name}/conv2", channels, 1)
        fourth = separable(_relu(first + second + third), f"{name}/conv3", channels, 1)
        x = _relu(first + second + third + fourth)
    assert x.shape == (7, 7, 256)
    return {"landmarks": x.mean((0, 1)) @ ask("fc/weights", 256, 136) + ask("fc/bias", 136)}


def descriptor(image: Array, ask: Ask) -> dict[str, Array]:
    """A residual network."""

    def layer(x: Array, name: str, channels: int, kernel: int = 3, stride: int = 1) -> Array:
        filters = ask(f"{name}/conv/filters", kernel, kernel, x.shape[2], channels)
        y = _convolved(x, filters, stride, same=stride == 1) + ask(f"{name}/conv/bias", channels)
        return y * ask(f"{name}/scale/weights", channels) + ask(f"{name}/scale/biases", channels)

    x = _relu(layer((image - MEAN) / 255, "conv32_down", 32, 7, 2))
    x = np.stack([x[i : i + 69 : 2, j : j + 69 : 2] for i in range(3) for j in range(3)]).max(0)
    assert x.shape == (35, 35, 32)
    blocks = [
        *("32_1", "32_2", "32_3"),
        *("64_down", "64_1", "64_2", "64_3"),
        *("128_down", "128_1", "128_2"),
    ]
    blocks += ["256_down", "256_1", "256_2", "256_down_out"]
    for block in blocks:
        name, channels = f"conv{block}", int(block.split("_")[0])
        halves = "down" in block
        y = _relu(layer(x, f"{name}/conv1", channels, stride=2 if halves else 1))
        y = layer(y, f"{name}/conv2", channels)
        if halves:
            size = x.shape[0] // 2
            x = x[: 2 * size, : 2 * size].reshape(size, 2, size, 2, -1).mean((1, 3))
            x = np.pad(x, ((0, 0), (0, 0), (0, channels - x.shape[2])))
            y = np.pad(y, ((0, size - y.shape[0]), (0, size - y.shape[1]), (0, 0)))
        x = _relu(x + y)
    assert x.shape == (2, 2, 256)
    return {"descriptor": x.mean((0, 1)) @ ask("fc", 256, 128)}


NETWORKS = {"detector": detector, "landmarks": landmarks, "descriptor": descriptor}


@dataclass
class Maker:
    """Makes the weights that it is asked for, most of them stored in 8 bits, and remembers how."""

    seed: int
    entries: list[dict[str, Any]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)

    def __call__(self, name: str, *shape: int) -> Array:
        random = np.random.default_rng([self.seed, len(self.entries)])
        return self.add(name, _values(name, shape, random)).astype(np.float64)

    def add(self, name: str, values: Array) -> NDArray[np.float32]:
        """Stores a weight; gives what a reader makes of it."""
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        stored: NDArray[Any] = values.astype(np.float32)
        if values.size > 1 and "extra_dim" not in name and len(self.entries) % 5:
            low, scale = float(values.min()), float(np.ptp(values)) / 255
            stored = np.round((values - low) / scale).astype(np.uint8)
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": low}
            values = stored * scale + low
        self.entries.append(entry)
        self.content += stored.tobytes()
        return values.astype(np.float32)

    def files(self, network: str) -> dict[str, bytes]:
        """The manifest and the bytes, as the package names them."""
        name = FILES[network]
        manifest = json.dumps([{"paths": [f"{name}.bin"], "weights": self.entries}]).encode()
        return {f"{name}-weights_manifest.json": manifest, f"{name}.bin": bytes(self.content)}


def stored_weights(folder: Path, network: str) -> Mapping[str, Array]:
    """The weights in a folder by name, dequantised, read with none of our code."""
    name = FILES[network]
    [group] = json.loads((folder / f"{name}-weights_manifest.json").read_bytes())
    content, weights = (folder / f"{name}.bin").read_bytes(), {}
    for entry in group["weights"]:
        rule = entry.get("quantization")
        dtype = np.dtype({"uint8": "u1"}[rule["dtype"]] if rule else "<f4")
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(content, dtype, count).reshape(entry["shape"])
        content = content[count * dtype.itemsize :]
        exact = values * np.float64(rule["scale"]) + rule["min"] if rule else values
        weights[entry["name"]] = exact.astype(np.float32).astype(np.float64)
    assert not content
    return weights


def _values(name: str, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Values with which the activations neither vanish nor explode."""
    if name == "Output/extra_dim":
        corners = np.sort(random.uniform(0, 1, (shape[1], 2, 2)), axis=1)
        return corners.reshape(shape)
    if len(shape) == 4:
        inputs = shape[0] * shape[1] * (1 if shape[3] == 1 else shape[2])
        return random.normal(0, (2 / inputs) ** 0.5, shape)
    if len(shape) == 2:
        return random.normal(0, shape[0] ** -0.5, shape)
    if name.endswith(("gamma", "variance")):
        return random.uniform(0.5, 1.3, shape)
    if name.endswith("scale/weights"):
        return random.uniform(0.4, 0.8, shape)
    return random.normal(0, 0.2, shape)


def _convolved(x: Array, filters: Array, stride: int, *, same: bool = True) -> Array:
    return _summed(x, filters.shape[0], stride, same, lambda seen, tap: seen @ filters[tap])


def _apart(x: Array, filters: Array, stride: int) -> Array:
    return _summed(x, filters.shape[0], stride, True, lambda seen, tap: seen * filters[tap][:, 0])


def _summed(
    x: Array, kernel: int, stride: int, same: bool, product: Callable[[Array, tuple[int, int]], Array]
) -> Array:
    """The sum over all places in the kernel; "SAME" pads more at the bottom and right."""
    size = -(-x.shape[0] // stride) if same else (x.shape[0] - kernel) // stride + 1
    padding = max((size - 1) * stride + kernel - x.shape[0], 0) if same else 0
    first, last = padding // 2, padding - padding // 2
    padded = np.pad(x, ((first, last), (first, last), (0, 0)))
    end = (size - 1) * stride + 1
    total: Array = np.zeros(())
    for row in range(kernel):
        for column in range(kernel):
            seen = padded[row : row + end : stride, column : column + end : stride]
            total = total + product(seen, (row, column))
    return total


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _relu6(x: Array) -> Array:
    return np.clip(x, 0, 6)
