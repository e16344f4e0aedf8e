"""A model that is one ONNX file already."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from recognize_cli.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def convert(files: Mapping[str, Path], output: Path, *, side: int | None) -> None:
    """Copies the one file; raises ConversionFailed if there is not exactly one."""
    if len(files) != 1:
        raise ConversionFailed(name=output.name, problem=f"an ONNX model is one file, not {len(files)}")
    [path] = files.values()
    shutil.copyfile(path, output)
