"""Formats and their converters."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.fetch import fetch
from recognize_cli.models.lockfile import load_lock
from tests.models.making import locked, made_entry

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.models.store import Store


@pytest.mark.parametrize("name", CONVERTERS)
def test_every_format_has_a_converter(name: str) -> None:
    assert callable(CONVERTERS[name].load())


def test_every_format_of_the_shipped_lock_file_is_known() -> None:
    assert {entry.format for entry in load_lock().models} <= set(CONVERTERS)


def test_a_tensorflow_js_model_is_installed_as_onnx(tmp_path: Path, store: Store) -> None:
    """The smallest one: ``y = x * w`` with one weight in one shard."""
    shape = {"dim": [{"size": size} for size in ("-1", "-1", "-1", "3")]}
    topology = {
        "format": "graph-model",
        "signature": {
            "inputs": {"x": {"name": "x:0", "dtype": "DT_FLOAT", "tensorShape": shape}},
            "outputs": {"y": {"name": "y:0", "dtype": "DT_FLOAT", "tensorShape": shape}},
        },
        "modelTopology": {
            "node": [
                {
                    "name": "x",
                    "op": "Placeholder",
                    "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": shape}},
                },
                {"name": "w", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
                {"name": "y", "op": "Mul", "input": ["x", "w"], "attr": {"T": {"type": "DT_FLOAT"}}},
            ]
        },
        "weightsManifest": [
            {"paths": ["group1-shard1of1.bin"], "weights": [{"name": "w", "shape": [3], "dtype": "float32"}]}
        ],
    }
    files = {
        "model.json": json.dumps(topology).encode(),
        "group1-shard1of1.bin": struct.pack("<3f", 3, 5, 7),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    entry = made_entry(*(locked(name, data) for name, data in files.items()), format="tfjs-graph")
    session = onnxruntime.InferenceSession(fetch(entry, store, directory=tmp_path).graphs["model"])
    side = entry.task.input.size
    [output] = session.run(None, {session.get_inputs()[0].name: np.full((2, side, side, 3), 2, np.float32)})
    np.testing.assert_array_equal(output, np.broadcast_to([6, 10, 14], (2, side, side, 3)))


def test_a_tensorflow_js_model_without_its_topology(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match=r"no model\.json is among its files"):
        CONVERTERS["tfjs-graph"].load()({"x": tmp_path}, tmp_path, side=None)
