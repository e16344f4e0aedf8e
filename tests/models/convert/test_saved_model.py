"""SavedModels are stored as they are, unless they are none, or do more than compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import CONVERTERS, SAVED_MODEL_FILES
from recognize_cli.models.convert.saved_model import convert
from tests.support.saved_models import (
    COLOURS,
    READS_A_FILE,
    make_saved_model,
    needs_tensorflow,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLE_END = bytes.fromhex("57fb808b247547db")


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer of less than 128 bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def made(
    *,
    version: int = 1,
    tag: bytes = b"serve",
    signature: bytes = b"serving_default",
    op: bytes = b"Conv3D",
    called: bytes = b"Mul",
    rest: bytes = b"",
    graphs: int = 1,
) -> bytes:
    """A saved_model.pb with a node of one operation, and a function with one of another."""
    function = field(2, field(1, field(3, field(1, b"node") + field(2, called))))
    graph = field(2, field(1, field(1, b"node") + field(2, op)) + function)
    meta_graph = field(1, field(4, tag)) + graph + field(5, field(1, signature)) + rest
    return field(1, version) + graphs * field(2, meta_graph)


def files(folder: Path, graph: bytes, index: bytes = TABLE_END) -> dict[str, Path]:
    """The three files of a SavedModel."""
    contents = dict(zip(SAVED_MODEL_FILES, (graph, index, b"weights"), strict=True))
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return {path: folder / path for path in contents}


def test_its_files_are_stored_as_they_are(tmp_path: Path) -> None:
    given, stored = files(tmp_path / "given", made()), tmp_path / "stored"
    stored.mkdir()
    convert(given, stored, side=None)
    found = {str(path.relative_to(stored)) for path in stored.rglob("*") if path.is_file()}
    assert found == set(CONVERTERS["saved-model"].others) == set(given)
    assert all((stored / path).read_bytes() == source.read_bytes() for path, source in given.items())


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (b"junk", "it is no SavedModel"),
        (b"", "it is no SavedModel with one graph"),
        (made()[:-1], "it is no SavedModel"),
        (made(version=2), "it is no SavedModel with one graph"),
        (made(graphs=2), "it is no SavedModel with one graph, tagged 'serve'"),
        (made(tag=b"train"), "it is no SavedModel with one graph, tagged 'serve'"),
        (made(signature=b"other"), "it has no signature serving_default"),
        (made(rest=field(6, field(2, b"vocabulary.txt"))), "it brings files along"),
        (made(op=b"ReadFile"), "its graph does more than compute: ReadFile"),
        (made(called=b"WriteFile"), "its graph does more than compute: WriteFile"),
        (made(op=b"EagerPyFunc", called=b"PrintV2"), "more than compute: EagerPyFunc, PrintV2"),
        (made(op=b"TextLineDataset"), "more than compute: TextLineDataset"),
        (made(op=b"HashTableV2"), "more than compute: HashTableV2"),
    ],
)
def test_what_is_none_or_does_more_than_compute_is_refused(
    tmp_path: Path, graph: bytes, problem: str
) -> None:
    with pytest.raises(ConversionFailed, match=problem):
        convert(files(tmp_path / "given", graph), tmp_path, side=None)
    assert not (tmp_path / SAVED_MODEL_FILES[0]).exists()


@pytest.mark.parametrize("op", [b"ShardedFilename", b"MergeV2Checkpoints", b"SaveV2", b"RestoreV2"])
def test_what_every_saved_model_has_is_no_fault(tmp_path: Path, op: bytes) -> None:
    convert(files(tmp_path / "given", made(op=op)), tmp_path, side=None)


def test_an_index_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match=r"variables\.index is no index of a checkpoint"):
        convert(files(tmp_path / "given", made(), b"junk"), tmp_path, side=None)


def test_it_must_be_just_these_files(tmp_path: Path) -> None:
    given = files(tmp_path / "given", made())
    del given["variables/variables.index"]
    with pytest.raises(ConversionFailed, match="a SavedModel is made of"):
        convert(given, tmp_path, side=None)


def real(folder: Path, body: str) -> dict[str, Path]:
    saved = make_saved_model(folder, body)
    return {path: saved / path for path in SAVED_MODEL_FILES}


@needs_tensorflow
def test_one_that_tensorflow_made_is_taken(tmp_path: Path) -> None:
    convert(real(tmp_path / "given", COLOURS), tmp_path, side=None)


@needs_tensorflow
def test_one_that_reads_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="more than compute: ReadFile"):
        convert(real(tmp_path / "given", READS_A_FILE), tmp_path, side=None)
