"""From the files of a model to the one ONNX file that is stored.

A converter is a module with a function

    convert(files: Mapping[str, Path], output: Path, *, side: int | None) -> None

``files`` maps the paths of models.lock to verified files, ``output`` is the ONNX file to write,
``side`` the side in pixels of the square input (None leaves it open). It raises ConversionFailed.
The module is imported only when a model of its format is installed: it may import numpy and onnx.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Convert(Protocol):
    """The function that each converter module has."""

    def __call__(self, files: Mapping[str, Path], output: Path, *, side: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Converter:
    """A way to make ONNX of a format.

    Raise ``version`` whenever the graph that comes out changes: it is part of a model's fingerprint,
    so that what is installed is converted anew and what was tagged is tagged anew.
    """

    name: str
    version: int
    module: str

    def load(self) -> Convert:
        """The converter's function; imports its module."""
        return cast("Convert", importlib.import_module(self.module).convert)


CONVERTERS = {
    converter.name: converter
    for converter in (
        Converter("onnx", 1, "recognize_cli.models.convert.onnx_file"),
        Converter("efficientnet-lite-torch", 1, "recognize_cli.models.convert.efficientnet_lite"),
        Converter("tfjs-graph", 1, "recognize_cli.models.convert.graph_model"),
    )
}
