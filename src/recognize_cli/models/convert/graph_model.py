"""TensorFlow.js graph models: model.json and the shards of weights that it names, all in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file, tfjs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TOPOLOGY = "model.json"


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the one graph; raises ConversionFailed."""
    topology = files.get(_TOPOLOGY)
    if topology is None:
        raise ConversionFailed(name="the TensorFlow.js model", problem=f"no {_TOPOLOGY} is among its files")
    tfjs.convert(topology, topology.parent, graph_file(folder), side=side)
