"""Reads the weights of a TensorFlow checkpoint ("tensor bundle"), without TensorFlow.

Such a checkpoint is two files. ``.index`` is a table as LevelDB writes it, uncompressed: from the name of
each tensor to a `BundleEntryProto` that says its type, its shape and where it lies in
``.data-00000-of-00001``, which holds nothing but the values, little-endian.
https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/util/tensor_bundle,
https://github.com/google/leveldb/blob/main/doc/table_format.md

The checksums of blocks and tensors are passed over: the files themselves were compared with their digests.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from recognize_cli.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER = 48  # two block handles, padded to 40 bytes, and the magic number
_LONGEST_VARINT = 10
_LARGEST_INDEX = 1 << 24
_MOST_DIMENSIONS = 8
_DTYPES: dict[int, np.dtype[Any]] = {  # by the number in tensorflow/core/framework/types.proto
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}

_Fields = dict[int, list["int | bytes"]]


class _Malformed(Exception):
    """The bytes are not a checkpoint of plain tensors in one shard."""


class _Cursor:
    """Reads on through bytes; each method raises _Malformed where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        """The next so many bytes."""
        if count > len(self._data) - self._at:
            raise _Malformed("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def varint(self) -> int:
        """A number of seven bits a byte, the lowest ones first."""
        value = 0
        for place in range(_LONGEST_VARINT):
            [byte] = self.take(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value
        raise _Malformed("it has a number without an end")


def load_checkpoint(index: Path, data: Path) -> dict[str, NDArray[Any]]:
    """The tensors by name, read-only; raises ConversionFailed if the two files are not a checkpoint."""
    try:
        entries = _entries(_read_index(index))
    except _Malformed as error:
        raise ConversionFailed(name=index.name, problem=f"it is no TensorFlow index ({error})") from error
    try:
        values = data.read_bytes()
        return {name: _tensor(name, fields, values) for name, fields in entries.items()}
    except _Malformed as error:
        raise ConversionFailed(name=data.name, problem=str(error)) from error


def _read_index(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_INDEX:
        raise _Malformed(f"it has more than {_LARGEST_INDEX} bytes")
    return path.read_bytes()


def _entries(table: bytes) -> dict[str, _Fields]:
    """The fields of each tensor's entry, by the tensor's name."""
    if len(table) < _FOOTER or not table.endswith(_MAGIC):
        raise _Malformed("it does not end in the mark of a table")
    footer = _Cursor(table[-_FOOTER:])
    _handle(footer)  # of the block that describes filters
    rows = [
        row
        for _, handle in _block(table, *_handle(footer))
        for row in _block(table, *_handle(_Cursor(handle)))
    ]
    if not rows or rows[0][0] != b"":
        raise _Malformed("it has no header")
    header = _message(rows[0][1])
    if (_number(header, 1, 1), _number(header, 2)) != (1, 0):
        raise _Malformed("its tensors are in several shards, or big-endian")
    return {name.decode("utf-8", "replace"): _message(value) for name, value in rows[1:]}


def _handle(cursor: _Cursor) -> tuple[int, int]:
    """Where a block lies: offset and size."""
    return cursor.varint(), cursor.varint()


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The rows of a block: keys, each written as what differs from the one before, and values."""
    block = table[offset : offset + size + 1]
    if len(block) != size + 1 or size < 4:
        raise _Malformed("a block reaches beyond its end")
    if block[-1] != 0:
        raise _Malformed("a block is compressed")
    restarts = int.from_bytes(block[-5:-1], "little")
    rows = size - 4 - 4 * restarts
    if rows < 0:
        raise _Malformed("a block has more restarts than bytes")
    cursor, key = _Cursor(block[:rows]), b""
    while not cursor.done:
        shared, unshared, length = cursor.varint(), cursor.varint(), cursor.varint()
        if shared > len(key):
            raise _Malformed("a key shares more than the one before it has")
        key = key[:shared] + cursor.take(unshared)
        yield key, cursor.take(length)


def _message(data: bytes) -> _Fields:
    """The fields of a protocol buffer by number; those of a fixed length as bytes."""
    cursor, fields = _Cursor(data), _Fields()
    while not cursor.done:
        number, kind = divmod(cursor.varint(), 8)
        if kind == 0:
            value: int | bytes = cursor.varint()
        elif kind in (1, 5):
            value = cursor.take(8 if kind == 1 else 4)
        elif kind == 2:
            value = cursor.take(cursor.varint())
        else:
            raise _Malformed(f"a field is of the unknown kind {kind}")
        fields.setdefault(number, []).append(value)
    return fields


def _number(fields: _Fields, key: int, default: int = 0) -> int:
    value = fields.get(key, [default])[-1]
    if not isinstance(value, int):
        raise _Malformed(f"field {key} is no number")
    return value


def _messages(fields: _Fields, key: int) -> list[_Fields]:
    values = [value for value in fields.get(key, []) if isinstance(value, bytes)]
    if len(values) != len(fields.get(key, [])):
        raise _Malformed(f"field {key} is no message")
    return [_message(value) for value in values]


def _tensor(name: str, fields: _Fields, data: bytes) -> NDArray[Any]:
    dtype = _DTYPES.get(_number(fields, 1))
    if dtype is None or _number(fields, 3) != 0 or 7 in fields:
        raise _Malformed(f"{name!r} is cut into slices, in another shard, or of an unknown type")
    sizes = [_number(size, 1) for shape in _messages(fields, 2) for size in _messages(shape, 2)]
    offset, length = _number(fields, 4), _number(fields, 5)
    if len(sizes) > _MOST_DIMENSIONS or math.prod(sizes) * dtype.itemsize != length:
        raise _Malformed(f"{name!r} has {length} bytes, which are not those of its shape")
    if offset + length > len(data):
        raise _Malformed(f"it has {len(data)} bytes, and {name!r} ends at {offset + length}")
    return np.frombuffer(data, dtype, math.prod(sizes), offset).reshape(sizes)
