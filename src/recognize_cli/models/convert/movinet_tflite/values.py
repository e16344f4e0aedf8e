"""What the tensors of one step of a stream become over a whole clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.models.convert.graph_builder import Feature

if TYPE_CHECKING:
    from recognize_cli.models.convert.movinet_tflite.tflite import Tensor


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a step gets from the one before, and does not yet use."""

    tensor: Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``length`` frames of a feature, the newest one included."""

    feature: Feature
    length: int


@dataclass(frozen=True, slots=True)
class Sum:
    """A feature summed up over all frames so far."""

    feature: Feature


@dataclass(frozen=True, slots=True)
class Count:
    """The number of frames so far."""


Value = Feature | Remembered | Window | Sum | Count
