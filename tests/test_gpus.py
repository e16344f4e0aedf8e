"""What is told of GPUs, by a driver that is made for it: a library with the calls that the real one has."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from recognize_cli.gpus import Gpu, NoDriver, probe_gpus
from tests.support.gpus import needs_gpu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Driver = Callable[..., str]

SOURCE = r"""
#include <stdio.h>
#include <stddef.h>
int cuInit(unsigned flags) { return flags ? 1 : INIT; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int number) { *device = 40 + number; return number < COUNT ? 0 : 101; }
int cuDeviceGetName(char *name, int length, int device) {
    return snprintf(name, length, "Made %d, of %d letters", device, length) < 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)device << 30; return MEMORY; }
"""


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """Compiles a driver: what its start gives back, how many GPUs it has, whether it knows their memory."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")

    def make(*, init: int = 0, count: int = 0, memory: int = 0) -> str:
        library = tmp_path / "libmade.so"
        values = (f"-DINIT={init}", f"-DCOUNT={count}", f"-DMEMORY={memory}")
        command = [compiler, *values, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
        subprocess.run(command, input=SOURCE, text=True, check=True)
        return str(library)

    return make


def test_gpus_have_names_and_memory(driver: Driver) -> None:
    found = probe_gpus(driver(count=2))
    assert found == (
        Gpu("Made 40, of 256 letters", 40 << 30),
        Gpu("Made 41, of 256 letters", 41 << 30),
    )
    assert str(found[0]) == "Made 40, of 256 letters, 40.0 GiB"


@pytest.mark.parametrize("made", [{"count": 0}, {"init": 100, "count": 1}], ids=["count", "start"])
def test_a_driver_may_have_no_gpu(driver: Driver, made: dict[str, int]) -> None:
    assert probe_gpus(driver(**made)) == ()


@pytest.mark.parametrize("made", [{"init": 999}, {"count": 1, "memory": 999}], ids=["start", "memory"])
def test_a_driver_that_does_not_work_is_told(driver: Driver, made: dict[str, int]) -> None:
    with pytest.raises(NoDriver, match=r"does not work \(CUDA error 999\); `nvidia-smi`"):
        probe_gpus(driver(**made))


def test_a_machine_without_a_driver(tmp_path: Path) -> None:
    with pytest.raises(NoDriver, match="there is no NVIDIA driver"):
        probe_gpus(str(tmp_path / "libcuda.so.1"))


def test_a_library_that_is_no_driver_is_told(tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"junk")
    with pytest.raises(NoDriver):
        probe_gpus(str(tmp_path / "libcuda.so.1"))


@needs_gpu
def test_the_gpus_of_this_machine() -> None:
    assert all(gpu.name and gpu.memory > 1 << 30 for gpu in probe_gpus())
