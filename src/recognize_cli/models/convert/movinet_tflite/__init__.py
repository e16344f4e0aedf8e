"""MoViNet stream as a TFLite file of 8-bit integers -> ONNX, without TensorFlow.

Architecture: Kondratyuk et al., "MoViNets: Mobile Video Networks for Efficient Video Recognition" (2021),
https://arxiv.org/abs/2103.11511. The file is one step of a stream: it takes a frame and what is remembered
of those before, and gives scores and what to remember. The graph that comes out takes a whole clip:

    frames          uint8 [T, side, side, 3], RGB; T is free
    probabilities   float32 [1, classes], after the last frame

It computes in float32: the weights are taken from the integers, and the rounding of what flows between the
layers is left out. One run over a clip costs less than a run a frame, and nothing need be remembered between
runs (docs/models.md has the figures).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible
from recognize_cli.models.convert.movinet_tflite.stream import Stream
from recognize_cli.models.convert.movinet_tflite.tflite import read_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST_FILE = 1 << 28


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the one graph from the one file; ``side`` is that of the frames in pixels, None for any.

    Raises ConversionFailed for a file that is damaged or another network.
    """
    if len(files) != 1:
        raise ConversionFailed(name="MoViNet", problem=f"one file is expected, not {len(files)}")
    [path] = files.values()
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise Unconvertible(f"it has more than {_LARGEST_FILE} bytes")
        model = Stream(read_network(path.read_bytes())).build(side)
    except Unconvertible as error:
        raise ConversionFailed(name=path.name, problem=str(error)) from error
    onnx.save(model, graph_file(folder))
