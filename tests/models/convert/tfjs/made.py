"""Made graph models: topologies, weights and shards as the TensorFlow.js converter writes them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHARD_SIZE = 4 * 2**20
SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}


def numbers(shape: tuple[int, ...], seed: int = 0, away_from_zero: bool = False) -> NDArray[np.float32]:
    """Normal noise, always the same for a shape and seed."""
    normal = np.random.default_rng([seed, *shape]).normal(size=shape)
    return np.asarray(np.abs(normal) + 1 if away_from_zero else normal, np.float32)


@dataclass
class Made:
    """A graph under construction; every method returns the name of the node that it added."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, NDArray[Any]] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)

    def placeholder(self, shape: Sequence[int], name: str = "images") -> str:
        """A float input; -1 is a free size."""
        dim = [{"size": str(size)} for size in shape]
        attr = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": dim}}}
        self.nodes.append({"name": name, "op": "Placeholder", "attr": attr})
        return name

    def const(self, value: Any, quantised: str | None = None) -> str:
        """A weight; `quantised` is float16, uint8 or uint16. `weights` has what the bytes stand for."""
        array = np.asarray(value)
        kind = {"f": "float32", "i": "int32", "b": "bool"}[array.dtype.kind]
        array = array.astype(kind)
        name = f"const_{len(self.weights)}"
        entry: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": kind}
        stored = array
        if quantised == "float16":
            stored = array.astype(np.float16)
            array = stored.astype(np.float32)
            entry["quantization"] = {"dtype": "float16", "original_dtype": kind}
        elif quantised:
            levels = np.iinfo(quantised).max
            low = float(array.min(initial=0))
            scale = (float(array.max(initial=0)) - low) / levels or 1.0
            stored = np.round((array - low) / scale).astype(quantised)
            array = stored.astype(np.float64) * scale + low
            array = (np.round(array) if kind == "int32" else array).astype(kind)
            entry["quantization"] = {"dtype": quantised, "scale": scale, "min": low}
        self.weights[name] = array
        self.entries.append(entry)
        self.content += stored.tobytes()
        self.nodes.append({"name": name, "op": "Const", "attr": {}})
        return name

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """A node; attributes are Python values, and data types are their names (DT_FLOAT)."""
        name = name or f"{op}_{len(self.nodes)}"
        attr = {key: attribute(value) for key, value in attributes.items()}
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})
        return name

    def model(
        self, outputs: Iterable[str], paths: Sequence[str] = ("group1-shard1of1.bin",)
    ) -> dict[str, Any]:
        """The content of model.json; the signature names each tensor by itself."""
        inputs = [node["name"] for node in self.nodes if node["op"] == "Placeholder"]
        return {
            "format": "graph-model",
            "modelTopology": {"node": self.nodes, "versions": {}},
            "weightsManifest": [{"paths": list(paths), "weights": self.entries}],
            "signature": {
                "inputs": {f"{name}:0": {"name": f"{name}:0"} for name in inputs},
                "outputs": {f"{name}:0": {"name": f"{name}:0"} for name in outputs},
            },
        }

    def save(self, folder: Path, *outputs: str, shard_size: int = SHARD_SIZE) -> dict[str, Any]:
        """Writes model.json and the shards; returns the content of model.json."""
        count = max(1, -(-len(self.content) // shard_size))
        paths = [f"group1-shard{number}of{count}.bin" for number in range(1, count + 1)]
        for number, path in enumerate(paths):
            part = self.content[number * shard_size : (number + 1) * shard_size]
            (folder / path).write_bytes(part)
        model = self.model(outputs, paths)
        (folder / "model.json").write_text(json.dumps(model))
        return model


def attribute(value: Any) -> dict[str, Any]:
    """A Python value as protobuf's JSON writes it."""
    if isinstance(value, list):
        parts = [attribute(item) for item in value]
        return {"list": {key: [part[key] for part in parts] for part in parts for key in part}}
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value}
    if value.startswith("DT_"):
        return {"type": value}
    return {"s": base64.b64encode(value.encode()).decode()}


def run(model: Path, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The outputs of an ONNX model under ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(feeds))
