"""EfficientNet-Lite as PyTorch weights -> ONNX that computes in 8 bits.

The network is that of `efficientnet_lite`. The ranges of its features were found once, with pictures that it
is not judged by (bench/calibrate_int8.py), and ship with the program: nobody needs pictures to install it,
and the graph is the same everywhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.efficientnet_lite import network
from recognize_cli.models.convert.quantization import quantize
from recognize_cli.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_RANGES = {260: "efficientnet-lite2-ranges.json"}
"""The shipped ranges by the side of the input: for each feature the least and the largest value."""


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the one graph; ``side`` tells the variant. Raises ConversionFailed."""
    model = network(files, side)
    if side not in _RANGES:
        sides = ", ".join(map(str, _RANGES))
        problem = f"ranges for 8 bits are known for images of {sides} pixels a side, not {side}"
        raise ConversionFailed(name=model.graph.name, problem=problem)
    ranges = json.loads(shipped(_RANGES[side]).read_bytes())
    onnx.save(quantize(model, ranges), graph_file(folder))
