"""From the files of a model to what is stored of it: ONNX files, one a graph, and whatever else it needs.

A converter is a module with a function

    convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None

``files`` maps the paths of models.lock to verified files; it writes each of its graphs to
``graph_file(folder, graph)``, and its other files below ``folder``. ``side`` is the side in pixels of the
square input of a classifier or of a model for videos, None for any other model. It raises ConversionFailed.
The module is imported only when a model of its format is installed: it may import numpy and onnx.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


GRAPH = "model"
"""The name of the graph of a model that has only one."""

CONTINENTS = ("africa", "asia", "europe", "north_america", "oceania", "south_america")
"""The names of the graphs of a model that knows landmarks."""

LABELS = "labels.json"
"""The file with the names of the classes of a model that brings its own."""

SAVED_MODEL_FILES = (
    "saved_model.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
)
"""The files of a model that TensorFlow runs: its graph, and the index and the values of its weights."""


class Convert(Protocol):
    """The function that each converter module has."""

    def __call__(self, files: Mapping[str, Path], folder: Path, *, side: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Converter:
    """A way to store a format; ``graphs`` names the ONNX graphs that come out, which may be none.

    ``others`` are the relative paths of further files that it writes into the model's folder, joined by
    ``/``: ``labels.json``, ``variables/variables.index``. They are recorded and verified as graphs are.

    Raise ``version`` whenever a file that comes out changes: it is part of a model's fingerprint,
    so that what is installed is converted anew and what was tagged is tagged anew.
    """

    name: str
    version: int
    module: str
    graphs: tuple[str, ...] = (GRAPH,)
    others: tuple[str, ...] = ()

    def load(self) -> Convert:
        """The converter's function; imports its module."""
        return cast("Convert", importlib.import_module(self.module).convert)


def graph_file(folder: Path, graph: str = GRAPH) -> Path:
    """Where a graph of a model lies in its folder."""
    return folder / f"{graph}.onnx"


CONVERTERS = {
    converter.name: converter
    for converter in (
        Converter("onnx", 1, "recognize_cli.models.convert.onnx_file"),
        Converter("efficientnet-lite-torch", 1, "recognize_cli.models.convert.efficientnet_lite"),
        Converter("efficientnet-lite-int8", 1, "recognize_cli.models.convert.efficientnet_lite_int8"),
        Converter("tfjs-graph", 1, "recognize_cli.models.convert.graph_model"),
        Converter(
            "face-api", 1, "recognize_cli.models.convert.face_api", ("detector", "landmarks", "descriptor")
        ),
        Converter(
            "yunet-sface",
            1,
            "recognize_cli.models.convert.yunet_sface",
            ("detector", "landmarks", "descriptor"),
        ),
        Converter(
            "insightface-pack", 1, "recognize_cli.models.convert.insightface_pack", ("detector", "descriptor")
        ),
        Converter("musicnn", 1, "recognize_cli.models.convert.musicnn"),
        Converter("movinet-tflite", 1, "recognize_cli.models.convert.movinet_tflite"),
        Converter("landmarks", 1, "recognize_cli.models.convert.landmarks", CONTINENTS, (LABELS,)),
        Converter("saved-model", 1, "recognize_cli.models.convert.saved_model", (), SAVED_MODEL_FILES),
    )
}
