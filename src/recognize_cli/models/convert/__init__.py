"""From the files of a model to the ONNX files that are stored, one a graph.

A converter is a module with a function

    convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None

``files`` maps the paths of models.lock to verified files; it writes each of its graphs to
``graph_file(folder, graph)``. ``side`` is the side in pixels of a classifier's square input, None for
any other model. It raises ConversionFailed. The module is imported only when a model of its format is
installed: it may import numpy and onnx.
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


class Convert(Protocol):
    """The function that each converter module has."""

    def __call__(self, files: Mapping[str, Path], folder: Path, *, side: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Converter:
    """A way to make ONNX of a format; ``graphs`` names what comes out.

    Raise ``version`` whenever a graph that comes out changes: it is part of a model's fingerprint,
    so that what is installed is converted anew and what was tagged is tagged anew.
    """

    name: str
    version: int
    module: str
    graphs: tuple[str, ...] = (GRAPH,)

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
    )
}
