"""TensorFlow in its process. Where the real one is not needed, a module of its name stands in for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from recognize_cli.engines.tensorflow import session as engine
from recognize_cli.engines.tensorflow.session import TensorFlowSession, refuse_without_avx
from recognize_cli.errors import EngineError
from recognize_cli.hardware import Cpu
from tests.support.saved_models import FILTERS, make_saved_model, needs_tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GOOD = Cpu("x86_64", "a CPU", frozenset({"avx"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a SavedModel."""
    path = tmp_path / "saved"
    path.mkdir()
    (path / "saved_model.pb").touch()
    return path


@pytest.fixture
def opening(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What the error says when the module tensorflow is such a program."""
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))

    def with_module(body: str) -> str:
        (tmp_path / "modules").mkdir(exist_ok=True)
        (tmp_path / "modules" / "tensorflow.py").write_text(body)
        with pytest.raises(EngineError) as caught:
            TensorFlowSession(folder, cpu=GOOD)
        assert "tensorflow" not in sys.modules
        return str(caught.value)

    return with_module


# --- without TensorFlow --------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [frozenset({"sse4_2"}), None], ids=["old", "unknown"])
@pytest.mark.parametrize("architecture", ["x86_64", "AMD64"])
def test_on_a_cpu_without_avx_it_is_not_even_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, flags: frozenset[str] | None
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was started"))
    with pytest.raises(EngineError, match="need AVX, which this CPU lacks; scan with --backend portable"):
        TensorFlowSession(folder, cpu=Cpu(architecture, "a CPU", flags))


def test_only_x86_needs_avx() -> None:
    refuse_without_avx(Cpu("aarch64", "a CPU", frozenset({"asimd"})))


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=f"cannot load {tmp_path}: it has no saved_model.pb"):
        TensorFlowSession(tmp_path, cpu=GOOD)


def test_where_it_is_not_installed_the_error_says_how_to_install_it(opening: Callable[[str], str]) -> None:
    message = opening("import no_such_module")
    assert "cannot be imported (No module named 'no_such_module')" in message
    assert "pip install 'recognize-cli[native]'" in message


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGILL)", "it crashed (SIGILL)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "it was killed (SIGKILL), perhaps because"),
        ("os._exit(3)", "it ended with status 3"),
    ],
)
def test_when_its_process_dies_the_error_says_how(opening: Callable[[str], str], body: str, how: str) -> None:
    assert how in opening(f"import os, signal\n{body}")


def test_one_that_is_never_ready_is_given_up(
    opening: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_START_SECONDS", 0.5)
    monkeypatch.setattr(engine, "_END_SECONDS", 0.1)
    children = set(psutil.Process().children())
    assert "not ready after 0.5 seconds" in opening("import time; time.sleep(3600)")
    assert set(psutil.Process().children()) <= children


def test_what_it_writes_is_not_seen(opening: Callable[[str], str], capfd: pytest.CaptureFixture[str]) -> None:
    opening("import os; os.write(1, b'out'); os.write(2, b'err'); import no_such_module")
    assert capfd.readouterr() == ("", "")


def test_it_is_told_no_secrets(opening: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOGNIZE_PASSWORD", "hush")
    message = opening("import os\nraise ImportError(sorted(n for n in os.environ if 'RECOGNIZE' in n))")
    assert "imported ([])" in message


def test_it_sees_no_gpu(opening: Callable[[str], str]) -> None:
    assert "imported (-1)" in opening("import os\nraise ImportError(os.environ['CUDA_VISIBLE_DEVICES'])")


def test_nothing_is_imported_from_where_the_user_stands(
    opening: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "signal.py").write_text("raise ImportError('from here')")
    (tmp_path / "here" / "no_such_module.py").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert "No module named 'no_such_module'" in opening("import no_such_module")


# --- with TensorFlow -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_saved_model(tmp_path_factory.mktemp("filters"), FILTERS)


@pytest.fixture(scope="module")
def session(filters: Path) -> Iterator[TensorFlowSession]:
    """For tests that leave it as it was; to open one takes seconds."""
    opened = TensorFlowSession(filters, threads=2)
    yield opened
    opened.close()


def process(session: TensorFlowSession) -> psutil.Process:
    return psutil.Process(session._process.pid)


def clips(length: int, side: int = 64) -> dict[str, np.ndarray]:
    return {"image": np.zeros((1, length, side, side, 3), np.float32)}


@needs_tensorflow
def test_it_is_silent_and_stays_out_of_this_process(
    filters: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    opened = TensorFlowSession(filters)
    assert opened.run(clips(2))["classifier_head"].shape == (1, 600)
    opened.close()
    assert capfd.readouterr() == ("", "")
    assert "tensorflow" not in sys.modules


@needs_tensorflow
def test_closing_it_ends_its_process(filters: Path) -> None:
    opened = TensorFlowSession(filters)
    worker = process(opened)
    assert worker.is_running()
    opened.close()
    assert not worker.is_running()
    with pytest.raises(EngineError):
        opened.run(clips(2))


@needs_tensorflow
def test_its_memory_is_bounded_whatever_the_length_of_clips(session: TensorFlowSession) -> None:
    """What it keeps for each length (oneDNN's prepared operations) it has after each was there once."""

    def after(rounds: int) -> int:
        for length in np.random.default_rng(0).permutation(np.tile(np.arange(1, 21), rounds)):
            session.run(clips(int(length)))
        return process(session).memory_info().rss >> 20

    first, second = after(2), after(8)
    assert second - first < 30  # MiB; what passes between the layers of one clip of the longest is 25


@needs_tensorflow
def test_when_it_dies_between_two_runs_every_later_one_says_so(filters: Path) -> None:
    opened = TensorFlowSession(filters)
    os.kill(process(opened).pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"was killed \(SIGKILL\)"):
            opened.run(clips(2))
    opened.close()


@needs_tensorflow
def test_an_interrupt_at_the_terminal_leaves_the_end_to_this_process(session: TensorFlowSession) -> None:
    os.kill(process(session).pid, signal.SIGINT)
    assert session.run(clips(2))["classifier_head"].shape == (1, 600)


@needs_tensorflow
def test_what_a_graph_refuses_is_told_by_its_cause(filters: Path, session: TensorFlowSession) -> None:
    with pytest.raises(EngineError) as caught:
        session.run(clips(0))
    assert "Graph execution" not in str(caught.value)
    assert session.run(clips(2))["classifier_head"].shape == (1, 600)
