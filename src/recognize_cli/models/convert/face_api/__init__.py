"""The face networks of face-api.js as their npm packages carry them -> ONNX.

Source: https://github.com/vladmandic/face-api. Each network is a weight manifest of TensorFlow.js, a JSON
list, with a file of mostly 8-bit weights; its architecture is code, so each has a module here.

    detector     image [N, 512, 512, 3] -> boxes [N, 5118, 4], scores [N, 5118]
    landmarks    image [N, 112, 112, 3] -> landmarks [N, 136]
    descriptor   image [N, 150, 150, 3] -> descriptor [N, 128]

An image is float32, RGB, from 0 to 255; the graph scales it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.face_api import descriptor, detector, landmarks
from recognize_cli.models.convert.graph_builder import Tensors
from recognize_cli.models.convert.tfjs import document
from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NETWORKS = {
    "detector": ("ssd_mobilenetv1_model", detector.build),
    "landmarks": ("face_landmark_68_model", landmarks.build),
    "descriptor": ("face_recognition_model", descriptor.build),
}


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the three graphs; ``side`` means nothing to them. Raises ConversionFailed."""
    for graph in _NETWORKS:
        convert_network(graph, files, folder)


def convert_network(graph: str, files: Mapping[str, Path], folder: Path) -> None:
    """Writes one of the graphs; raises ConversionFailed."""
    name, build = _NETWORKS[graph]
    manifest = files.get(f"{name}-weights_manifest.json")
    if manifest is None:
        problem = f"no {name}-weights_manifest.json is among its files"
        raise ConversionFailed(name="the face-api model", problem=problem)
    onnx.save(build(_tensors(manifest)), graph_file(folder, graph))


def _tensors(manifest: Path) -> Tensors:
    """The weights that a manifest lists, dequantised; their bytes lie beside it."""
    try:
        weights = Weights.open(document.load(manifest), manifest.parent)
        return Tensors(manifest.name, {weight.name: weights.read(weight) for weight in weights})
    except Unconvertible as error:
        raise ConversionFailed(name=manifest.name, problem=str(error)) from error
