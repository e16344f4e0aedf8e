"""Legacy PyTorch checkpoints, put together opcode by opcode, and the weights of made networks."""

from __future__ import annotations

import math
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
HEADER = b"".join(
    pickle.dumps(value, protocol=2)
    for value in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}})
)
DICT = b"ccollections\nOrderedDict\n)R"
_TYPES = {"f": b"ctorch\nFloatStorage\n", "i": b"ctorch\nLongStorage\n"}


def text(value: str) -> bytes:
    """Pushes a string."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<L", len(data)) + data


def number(value: int) -> bytes:
    """Pushes an integer of any size."""
    data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(values: Sequence[int]) -> bytes:
    """Pushes a tuple."""
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key: str, length: int, kind: str = "f") -> bytes:
    """Pushes a storage."""
    return b"(" + text("storage") + _TYPES[kind] + text(key) + text("cpu") + number(length) + b"NtQ"


def view(stored: bytes, offset: int, shape: Sequence[int], strides: Sequence[int]) -> bytes:
    """Pushes a tensor."""
    arguments = stored + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + DICT
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def state_dict(items: Mapping[str, bytes], *, end: bytes = b"") -> bytes:
    """A pickle of a state dict whose values are pushed by these bytes."""
    pairs = b"".join(text(name) + value for name, value in items.items())
    return b"\x80\x02" + DICT + b"(" + pairs + b"u" + end + b"."


def file(pickled: bytes, storages: Mapping[str, NDArray[Any]]) -> bytes:
    """A whole checkpoint."""
    parts = [HEADER, pickled, pickle.dumps(list(storages), protocol=2)]
    for array in storages.values():
        parts += [struct.pack("<q", array.size), array.tobytes()]
    return b"".join(parts)


def checkpoint(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A checkpoint of float32 and int64 arrays, each in a storage of its own."""
    items = {
        name: view(
            storage(name, array.size, array.dtype.kind),
            0,
            array.shape,
            [math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim)],
        )
        for name, array in tensors.items()
    }
    return file(state_dict(items), {name: np.ascontiguousarray(array) for name, array in tensors.items()})
