"""Reads flatbuffers without trusting them: nothing outside of the bytes is ever looked at.

The format: https://flatbuffers.dev/internals/. A table begins with the signed distance back to its vtable,
which says for each field how far it lies behind the table's begin, 0 for a field that has its default.
Tables, vectors and strings are fields that hold a distance forwards.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible

_IDENTIFIER = slice(4, 8)
_BYTE, _INT, _UINT, _VTABLE = (struct.Struct(form) for form in ("<b", "<i", "<I", "<HH"))
_OFFSET: Final = np.dtype("<u4")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a flatbuffer; ``fields`` are the positions of its fields in ``data``, 0 for the default.

    All methods raise Unconvertible for what reaches out of the data.
    """

    data: bytes
    fields: tuple[int, ...]

    @classmethod
    def root(cls, data: bytes, identifier: bytes) -> Table:
        """The table that holds all others, of a file with this identifier."""
        if data[_IDENTIFIER] != identifier:
            raise Unconvertible(f"it is no flatbuffer with the mark {identifier.decode('ascii')}")
        return cls.at(data, _number(data, _UINT, 0))

    @classmethod
    def at(cls, data: bytes, position: int) -> Table:
        """The table that begins there."""
        vtable = position - _number(data, _INT, position)
        size, _ = _unpack(data, _VTABLE, vtable)
        count = (size - _VTABLE.size) // 2
        if size % 2 or count < 0 or vtable + size > len(data):
            raise Unconvertible(f"the table at byte {position} has no sound list of fields")
        offsets = struct.unpack_from(f"<{count}H", data, vtable + _VTABLE.size)
        return cls(data, tuple(position + offset if offset else 0 for offset in offsets))

    def byte(self, field: int, default: int = 0) -> int:
        """A signed byte; also of enumerations and flags."""
        position = self._position(field)
        return _number(self.data, _BYTE, position) if position else default

    def integer(self, field: int, default: int = 0) -> int:
        """A signed number of 32 bits."""
        position = self._position(field)
        return _number(self.data, _INT, position) if position else default

    def index(self, field: int) -> int:
        """An unsigned number of 32 bits, 0 by default."""
        position = self._position(field)
        return _number(self.data, _UINT, position) if position else 0

    def table(self, field: int) -> Table:
        """A table; an empty one where there is none, so that all its fields have their defaults."""
        position = self._position(field)
        return Table.at(self.data, self._target(position)) if position else Table(self.data, ())

    def vector(self, field: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """The numbers of a vector, read-only; none where there is no vector."""
        position = self._position(field)
        if not position:
            return np.empty(0, dtype)
        start, count = self._vector(position, dtype.itemsize)
        return np.frombuffer(self.data, dtype, count, start)

    def tables(self, field: int, limit: int) -> list[Table]:
        """The tables of a vector, no more than so many."""
        offsets = self.vector(field, _OFFSET)
        if len(offsets) > limit:
            raise Unconvertible(f"it has {len(offsets)} tables where no more than {limit} are expected")
        if not len(offsets):
            return []
        start, _ = self._vector(self._position(field), _OFFSET.itemsize)
        return [
            Table.at(self.data, start + index * _OFFSET.itemsize + int(offset))
            for index, offset in enumerate(offsets)
        ]

    def _position(self, field: int) -> int:
        return self.fields[field] if field < len(self.fields) else 0

    def _target(self, position: int) -> int:
        return position + _number(self.data, _UINT, position)

    def _vector(self, position: int, itemsize: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many there are."""
        target = self._target(position)
        count, start = _number(self.data, _UINT, target), target + _UINT.size
        if start + count * itemsize > len(self.data):
            raise Unconvertible(f"the vector at byte {target} reaches beyond the end")
        return start, count


def _number(data: bytes, form: struct.Struct, position: int) -> int:
    return int(_unpack(data, form, position)[0])


def _unpack(data: bytes, form: struct.Struct, position: int) -> tuple[Any, ...]:
    if not 0 <= position <= len(data) - form.size:
        raise Unconvertible(f"it ends at byte {len(data)}, and refers to byte {position}")
    return form.unpack_from(data, position)
