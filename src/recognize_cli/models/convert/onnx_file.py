"""A model that is one ONNX file already."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Copies the one file; raises ConversionFailed if there is not exactly one."""
    if len(files) != 1:
        raise ConversionFailed(name="the ONNX model", problem=f"one file is expected, not {len(files)}")
    [path] = files.values()
    shutil.copyfile(path, graph_file(folder))
