"""musicnn in plain NumPy, layer by layer as its code has them, in double precision: slow, direct, unfolded.

It shares nothing with the converter: features lie [time, bands, channels] as in the original, padding is put
around them, each batch norm is computed on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Weights = Mapping[str, NDArray[Any]]

KERNELS = {  # time, bands, channels in and out
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}
NORMS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)


def made_weights(seed: int = 0) -> dict[str, NDArray[Any]]:
    """Random weights with which the activations neither vanish nor explode, and what an optimiser leaves."""
    random = np.random.default_rng(seed)
    weights: dict[str, NDArray[Any]] = {"beta1_power": np.array(0.9), "beta2_power": np.array(0.9)}
    for name, shape in KERNELS.items():
        weights[f"{name}/kernel"] = random.normal(0, np.prod(shape[:-1]) ** -0.5, shape)
        weights[f"{name}/bias"] = random.normal(0, 0.2, shape[-1])
    for layer, channels in enumerate(NORMS):
        name = f"batch_normalization_{layer}" if layer else "batch_normalization"
        weights[f"{name}/gamma"] = random.uniform(0.5, 1.5, channels) * random.choice([-1, 1], channels)
        weights[f"{name}/beta"] = random.normal(0, 0.3, channels)
        weights[f"{name}/moving_mean"] = random.normal(0, 0.3, channels)
        weights[f"{name}/moving_variance"] = random.uniform(0.4, 1.5, channels)
    for name in [name for name in weights if "/" in name]:
        weights[f"{name}/Adam"] = weights[f"{name}/Adam_1"] = np.zeros(2)
    return {name: np.asarray(array, np.float32) for name, array in weights.items()}


def probabilities(mel: NDArray[Any], weights: Weights) -> Array:
    """The 50 probabilities of one patch [187, 96]."""
    x = _norm(mel[:, :, None].astype(np.float64), weights, "batch_normalization")
    front = [_front(x, weights, layer) for layer in range(5)]
    features = [np.concatenate(front, axis=1)]
    for layer in (5, 6, 7):
        new = _layer(np.pad(features[-1], ((3, 3), (0, 0)))[:, :, None], weights, layer)[:, 0]
        features.append(new if layer == 5 else new + features[-1])
    everything = np.concatenate(features, axis=1)
    pooled = np.stack([everything.max(axis=0), everything.mean(axis=0)], axis=1).ravel()
    hidden = np.maximum(_dense(_norm(pooled, weights, "batch_normalization_9"), weights, "dense"), 0)
    logits = _dense(_norm(hidden, weights, "batch_normalization_10"), weights, "dense_1")
    return np.asarray(1 / (1 + np.exp(-logits)))


def _front(x: Array, weights: Weights, layer: int) -> Array:
    time = KERNELS[_name("conv2d", layer)][0]
    padded = np.pad(x, (((time - 1) // 2, time // 2), (0, 0), (0, 0)))
    return np.asarray(_layer(padded, weights, layer).max(axis=1))


def _layer(x: Array, weights: Weights, layer: int) -> Array:
    """Convolution, ReLU and batch norm of [time, bands, channels]."""
    name = _name("conv2d", layer)
    kernel = weights[f"{name}/kernel"].astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    y = np.einsum("tbcij,ijco->tbo", windows, kernel, optimize=True) + weights[f"{name}/bias"]
    return _norm(np.maximum(y, 0), weights, _name("batch_normalization", layer + 1))


def _dense(x: Array, weights: Weights, name: str) -> Array:
    return np.asarray(x @ weights[f"{name}/kernel"].astype(np.float64) + weights[f"{name}/bias"])


def _norm(x: Array, weights: Weights, name: str) -> Array:
    gamma, beta, mean, variance = (
        weights[f"{name}/{each}"].astype(np.float64)
        for each in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta)


def _name(kind: str, layer: int) -> str:
    return f"{kind}_{layer}" if layer else kind
