"""What of a TFLite file matters here: its tensors with their values, and its operators in order.

The numbers of fields and of enumerations are those of
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible
from recognize_cli.models.convert.movinet_tflite.flatbuffer import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IDENTIFIER = b"TFL3"
_MOST_TABLES = 10_000
_MOST_DIMENSIONS = 8
# By the number in TensorType.
_DTYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 2: np.dtype("<i4"), 9: np.dtype("i1")}
_INT32, _INT64, _BYTES, _FLOAT = (np.dtype(name) for name in ("<i4", "<i8", "u1", "<f4"))
_LAST_OLD_CODE = 127  # an operator with a greater number has it in another field


class Op(IntEnum):
    """The operators of a MoViNet stream; the numbers of BuiltinOperator."""

    ADD = 0
    AVERAGE_POOL_2D = 1
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    MUL = 18
    RESHAPE = 22
    DIV = 42
    STRIDED_SLICE = 45
    CAST = 53
    SUM = 74
    QUANTIZE = 114


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value: its shape, and of a constant what it is, integers of 8 bits as the numbers they stand for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    values: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Operator:
    """A step of the computation, on the indices of tensors; -1 is an input left out."""

    op: Op
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table


@dataclass(frozen=True, slots=True)
class Network:
    """A whole file; ``inputs`` and ``outputs`` are indices of ``tensors``."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_network(data: bytes) -> Network:
    """Reads a TFLite file with one subgraph; raises Unconvertible."""
    model = Table.root(data, _IDENTIFIER)
    codes = [_code(each) for each in model.tables(1, _MOST_TABLES)]
    subgraphs = model.tables(2, 1)
    if not subgraphs:
        raise Unconvertible("it has no subgraph")
    tensors = _Tensors(model.tables(4, _MOST_TABLES), len(data)).read(subgraphs[0].tables(0, _MOST_TABLES))
    return Network(
        tensors=tensors,
        operators=tuple(
            _operator(each, codes, len(tensors)) for each in subgraphs[0].tables(3, _MOST_TABLES)
        ),
        inputs=_indices(subgraphs[0], 1, len(tensors)),
        outputs=_indices(subgraphs[0], 2, len(tensors)),
    )


def _code(table: Table) -> Op:
    """The newer field holds the number, or 0 in files that are older than it."""
    old, new = table.byte(0), table.integer(3)
    code = max(old, new)
    try:
        return Op(code)
    except ValueError:
        raise Unconvertible(f"it has the operator {code}, which a MoViNet stream has not") from None


def _operator(table: Table, codes: list[Op], tensors: int) -> Operator:
    if table.index(0) >= len(codes):
        raise Unconvertible("an operator is of a kind that is not listed")
    inputs, outputs = _indices(table, 1, tensors, lowest=-1), _indices(table, 2, tensors)
    if not inputs or len(outputs) != 1:
        raise Unconvertible(f"an operator has {len(inputs)} inputs and {len(outputs)} outputs")
    return Operator(codes[table.index(0)], inputs, outputs, table.table(4))


def _indices(table: Table, field: int, tensors: int, lowest: int = 0) -> tuple[int, ...]:
    indices = table.vector(field, _INT32)
    if len(indices) > _MOST_TABLES or ((indices < lowest) | (indices >= tensors)).any():
        raise Unconvertible("it refers to a tensor that there is not")
    return tuple(map(int, indices))


class _Tensors:
    """Reads tensors. All constants together may be no larger than the file, however often it repeats some."""

    def __init__(self, buffers: list[Table], size: int) -> None:
        self._buffers = buffers
        self._left = size

    def read(self, tables: list[Table]) -> tuple[Tensor, ...]:
        return tuple(map(self._tensor, tables))

    def _tensor(self, table: Table) -> Tensor:
        sizes = table.vector(0, _INT32)
        if len(sizes) > _MOST_DIMENSIONS or (sizes < 0).any():
            raise Unconvertible("a tensor has an impossible shape")
        dtype = _DTYPES.get(table.byte(1))
        if dtype is None:
            raise Unconvertible(f"a tensor is of the unknown type {table.byte(1)}")
        shape = tuple(map(int, sizes))
        return Tensor(shape, dtype, self._values(table, shape, dtype))

    def _values(self, table: Table, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        number = table.index(2)
        if number >= len(self._buffers):
            raise Unconvertible("a tensor lies in a buffer that there is not")
        data = self._buffers[number].vector(0, _BYTES)
        if not len(data):
            return None
        self._left -= len(data)
        if self._left < 0:
            raise Unconvertible("its constants take more bytes than it has")
        if len(data) != math.prod(shape) * dtype.itemsize:
            raise Unconvertible(f"a constant has {len(data)} bytes, which are not those of its shape")
        values = data.view(dtype).reshape(shape)
        scales = table.table(4).vector(2, _FLOAT)
        return _scaled(values, table.table(4), scales) if len(scales) else values


def _scaled(values: NDArray[Any], quantization: Table, scales: NDArray[Any]) -> NDArray[np.float64]:
    """(value - zero point) × scale, with one scale, or one for each index on an axis."""
    zeros = quantization.vector(3, _INT64)
    axis = quantization.integer(6)
    if len(zeros) not in (0, len(scales)) or not np.isfinite(scales).all():
        raise Unconvertible("the scales of a constant are unsound")
    along = [1] * values.ndim
    if len(scales) > 1:
        if not 0 <= axis < values.ndim or values.shape[axis] != len(scales):
            raise Unconvertible(f"a constant of shape {values.shape} has {len(scales)} scales on axis {axis}")
        along[axis] = len(scales)
    shift = zeros.astype(np.float64) if len(zeros) else np.zeros(len(scales))
    return np.asarray((values - shift.reshape(along)) * scales.astype(np.float64).reshape(along))
