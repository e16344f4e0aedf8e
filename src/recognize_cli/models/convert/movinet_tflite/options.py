"""How the operators of a MoViNet stream are set; whatever is set otherwise is refused."""

from __future__ import annotations

from dataclasses import dataclass

from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible
from recognize_cli.models.convert.movinet_tflite.tflite import Op, Operator

_SAME, _VALID = 0, 1
_NONE, _RELU6 = 0, 3
_LARGEST_STRIDE = 16
_AXIS_OF_TIME = 1
_ALL_BUT_TIME, _ALL = 0b11101, 0b11111  # of the five axes of a window, the first one is the lowest bit


@dataclass(frozen=True, slots=True)
class Filter:
    """Of a convolution or a pooling: its stride, whether it pads (SAME), whether a ReLU6 follows."""

    stride: int
    padded: bool
    relu6: bool


def convolution(operator: Operator) -> Filter:
    """Of CONV_2D."""
    _expect_one(operator, (4, 5))
    return _filter(operator, activation=3)


def depthwise(operator: Operator) -> Filter:
    """Of DEPTHWISE_CONV_2D, each channel of which has one filter."""
    if operator.options.integer(3) != 1:
        raise _unexpected(operator)
    _expect_one(operator, (5, 6))
    return _filter(operator, activation=4)


def pooling(operator: Operator) -> tuple[Filter, int]:
    """Of AVERAGE_POOL_2D, with the side of the square that it takes the mean of."""
    wide, high = operator.options.integer(3), operator.options.integer(4)
    if wide != high or not 1 <= wide <= _LARGEST_STRIDE:
        raise _unexpected(operator)
    return _filter(operator, activation=5), wide


def expect_plain(operator: Operator) -> None:
    """ADD, MUL and DIV without an activation."""
    if operator.options.byte(0) != _NONE:
        raise _unexpected(operator)


def expect_over_time(operator: Operator) -> None:
    """CONCATENATION along the time axis."""
    if operator.options.integer(0) != _AXIS_OF_TIME or operator.options.byte(1) != _NONE:
        raise _unexpected(operator)


def expect_up_to_the_end(operator: Operator) -> None:
    """STRIDED_SLICE that begins somewhere on the time axis and leaves out nothing else."""
    options = operator.options
    masks = (options.integer(0), options.integer(1))
    if masks != (_ALL_BUT_TIME, _ALL) or any(map(options.integer, (2, 3, 4))):
        raise _unexpected(operator)


def expect_kept_axes(operator: Operator) -> None:
    """SUM that leaves axes of size 1 behind."""
    if not operator.options.byte(0):
        raise _unexpected(operator)


def _filter(operator: Operator, activation: int) -> Filter:
    options = operator.options
    padding, follows = options.byte(0), options.byte(activation)
    wide, high = options.integer(1), options.integer(2)
    if wide != high or not 1 <= wide <= _LARGEST_STRIDE:
        raise _unexpected(operator)
    if padding not in (_SAME, _VALID) or follows not in (_NONE, _RELU6):
        raise _unexpected(operator)
    return Filter(stride=wide, padded=padding == _SAME, relu6=follows == _RELU6)


def _expect_one(operator: Operator, fields: tuple[int, ...]) -> None:
    """Of dilations, whose default is 1."""
    if any(operator.options.integer(field, 1) != 1 for field in fields):
        raise _unexpected(operator)


def _unexpected(operator: Operator) -> Unconvertible:
    return Unconvertible(f"{Op(operator.op).name} is not set as in a MoViNet stream")
