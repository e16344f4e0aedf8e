"""What ONNX Runtime holds of this process's memory, in processes of their own."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_START = """
import sys
from pathlib import Path
import numpy as np, psutil
from recognize_cli.engines.onnx import OrtSession

def held():
    return psutil.Process().memory_info().rss >> 20
"""

_ONE_AFTER_THE_OTHER = """
OrtSession(Path(sys.argv[2])).run({"x": np.ones(1, np.float32)})  # what is taken first is never given back
sessions = [OrtSession(Path(sys.argv[1])) for _ in range(4)]
print(held())
for session in sessions:
    session.run({"x": np.ones(1, np.float32)})
print(held())
for session in sessions:
    session.close()
print(held())
"""

_LOADED = """
OrtSession(Path(sys.argv[2]))  # loads the library, too
print(held())
session = OrtSession(Path(sys.argv[1]))
print(held())
"""


def model(path: Path, initializers: Sequence[TensorProto], *nodes: object) -> Path:
    """An ONNX file: y, of whatever shape, comes of x, one float."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    ports[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph(list(nodes), "made", ports[:1], ports[1:], list(initializers))
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def small(folder: Path) -> Path:
    """A model of nothing."""
    return model(folder / "small.onnx", [], helper.make_node("Identity", ["x"], ["y"]))


def run(script: str, *arguments: Path) -> list[int]:
    """The numbers (MiB) that a script prints."""
    command = [sys.executable, "-c", _START + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_models_that_run_in_turn_share_their_memory_and_give_it_back(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([16 << 20], np.int64), "shape")
    wide = model(
        tmp_path / "wide.onnx",
        [shape],
        helper.make_node("Expand", ["x", "shape"], ["wide"]),  # 64 MiB
        helper.make_node("ReduceMean", ["wide"], ["y"], keepdims=0),
    )
    loaded, ran, closed = run(_ONE_AFTER_THE_OTHER, wide, small(tmp_path))
    assert 60 < ran - loaded < 200  # and not four times as much
    assert closed - loaded < 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives back what lies within a heap")
def test_a_loaded_model_takes_little_more_than_its_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    weights = [
        numpy_helper.from_array(noise.random((128, 256), np.float32), f"w{index}") for index in range(256)
    ]
    sums = [
        helper.make_node("Gather", [each.name, "index"], [f"row{index}"])
        for index, each in enumerate(weights)
    ]
    names = [f"row{index}" for index in range(len(weights))]
    large = model(
        tmp_path / "large.onnx",
        [*weights],
        helper.make_node("Cast", ["x"], ["index"], to=TensorProto.INT64),
        *sums,
        helper.make_node("Sum", names, ["y"]),
    )
    before, after = run(_LOADED, large, small(tmp_path))
    size = large.stat().st_size >> 20
    assert size >= 32
    assert after - before < 1.4 * size
