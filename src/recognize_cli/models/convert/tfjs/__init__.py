"""TensorFlow.js graph models to ONNX, with NumPy and the onnx library alone.

    model.json ──▶ document ──▶ graph ──▶ dropout ──▶ translate (ops, emission, layout) ──▶ model
    shards     ──▶ weights ───────────────────────────────────────────────────────────────────▲

docs/tfjs-converter.md says which ops are known and how close the results are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tfjs import document, model
from recognize_cli.models.convert.tfjs.dropout import without_dropout
from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.graph import Graph
from recognize_cli.models.convert.tfjs.translate import translate
from recognize_cli.models.convert.tfjs.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["convert"]


def convert(model_json: Path, shards: Path, output: Path, *, side: int | None = None) -> None:
    """Writes the ONNX model of a TensorFlow.js graph model.

    `shards` is the folder of the files that the manifest in `model_json` names. The inputs and
    outputs keep the names of the signature; an input is float32 in TensorFlow's own axis order
    (N, height, width, channels), in the model's own range. Sizes that the model leaves free stay
    free; `side` fixes the height and width of the image to it. The same input gives the same bytes.

    Raises ConversionFailed for a model that is damaged or not supported, OSError where `output`
    cannot be written.
    """
    try:
        content = document.read(model_json)
        weights = Weights.open(content.get("weightsManifest"), shards)
        graph = without_dropout(Graph.read(content), weights)
        translation = translate(graph, weights, side)
        model.write(model.checked(translation), translation.emission.deferred, output)
    except Unconvertible as error:
        raise ConversionFailed(name=model_json, problem=str(error)) from error
