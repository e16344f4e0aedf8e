"""`--device`, on machines with and without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.cli import bench_run, engine_checks
from recognize_cli.cli.app import root
from recognize_cli.cli.bench_report import Measured
from recognize_cli.cli.checks import State
from recognize_cli.cli.devices import gpu_for, resolved
from recognize_cli.engines import onnx
from recognize_cli.errors import ExitCode, GpuUnusable
from recognize_cli.gpus import Gpu
from recognize_cli.models.ranking import load_ranking
from recognize_cli.models.select import Engine
from tests.cli.test_bench_report import FIGURES, HERE
from tests.models.making import made_entry
from tests.support.gpus import FOR_GPUS, HAS_GPU, needs_gpu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Called

    Call = Callable[..., Called]

without_gpu = pytest.mark.skipif(FOR_GPUS and HAS_GPU, reason="models run on the GPU here")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The GPUs that were tried, as if only the first two were there."""
    numbers: list[int] = []

    def check(number: int) -> None:
        numbers.append(number)
        if number > 1:
            raise GpuUnusable(gpu=number, problem="there is none")

    monkeypatch.setattr(onnx, "check_gpu", check)
    return numbers


def settings(device: str, batch_size: int | None = None) -> dict[str, Any]:
    return {"device": device, "batch_size": batch_size, "jobs": 3}


def test_the_cpu_is_taken_without_a_look_at_gpus(tried: list[int]) -> None:
    assert resolved(settings("cpu")) == {"gpu": None, "batch_size": 2, "jobs": 3}
    assert tried == []


@pytest.mark.parametrize(("device", "gpu"), [("auto", 0), ("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_gpu_gets_more_photos_at_a_time_unless_told_otherwise(
    tried: list[int], device: str, gpu: int
) -> None:
    assert resolved(settings(device)) == {"gpu": gpu, "batch_size": 8, "jobs": 3}
    assert resolved(settings(device, 3))["batch_size"] == 3
    assert tried == [gpu, gpu]


def test_a_gpu_that_was_named_and_does_not_work_is_an_error(tried: list[int]) -> None:
    with pytest.raises(GpuUnusable, match="on the NVIDIA GPU 2: there is none; see `recognize doctor`"):
        gpu_for("cuda:2")
    assert tried == [2]


@without_gpu
def test_auto_takes_the_cpu_where_there_is_no_gpu_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert resolved(settings("auto")) == {"gpu": None, "batch_size": 2, "jobs": 3}
    assert "using the CPU: models cannot run on the NVIDIA GPU 0" in caplog.text


@needs_gpu
def test_auto_takes_the_gpu_where_there_is_one() -> None:
    assert gpu_for("auto") == 0


@without_gpu
@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("scan", "--device", "cuda"), {}),
        (("scan",), {"RECOGNIZE_SCAN_DEVICE": "cuda:0"}),
        (("bench", "--device", "cuda"), {}),
        (("bench",), {"RECOGNIZE_BENCH_DEVICE": "cuda"}),
    ],
    ids=["scan", "variable of scan", "bench", "variable of bench"],
)
def test_a_scan_ends_before_it_begins_where_the_gpu_does_not_work(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str]
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    done = call(root, *arguments, str(tree), env=env)
    assert done.returncode == ExitCode.ENGINE
    assert "--device cpu" in done.stderr
    assert (done.stdout, [each.name for each in tmp_path.iterdir()]) == ("", ["tree"])


@without_gpu
def test_the_config_file_may_name_the_device(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[scan]\ndevice = "cuda"\n')
    environment = {"RECOGNIZE_CONFIG": str(file)}
    assert call(root, "scan", str(tmp_path), env=environment).returncode == ExitCode.ENGINE
    explained = call(root, "scan", str(tmp_path), "--explain", "a.jpg", env=environment)
    assert explained.returncode == ExitCode.DONE  # no model runs


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1 ", "CPU", ""])
def test_other_devices_are_refused(call: Call, device: str) -> None:
    done = call(root, "scan", "--device", device, ".")
    assert done.returncode == ExitCode.USAGE
    assert "is not one of auto, cpu, cuda, cuda:N" in done.stderr


def test_what_was_measured_on_a_gpu_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    on_gpu, on_cpu = (
        Measured(made_entry(name=str(gpu)), Engine("onnxruntime", gpu=gpu), FIGURES) for gpu in (0, None)
    )
    assert bench_run._remember([on_gpu], HERE) is None
    assert list(tmp_path.iterdir()) == []
    assert bench_run._remember([on_gpu, on_cpu], HERE)
    assert [each.model for each in load_ranking(HERE).ratings] == ["None"]


def cuda(monkeypatch: pytest.MonkeyPatch, gpus: tuple[Gpu, ...], library: Path) -> Any:
    """What doctor says of a machine with such GPUs, whose ONNX Runtime has that library for them or not."""
    monkeypatch.setattr(engine_checks, "probe_gpus", lambda: gpus)
    monkeypatch.setattr(engine_checks, "CUDA_LIBRARY", library)
    return next(each for each in engine_checks.engines(HERE) if each.name == "cuda")


def test_doctor_hints_at_a_gpu_that_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    idle = cuda(monkeypatch, (Gpu("Made", 8 << 30),), tmp_path / "none")
    assert idle.state is State.GOOD
    assert idle.found.startswith("not used: 0: Made, 8.0 GiB; onnxruntime-gpu would use it")
    none = cuda(monkeypatch, (), tmp_path / "none")
    assert (none.state, none.found) == (State.GOOD, "not used: the NVIDIA driver finds no GPU")


@without_gpu
def test_doctor_says_why_a_gpu_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "library").touch()
    broken = cuda(monkeypatch, (Gpu("Made", 8 << 30),), tmp_path / "library")
    assert (broken.state, broken.code) == (State.WARNING, ExitCode.DONE)
    assert broken.found.startswith("0: Made, 8.0 GiB; onnxruntime-gpu is installed, and does not work: ")
    assert broken.remedy
    assert "Traceback" not in broken.found
    assert "GpuUnusable" not in broken.found


def test_doctor_warns_of_two_releases_that_overwrite_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}
    monkeypatch.setattr(engine_checks, "installed_version", both.get)
    check = next(iter(engine_checks.engines(HERE)))
    assert (check.state, check.code) == (State.WARNING, ExitCode.DONE)
    assert check.found.startswith("1.32.0 and onnxruntime-gpu 1.31.1, which overwrite each other")
    assert check.remedy == "pip uninstall onnxruntime onnxruntime-gpu, then pip install one of them"


def test_onnx_runtime_for_gpus_alone_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_checks, "installed_version", {"onnxruntime-gpu": "1.31.1"}.get)
    check = next(iter(engine_checks.engines(HERE)))
    assert (check.state, check.found) == (State.GOOD, "onnxruntime-gpu 1.31.1")
