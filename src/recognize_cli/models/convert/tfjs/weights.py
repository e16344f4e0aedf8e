"""The weights: a manifest, in model.json or a file of its own, and the shards that hold the bytes.

Format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts (WeightsManifestConfig).
The shards of a group are one stream of bytes that was cut into files; a weight may lie across a
cut. Nothing is kept in memory: a weight is read when it is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.models.convert.tfjs import document
from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

    from numpy.typing import NDArray

_KINDS = {"float32": Kind.FLOAT, "int32": Kind.INTEGER, "bool": Kind.BOOLEAN}
_STORED = {"float32": "<f4", "int32": "<i4", "bool": "u1"}
_QUANTISED = {"float16": "<f2", "uint8": "u1", "uint16": "<u2"}
_LARGEST = {Kind.FLOAT: float(np.finfo(np.float32).max), Kind.INTEGER: 2.0**31 - 1}


@dataclass(frozen=True, slots=True)
class Weight:
    """One entry of the manifest: what it is, and where its bytes lie.

    `stored` is the type of the bytes. Quantised values stand for ``value * scale + minimum``;
    `scale` is None where the value is stored as it is (or as float16).
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    stored: str
    scale: float | None
    minimum: float
    group: int
    offset: int

    @property
    def stored_size(self) -> int:
        """The number of bytes in the shards."""
        return math.prod(self.shape) * np.dtype(self.stored).itemsize


class Weights:
    """All weights of a model by name."""

    def __init__(self, weights: dict[str, Weight], groups: list[_Shards]) -> None:
        self._weights = weights
        self._groups = groups

    @classmethod
    def open(cls, manifest: object, folder: Path) -> Self:
        """Reads the manifest and checks the sizes of all shards; raises Unconvertible."""
        weights: dict[str, Weight] = {}
        groups: list[_Shards] = []
        for number, entry in enumerate(document.sequence(manifest, "weightsManifest")):
            where = f"weightsManifest[{number}]"
            group = document.mapping(entry, where)
            offset = 0
            for item in document.sequence(group.get("weights"), f"{where}.weights"):
                weight = _weight(document.mapping(item, f"an entry of {where}"), number, offset)
                if weight.name in weights:
                    raise Unconvertible(f"the weight {weight.name!r} is in the manifest twice")
                weights[weight.name] = weight
                offset += weight.stored_size
            names = document.sequence(group.get("paths"), f"{where}.paths")
            groups.append(_Shards.open([_shard(folder, name) for name in names], offset))
        return cls(weights, groups)

    def __iter__(self) -> Iterator[Weight]:
        """All entries, in the order of the manifest."""
        return iter(self._weights.values())

    def find(self, name: str) -> Weight | None:
        """The entry of a name, None where there is none."""
        return self._weights.get(name)

    def read(self, weight: Weight) -> NDArray[Any]:
        """The values, dequantised, in the type of `weight.kind`; raises Unconvertible."""
        content = self._groups[weight.group].read(weight.offset, weight.stored_size)
        values = np.frombuffer(content, weight.stored)
        if weight.scale is not None:
            exact = values.astype(np.float64) * weight.scale + weight.minimum
            # TensorFlow.js rounds with Math.round, which takes halves upwards.
            values = np.floor(exact + 0.5) if weight.kind is Kind.INTEGER else exact
        return values.astype(weight.kind.value, copy=False).reshape(weight.shape)


@dataclass(frozen=True, slots=True)
class _Shards:
    """Files that are one stream of bytes."""

    files: tuple[tuple[Path, int], ...]

    @classmethod
    def open(cls, paths: list[Path], size: int) -> Self:
        """Checks that the files are there and that together they hold `size` bytes."""
        files = []
        for path in paths:
            try:
                files.append((path, path.stat().st_size))
            except OSError as error:
                raise Unconvertible(f"the shard {path.name} cannot be read: {error.strerror}") from error
        found = sum(length for _, length in files)
        if found != size:
            names = f"{paths[0].name} to {paths[-1].name}" if paths else "none"
            raise Unconvertible(f"the shards ({names}) hold {found} bytes, but the manifest describes {size}")
        return cls(tuple(files))

    def read(self, offset: int, size: int) -> bytearray:
        """`size` bytes of the stream, from `offset` on."""
        content = bytearray()
        for path, length in self.files:
            if offset < length and len(content) < size:
                content += _part(path, offset, min(size - len(content), length - offset))
                offset = length
            offset -= length
        return content


def _part(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        raise Unconvertible(f"the shard {path.name} cannot be read: {error.strerror}") from error
    if len(content) != size:
        raise Unconvertible(f"the shard {path.name} became shorter while it was read")
    return content


def _shard(folder: Path, name: object) -> Path:
    """The path of a shard, which must lie in the folder."""
    relative = PurePosixPath(document.text(name, "the name of a shard"))
    if relative.is_absolute() or ".." in relative.parts:
        raise Unconvertible(f"the shard {str(relative)!r} lies outside the model's folder")
    return folder / relative


def _weight(entry: dict[str, object], group: int, offset: int) -> Weight:
    name = document.text(entry.get("name"), "the name of a weight")
    where = f"the weight {name!r}"
    declared = document.text(entry.get("dtype"), f"the dtype of {where}")
    if declared not in _KINDS:
        raise Unconvertible(f"{where} has the dtype {declared!r}, which is not supported")
    kind = _KINDS[declared]
    stored, scale, minimum = _STORED[declared], None, 0.0
    if entry.get("quantization") is not None:
        quantization = document.mapping(entry["quantization"], f"the quantization of {where}")
        stored, scale, minimum = _quantization(quantization, kind, where)
    shape = document.shape(entry.get("shape"), f"the shape of {where}")
    return Weight(name, kind, shape, stored, scale, minimum, group, offset)


def _quantization(entry: dict[str, object], kind: Kind, where: str) -> tuple[str, float | None, float]:
    dtype = document.text(entry.get("dtype"), f"the quantization dtype of {where}")
    if dtype == "float16" and kind is Kind.FLOAT:
        return _QUANTISED[dtype], None, 0.0
    if dtype not in ("uint8", "uint16") or kind is Kind.BOOLEAN:
        raise Unconvertible(f"{where} is quantised as {dtype!r}, which is not supported")
    scale = document.number(entry.get("scale"), f"the scale of {where}")
    minimum = document.number(entry.get("min"), f"the min of {where}")
    if abs(scale) * np.iinfo(_QUANTISED[dtype]).max + abs(minimum) > _LARGEST[kind]:
        raise Unconvertible(f"{where} is quantised over a range that {kind.value} does not have")
    return _QUANTISED[dtype], scale, minimum
