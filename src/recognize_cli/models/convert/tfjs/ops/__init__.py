"""One emitter for each TensorFlow op that is understood."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.ops import convolution, elementwise, matrix, reduction, shaping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter

EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {
        **convolution.EMITTERS,
        **elementwise.EMITTERS,
        **matrix.EMITTERS,
        **reduction.EMITTERS,
        **shaping.EMITTERS,
    }
)
