"""TensorFlow checkpoints, written byte by byte as TensorFlow writes them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
HEADER = b"\x08\x01\x1a\x02\x08\x01"  # one shard, little-endian, version 1
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest ones first."""
    low = bytearray()
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*low, value])


def number(field: int, value: int) -> bytes:
    """A number in a protocol buffer."""
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    """A message in a protocol buffer."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def entry(dtype: int, shape: Iterable[int], offset: int, size: int, more: bytes = b"") -> bytes:
    """What the index says of a tensor; zeros are left out, as they are in a protocol buffer."""
    dims = b"".join(message(2, number(1, side) if side else b"") for side in shape)
    place = number(4, offset) if offset else b""
    return number(1, dtype) + message(2, dims) + place + number(5, size) + b"\x35abcd" + more


def block(rows: Iterable[tuple[bytes, bytes]], kind: int = 0) -> bytes:
    """A block of a table: rows whose keys share what they can, one restart, kind, checksum."""
    data, before = b"", b""
    for key, value in rows:
        pairs = zip(before, key, strict=False)
        shared = next((at for at, (old, new) in enumerate(pairs) if old != new), min(len(before), len(key)))
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return data + struct.pack("<II", 0, 1) + bytes([kind]) + b"crc!"


def table(rows: list[tuple[bytes, bytes]], a_block: int = 4, kind: int = 0) -> bytes:
    """A table of so many rows a block."""
    data, handles = b"", []
    for start in range(0, len(rows), a_block):
        piece = block(rows[start : start + a_block], kind)
        handles.append((rows[start][0], varint(len(data)) + varint(len(piece) - 5)))
        data += piece
    index = block(handles)
    footer = varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)
    return data + index + footer.ljust(40, b"\0") + MAGIC


def checkpoint(tensors: Mapping[str, NDArray[Any]]) -> tuple[bytes, bytes]:
    """The index and the data of a checkpoint."""
    data, rows = b"", [(b"", HEADER)]
    for name, tensor in sorted(tensors.items()):
        values = tensor.astype(tensor.dtype.newbyteorder("<")).tobytes()
        rows.append((name.encode(), entry(TYPES[tensor.dtype.name], tensor.shape, len(data), len(values))))
        data += values
    return table(rows), data


def write(folder: Path, index: bytes, data: bytes) -> dict[str, Path]:
    """The two files by the names that models.lock gives them."""
    files = {".index": folder / ".index", ".data-00000-of-00001": folder / ".data-00000-of-00001"}
    for path, content in zip(files.values(), (index, data), strict=True):
        path.write_bytes(content)
    return files


def written(folder: Path, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Path]:
    """A checkpoint of these tensors, as files."""
    return write(folder, *checkpoint(tensors))


def floats(*shape: int) -> NDArray[np.float32]:
    """0, 1, 2 and so on."""
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
