"""OpenVINO beyond the contract of engines: what it must not do, and what its numbers are."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.engines.openvino import OpenVinoSession
from recognize_cli.errors import EngineError
from recognize_cli.hardware import probe
from tests.support.openvino import needs_openvino

if TYPE_CHECKING:
    from pathlib import Path

FEEDS = {"x": np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """x·w, which goes out under a name of its own."""
    weight = np.random.default_rng(2).normal(size=(64, 64)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Identity", ["product"], ["y"]),
        ],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 64])],
        [numpy_helper.from_array(weight, "w")],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


RUN_AND_TELL = """
import sys
calls = []
sys.addaudithook(lambda event, arguments: calls.append(event) if event.startswith("socket.") else None)
import numpy as np
from pathlib import Path
from recognize_cli.engines.openvino import OpenVinoSession
session = OpenVinoSession(Path(sys.argv[1]))
session.run({"x": np.zeros((2, 64), np.float32)})
session.close()
assert "openvino" in sys.modules
told = [name for name, module in sys.modules.items() if "telemetry" in name.lower() and module]
assert (calls, told) == ([], []), (calls, told)
"""


@needs_openvino
def test_nothing_is_reported_written_or_told(model: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    known = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("XDG")}
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_TELL, str(model)],
        env={**known, "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"home", "model.onnx"}


def test_it_is_imported_only_when_a_model_is_opened() -> None:
    program = "import sys, recognize_cli.engines.openvino; print('openvino' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_where_it_is_not_installed_the_error_says_how_to_install_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match=r"cannot be imported .*pip install 'recognize-cli\[openvino\]'"):
        OpenVinoSession(model)


@needs_openvino
def test_outputs_have_the_names_of_the_file_and_the_numbers_of_onnx_runtime(model: Path) -> None:
    session, other = OpenVinoSession(model), OrtSession(model)
    assert session.outputs == ("y",)
    found, expected = session.run(FEEDS)["y"], other.run(FEEDS)["y"]
    assert np.abs(found - expected).max() < 1e-4
    session.close()


@needs_openvino
def test_results_outlive_the_next_run(model: Path) -> None:
    session = OpenVinoSession(model, calls=1)
    first = session.run(FEEDS)["y"]
    kept = first.copy()
    session.run({"x": np.zeros((4, 64), np.float32)})
    assert np.array_equal(first, kept)


START_TOGETHER = """
import sys, threading
import numpy as np
from pathlib import Path
from recognize_cli.engines.openvino import OpenVinoSession
sys.setswitchinterval(1e-5)
session = OpenVinoSession(Path(sys.argv[1]))
barrier = threading.Barrier(4)
def work():
    barrier.wait()
    session.run({"x": np.zeros((2, 64), np.float32)})
threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


@needs_openvino
def test_threads_that_are_the_first_to_run_models_do_not_wait_for_ever(model: Path) -> None:
    for _ in range(5):
        subprocess.run([sys.executable, "-c", START_TOGETHER, str(model)], check=True, timeout=60)


@needs_openvino
def test_more_threads_than_calls_wait_for_each_other(model: Path) -> None:
    session = OpenVinoSession(model, calls=1)
    expected = session.run(FEEDS)["y"]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: session.run(FEEDS)["y"], range(50)))
    assert all(np.array_equal(each, expected) for each in results)


@needs_openvino
def test_a_run_that_fails_leaves_its_place_to_the_next(model: Path) -> None:
    session = OpenVinoSession(model, calls=1)
    for _ in range(3):
        with pytest.raises(EngineError, match=r"x is to be \[\?,64\], not \[1, 3\]"):
            session.run({"x": np.zeros((1, 3), np.float32)})
    assert session.run(FEEDS)["y"].shape == (4, 64)


@needs_openvino
@pytest.mark.skipif(not probe().cpu.has("avx512_bf16"), reason="this CPU does not compute in bfloat16")
def test_bfloat16_is_another_precision(model: Path) -> None:
    exact, rough = (
        OpenVinoSession(model).run(FEEDS)["y"],
        OpenVinoSession(model, bfloat16=True).run(FEEDS)["y"],
    )
    difference = np.abs(exact - rough).max() / np.abs(exact).max()
    assert 1e-4 < difference < 0.03
