"""TensorFlow checkpoints: what comes out, and that nothing but ConversionFailed comes of bad ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tf_checkpoint import load_checkpoint
from tests.models.convert.tf_bundles import (
    HEADER,
    MAGIC,
    TYPES,
    checkpoint,
    entry,
    floats,
    message,
    number,
    table,
    varint,
    write,
    written,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = {"a/kernel": floats(2, 3), "a/bias": floats(3), "step": np.array(7, np.int64)}


def load(folder: Path, index: bytes, data: bytes) -> dict[str, NDArray[Any]]:
    return load_checkpoint(*write(folder, index, data).values())


tensors = st.sampled_from(sorted(TYPES)).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), tensors, max_size=30))
def test_what_was_written_comes_out(made: dict[str, NDArray[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = load_checkpoint(*written(Path(folder), made).values())
    assert found.keys() == made.keys()
    for name, tensor in made.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].tobytes() == tensor.tobytes()


def test_cut_off_files_are_refused(tmp_path: Path) -> None:
    index, data = checkpoint(SMALL)
    for end in range(len(index)):
        with pytest.raises(ConversionFailed, match=r"\.index: it is no TensorFlow index"):
            load(tmp_path, index[:end], data)
    for end in range(len(data)):
        with pytest.raises(ConversionFailed, match=r"\.data-00000-of-00001: it has \d+ bytes, and '"):
            load(tmp_path, index, data[:end])


@given(st.data())
def test_a_changed_index_gives_tensors_or_a_refusal(draw: st.DataObject) -> None:
    index, data = checkpoint(SMALL)
    changed = bytearray(index)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(index) - 1))] = draw.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = load(Path(folder), bytes(changed), data)
        except ConversionFailed:
            return
    assert all(tensor.nbytes <= len(data) for tensor in found.values())


def index_of(value: bytes, header: bytes = HEADER) -> bytes:
    return table([(b"", header), (b"w", value)])


GOOD = entry(1, [2], 0, 8)
BAD = {
    "no mark": (b"x" * 100, "does not end in the mark"),
    "a handle beyond the end": (
        varint(0) * 2 + varint(99) + varint(9) + b"\0" * 36 + MAGIC,
        "beyond its end",
    ),
    "a handle without an end": (b"\xff" * 40 + MAGIC, "without an end"),
    "compressed": (table([(b"", HEADER), (b"w", GOOD)], kind=1), "compressed"),
    "many restarts": (index_of(GOOD).replace(b"\0\0\0\0\1\0\0\0", b"\0\0\0\0\0\1\0\0"), "more restarts"),
    "no header": (table([(b"w", GOOD)]), "no header"),
    "nothing": (table([]), "no header"),
    "two shards": (index_of(GOOD, number(1, 2)), "several shards"),
    "big-endian": (index_of(GOOD, number(1, 1) + number(2, 1)), "big-endian"),
    "a shared key out of nothing": (
        table([(b"", HEADER)]).replace(b"\0\0\x06", b"\1\0\x06"),
        "shares more",
    ),
    "an unknown kind of field": (index_of(b"\x0f"), "unknown kind 7"),
    "a message for a number": (index_of(message(1, b"")), "is no number"),
    "a number for a message": (index_of(number(1, 1) + number(2, 5)), "is no message"),
    "an unknown type": (index_of(entry(7, [2], 0, 8)), "of an unknown type"),
    "another shard": (index_of(entry(1, [2], 0, 8, number(3, 1))), "in another shard"),
    "slices": (index_of(entry(1, [2], 0, 8, message(7, b""))), "cut into slices"),
    "a size that is not the shape's": (index_of(entry(1, [3], 0, 8)), "not those of its shape"),
    "a huge shape": (index_of(entry(1, [2**32, 2**32], 0, 8)), "not those of its shape"),
    "many dimensions": (index_of(entry(1, [1] * 40 + [2], 0, 8)), "not those of its shape"),
    "an end beyond the data": (index_of(entry(1, [2], 4, 8)), "'w' ends at 12"),
    "a place beyond the data": (index_of(entry(1, [2], 2**62, 8)), "'w' ends at"),
}


@pytest.mark.parametrize(("index", "problem"), BAD.values(), ids=BAD)
def test_what_is_no_checkpoint_of_plain_tensors_is_refused(
    tmp_path: Path, index: bytes, problem: str
) -> None:
    assert load(tmp_path, index_of(GOOD), b"01234567").keys() == {"w"}
    with pytest.raises(ConversionFailed, match=problem):
        load(tmp_path, index, b"01234567")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    files = written(tmp_path, SMALL)
    with files[".index"].open("r+b") as stream:
        stream.truncate(1 << 34)
    with pytest.raises(ConversionFailed, match="has more than 16777216 bytes"):
        load_checkpoint(*files.values())
