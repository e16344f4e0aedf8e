"""Reads the weights of a PyTorch checkpoint in the legacy format (before 1.6), without PyTorch.

Such a file is a row of pickles (magic number, protocol, system, state dict, storage keys) and then
the storages, each a count of elements (int64) and the elements, little-endian. The pickles are read
as data (`pickle_machine`): a file that wants anything run is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.pickle_machine import Global, NoMeaning, PickleRefused, read_pickle

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MOST_DIMENSIONS = 8

_ORDERED_DICT = Global("collections OrderedDict")
_REBUILD = Global("torch._utils _rebuild_tensor_v2")
_DTYPES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}


class _Malformed(Exception):
    """The bytes are not a legacy checkpoint of plain weights."""


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    length: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage; offset, shape and strides count elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _StateDict:
    """What the names in the pickle of a state dict stand for: dicts, storages, tensors."""

    def persistent(self, identity: object) -> _Storage:
        """A storage: ("storage", type, key, device, elements, None)."""
        match identity:
            case ("storage", Global(name), str(key), str(), length, None):
                if name in _DTYPES and _is_count(length):
                    return _Storage(key, _DTYPES[name], length)
        raise PickleRefused("it describes a storage of a kind that is not known")

    def call(self, function: Global, arguments: object) -> object:
        """An empty dict, or a tensor: (storage, offset, shape, strides, requires_grad, hooks)."""
        if function == _ORDERED_DICT and arguments == ():
            return {}
        if function == _REBUILD:
            match arguments:
                case (_Storage() as storage, offset, shape, strides, bool(), dict()):
                    if _is_count(offset) and _are_counts(shape) and _are_counts(strides):
                        return _Tensor(storage, offset, shape, strides)
            raise PickleRefused("it describes a tensor in a way that is not known")
        raise PickleRefused(f"it calls {function.name!r}, which is not allowed")


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_counts(values: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(values, tuple) and len(values) <= _MOST_DIMENSIONS and all(map(_is_count, values))


def load_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a checkpoint by name: float32 and int64 arrays, read-only, some not contiguous.

    Raises ConversionFailed if it is not a legacy checkpoint, is damaged, or holds anything else.
    """
    stream = BytesIO(path.read_bytes())
    try:
        _check_header(stream)
        tensors = _tensors(read_pickle(stream, _StateDict()))
        storages = _storages(stream, read_pickle(stream, NoMeaning()), tensors)
        return {name: _array(tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}
    except (_Malformed, PickleRefused) as error:
        problem = f"{error}; only a legacy PyTorch checkpoint of plain weights is read"
        raise ConversionFailed(name=path.name, problem=problem) from error


def _check_header(stream: BytesIO) -> None:
    if stream.getvalue().startswith(b"PK"):
        raise _Malformed("it is in the newer zip format")
    magic, protocol, system = (read_pickle(stream, NoMeaning()) for _ in range(3))
    if magic != _MAGIC or protocol != _PROTOCOL or not isinstance(system, dict):
        raise _Malformed("it does not begin like a checkpoint")
    if system.get("little_endian") is not True:
        raise _Malformed("it was not written on a little-endian machine")


def _tensors(state: object) -> dict[str, _Tensor]:
    if not isinstance(state, dict):
        raise _Malformed("it holds no state dict")
    if not all(isinstance(tensor, _Tensor) for tensor in state.values()):
        raise _Malformed("its state dict holds something that is not a tensor")
    return state


def _storages(stream: BytesIO, keys: object, tensors: dict[str, _Tensor]) -> dict[str, NDArray[Any]]:
    """The storages that follow the pickles, each a flat array."""
    expected = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _Malformed("its list of storages is broken")
    if sorted(keys) != sorted(expected):
        raise _Malformed("its storages are not those that its tensors refer to")
    return {key: _read_storage(stream, expected[key]) for key in keys}


def _read_storage(stream: BytesIO, storage: _Storage) -> NDArray[Any]:
    size = storage.length * storage.dtype.itemsize
    if int.from_bytes(stream.read(8), "little") != storage.length:
        raise _Malformed(f"storage {storage.key!r} is cut off or has another length than its tensors expect")
    if size > len(stream.getbuffer()) - stream.tell():
        raise _Malformed(f"storage {storage.key!r} is cut off")
    return np.frombuffer(stream.read(size), storage.dtype)


def _array(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """The view of its storage that a tensor is; raises _Malformed if an element lies outside of it."""
    if len(tensor.shape) != len(tensor.strides):
        raise _Malformed("a tensor has not as many strides as dimensions")
    axes = list(zip(tensor.shape, tensor.strides, strict=True))
    last = tensor.offset + sum((size - 1) * stride for size, stride in axes)
    if not 0 < math.prod(tensor.shape) <= len(storage) or last >= len(storage):
        raise _Malformed("a tensor reaches beyond its storage")
    steps = [stride * storage.itemsize if size > 1 else 0 for size, stride in axes]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps, writeable=False)
