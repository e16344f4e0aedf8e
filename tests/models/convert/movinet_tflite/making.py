"""Writes TFLite files, and a small network with all that a MoViNet stream has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np

from recognize_cli.models.convert.movinet_tflite.tflite import Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SIDE, CHANNELS, CLASSES = 10, 6, 5
SAME, VALID = 0, 1
RELU6 = 3
_TYPES = {"float32": 0, "int32": 2, "int8": 9}
_OPTIONS = {
    Op.CONV_2D: 1, Op.DEPTHWISE_CONV_2D: 2, Op.AVERAGE_POOL_2D: 5, Op.CONCATENATION: 10, Op.ADD: 11,
    Op.MUL: 21, Op.SUM: 27, Op.DIV: 29, Op.STRIDED_SLICE: 32,
}  # fmt: skip
_BYTES = {  # the fields of options that are a byte; all others are 32 bits
    Op.CONV_2D: {0, 3}, Op.DEPTHWISE_CONV_2D: {0, 4}, Op.AVERAGE_POOL_2D: {0, 5}, Op.CONCATENATION: {1},
    Op.ADD: {0}, Op.MUL: {0}, Op.DIV: {0}, Op.SUM: {0},
}  # fmt: skip


Scaling = tuple[list[float], list[int], int]


@dataclass
class Made:
    """A network that is being made; tensors are known by their index."""

    tensors: list[tuple[tuple[int, ...], str, NDArray[Any] | None, Scaling]] = field(default_factory=list)
    operators: list[tuple[Op, list[int], int, dict[int, int]]] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    same_buffer: dict[int, int] = field(default_factory=dict)
    """Tensors that lie where another one does."""

    def tensor(
        self,
        *shape: int,
        dtype: str = "float32",
        values: NDArray[Any] | None = None,
        scales: list[float] | None = None,
        zeros: list[int] | None = None,
        axis: int = 0,
    ) -> int:
        self.tensors.append((shape, dtype, values, (scales or [], zeros or [], axis)))
        return len(self.tensors) - 1

    def constant(self, values: object, dtype: str = "float32", **scaling: Any) -> int:
        array = np.asarray(values, dtype)
        return self.tensor(*array.shape, dtype=dtype, values=array, **scaling)

    def given(self, *shape: int, dtype: str = "float32") -> int:
        self.inputs.append(self.tensor(*shape, dtype=dtype))
        return self.inputs[-1]

    def do(self, op: Op, inputs: list[int], *shape: int, dtype: str = "float32", **options: int) -> int:
        """``options`` are named f0, f1, ... by the numbers of their fields."""
        output = self.tensor(*shape, dtype=dtype)
        self.operators.append((op, inputs, output, {int(name[1:]): value for name, value in options.items()}))
        return output

    def reshape(self, x: int, *shape: int) -> int:
        return self.do(Op.RESHAPE, [x, self.constant(shape, "int32")], *shape)

    def bytes(self) -> bytes:
        return _Writer().write(self)


def small_stream(seed: int = 0) -> Made:
    """Like MoViNet: a stem, a bottleneck with a filter over three frames, a head; all in float32."""
    random, net, half = np.random.default_rng(seed), Made(), SIDE // 2

    def weights(*shape: int) -> int:
        return net.constant(random.normal(0, 0.6, shape))

    image = net.given(1, 1, SIDE, SIDE, 3)
    before, total = net.given(1, 2, half, half, CHANNELS), net.given(1, 1, 1, 1, CHANNELS)
    count, unused = net.given(1, dtype="int32"), net.given(1, 1, 1, 1, 2)

    x = net.reshape(image, 1, SIDE, SIDE, 3)
    frame = (1, half, half, CHANNELS)
    stem = net.do(
        Op.CONV_2D, [x, weights(CHANNELS, 3, 3, 3), weights(CHANNELS)], *frame, f0=SAME, f1=2, f2=2, f3=RELU6
    )
    x = net.do(
        Op.DEPTHWISE_CONV_2D, [stem, weights(1, 3, 3, CHANNELS), weights(CHANNELS)], *frame,
        f0=SAME, f1=1, f2=1, f3=1, f4=RELU6,
    )  # fmt: skip
    x = net.reshape(x, 1, 1, half, half, CHANNELS)
    window = net.do(Op.CONCATENATION, [before, x], 1, 3, half, half, CHANNELS, f0=1)
    x = net.reshape(window, 1, 3, half * half, CHANNELS)
    x = net.do(
        Op.DEPTHWISE_CONV_2D, [x, weights(1, 3, 1, CHANNELS), weights(CHANNELS)], 1, 1, half * half, CHANNELS,
        f0=VALID, f1=1, f2=1, f3=1, f4=RELU6,
    )  # fmt: skip
    x = net.reshape(x, *frame)
    x = net.do(
        Op.CONV_2D, [x, weights(CHANNELS, 1, 1, CHANNELS), weights(CHANNELS)], *frame, f0=SAME, f1=1, f2=1
    )
    x = net.do(Op.MUL, [x, net.constant(np.full(frame, -0.8))], *frame)
    x = net.do(Op.ADD, [x, stem], *frame)
    limits = [net.constant(values, "int32") for values in ([0, -2, 0, 0, 0], [0, 0, 9, 9, 9], [1] * 5)]
    newest = net.do(Op.STRIDED_SLICE, [window, *limits], 1, 2, half, half, CHANNELS, f0=0b11101, f1=0b11111)

    small = -(-half // 2)
    x = net.do(Op.AVERAGE_POOL_2D, [x], 1, small, small, CHANNELS, f0=SAME, f1=2, f2=2, f3=3, f4=3)
    x = net.reshape(x, 1, 1, small, small, CHANNELS)
    pooled = (1, 1, 1, 1, CHANNELS)
    x = net.do(Op.SUM, [x, net.constant([1, 2, 3], "int32")], *pooled, f0=1)
    x = net.do(Op.MUL, [x, net.constant(np.full(pooled, 1 / small**2))], *pooled)
    x = net.do(Op.ADD, [x, total], *pooled)
    more = net.do(Op.ADD, [count, net.constant(1, "int32")], 1, dtype="int32")
    y = net.do(Op.DIV, [x, net.do(Op.CAST, [more], 1)], *pooled)
    y = net.reshape(y, 1, 1, 1, CHANNELS)
    last = [y, weights(CLASSES, 1, 1, CHANNELS), weights(CLASSES)]
    y = net.do(Op.CONV_2D, last, 1, 1, 1, CLASSES, f0=SAME, f1=1, f2=1)
    net.outputs = [newest, x, more, unused, net.reshape(y, 1, CLASSES)]
    return net


class _Writer:
    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1 << 12)

    def write(self, made: Made) -> bytes:
        codes = sorted({op for op, *_ in made.operators})
        buffers = [self._table({}), *(self._buffer(values) for _, _, values, _ in made.tensors)]
        tensors = [
            self._tensor(made.same_buffer.get(number, number) + 1, *each)
            for number, each in enumerate(made.tensors)
        ]
        operators = [
            self._operator(codes.index(op), op, inputs, output, options)
            for op, inputs, output, options in made.operators
        ]
        subgraph = self._table(
            {
                0: self._vector(tensors),
                1: self._numbers(made.inputs),
                2: self._numbers(made.outputs),
                3: self._vector(operators),
            }
        )
        kinds = [self._table({}, {0: (1, min(op, 127)), 3: (4, op)}) for op in codes]
        tables = {1: self._vector(kinds), 2: self._vector([subgraph]), 4: self._vector(buffers)}
        self._builder.Finish(self._table(tables, {0: (4, 3)}), b"TFL3")
        return bytes(self._builder.Output())

    def _tensor(
        self,
        number: int,
        shape: tuple[int, ...],
        dtype: str,
        _: NDArray[Any] | None,
        scaling: Scaling,
    ) -> int:
        scales, zeros, axis = scaling
        offsets = {0: self._numbers(shape)}
        if scales:
            parts = {2: self._array(np.asarray(scales, "<f4")), 3: self._array(np.asarray(zeros, "<i8"))}
            offsets[4] = self._table(parts, {6: (4, axis)})
        return self._table(offsets, {1: (1, _TYPES[dtype]), 2: (4, number)})

    def _operator(self, code: int, op: Op, inputs: list[int], output: int, options: Mapping[int, int]) -> int:
        offsets = {1: self._numbers(inputs), 2: self._numbers([output])}
        if op in _OPTIONS:
            width = {number: 1 if number in _BYTES.get(op, ()) else 4 for number in options}
            offsets[4] = self._table(
                {}, {number: (width[number], value) for number, value in options.items()}
            )
        return self._table(offsets, {0: (4, code), 3: (1, _OPTIONS.get(op, 0))})

    def _buffer(self, values: NDArray[Any] | None) -> int:
        if values is None:
            return self._table({})
        self._builder.StartVector(1, values.nbytes, 16)
        self._builder.head -= values.nbytes
        self._builder.Bytes[self._builder.head : self._builder.head + values.nbytes] = values.tobytes()
        return self._table({0: self._builder.EndVector()})

    def _numbers(self, values: list[int] | tuple[int, ...]) -> int:
        return self._array(np.asarray(values, "<i4"))

    def _array(self, values: NDArray[Any]) -> int:
        return int(self._builder.CreateNumpyVector(values))

    def _vector(self, offsets: list[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _table(self, offsets: Mapping[int, int], numbers: Mapping[int, tuple[int, int]] | None = None) -> int:
        """``offsets`` are fields that refer to something, ``numbers`` have a width in bytes and a value."""
        self._builder.StartObject(16)
        for slot, offset in offsets.items():
            self._builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, (width, value) in (numbers or {}).items():
            prepend = self._builder.PrependInt8Slot if width == 1 else self._builder.PrependInt32Slot
            prepend(slot, int(value), 0)
        return int(self._builder.EndObject())
