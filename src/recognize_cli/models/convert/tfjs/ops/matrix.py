"""Products of two matrices."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import Value, natural
from recognize_cli.models.convert.tfjs.ops.activation import Fusion, activate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter, Operation


def _product(operation: Operation) -> Value:
    fusion = Fusion.read(operation)
    inputs = [operation.plain(operation.floats(index, rank=2)) for index in (0, 1)]
    if fusion.bias:
        inputs.append(operation.plain(operation.floats(2, rank=1)))
    result = operation.emit(
        "Gemm",
        *inputs,
        suffix="linear" if fusion.activation else "",
        transA=int(operation.attributes.flag("transpose_a")),
        transB=int(operation.attributes.flag("transpose_b")),
    )
    if fusion.activation:
        result = activate(operation, result, natural(2), fusion.activation)
    return Value(Kind.FLOAT, 2, {natural(2): result})


EMITTERS: Mapping[str, Emitter] = MappingProxyType({"MatMul": _product, "_FusedMatMul": _product})
