"""The three kinds of numbers that TensorFlow.js computes with, and how ONNX carries them."""

from __future__ import annotations

from enum import Enum

from onnx import TensorProto


class Kind(Enum):
    """What the elements of a tensor are; the value is NumPy's name of the type.

    TensorFlow.js keeps every integer type as int32. Here they are int64, which is what ONNX wants
    of shapes, axes and indices, so that no casts are needed between them.
    """

    FLOAT = "float32"
    INTEGER = "int64"
    BOOLEAN = "bool"

    @property
    def tensor_type(self) -> int:
        """The number of the type in ONNX."""
        return int(_TENSOR_TYPES[self])


_TENSOR_TYPES = {
    Kind.FLOAT: TensorProto.FLOAT,
    Kind.INTEGER: TensorProto.INT64,
    Kind.BOOLEAN: TensorProto.BOOL,
}

FROM_TENSORFLOW = {
    "DT_HALF": Kind.FLOAT,
    "DT_FLOAT": Kind.FLOAT,
    "DT_DOUBLE": Kind.FLOAT,
    "DT_UINT8": Kind.INTEGER,
    "DT_INT8": Kind.INTEGER,
    "DT_INT32": Kind.INTEGER,
    "DT_INT64": Kind.INTEGER,
    "DT_BOOL": Kind.BOOLEAN,
}
"""As in the function parseDtypeParam of @tensorflow/tfjs-converter: DT_UINT8 is an int32 there."""
