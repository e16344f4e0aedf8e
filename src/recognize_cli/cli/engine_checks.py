"""What `recognize doctor` finds of the engines: which there are, whether they work, what they run on."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.cli.checks import Check, State
from recognize_cli.engines import CUDA_LIBRARY, NO_TELEMETRY
from recognize_cli.errors import ExitCode
from recognize_cli.gpus import NoDriver, probe_gpus
from recognize_cli.models.engines import has_bfloat16
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.hardware import Cpu, Hardware

_SECONDS = 60
_PACKAGE = "onnxruntime"
_FOR_GPUS = "onnxruntime-gpu"
_CHECK_GPU = """
import sys
from recognize_cli.engines.onnx import check_gpu
from recognize_cli.errors import GpuUnusable
try:
    check_gpu(0)
except GpuUnusable as error:
    sys.exit(error.details["problem"])
"""


def engines(hardware: Hardware) -> Iterator[Check]:
    """ONNX Runtime, which nearly every model needs, and CUDA; the others, unimported; place names."""
    yield _onnxruntime(hardware)
    yield _cuda()
    yield _tensorflow(hardware)
    yield _openvino(hardware.cpu)
    yield _places()


def _onnxruntime(hardware: Hardware) -> Check:
    name = _PACKAGE
    found = {each: version for each in (name, _FOR_GPUS) if (version := installed_version(each))}
    if not found or find_spec(name) is None:
        remedy = "pip install onnxruntime"
        if hardware.libc.name == "musl":
            remedy = "there is no wheel for musl: use the distribution's package, or a system with glibc"
        return Check(name, "not installed", State.BAD, remedy, ExitCode.ENGINE)
    releases = " and ".join(
        version if each == name else f"{each} {version}" for each, version in found.items()
    )
    problem = _tried(f"import {name}", "cannot be imported")
    if problem:
        remedy = "pip install --force-reinstall onnxruntime, or another release of it"
        return Check(name, f"{releases}, which {problem}", State.BAD, remedy, ExitCode.ENGINE)
    if len(found) > 1:
        remedy = f"pip uninstall {name} {_FOR_GPUS}, then pip install one of them"
        mixed = f"{releases}, which overwrite each other: the last one that was installed runs"
        return Check(name, mixed, State.WARNING, remedy)
    return Check(name, releases)


def _cuda() -> Check:
    """Whether models can run on an NVIDIA GPU. A warning only where somebody has prepared for it."""
    name = "cuda"
    try:
        gpus = [f"{number}: {gpu}" for number, gpu in enumerate(probe_gpus())]
        found = "; ".join(gpus) or "the NVIDIA driver finds no GPU"
    except NoDriver as error:
        gpus, found = [], str(error)
    spec = find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    if not any(Path(folder, CUDA_LIBRARY).exists() for folder in folders):
        hint = f"; {_FOR_GPUS} would use it (docs/models.md, 'NVIDIA GPUs')" if gpus else ""
        return Check(name, f"not used: {found}{hint}")
    problem = _tried(_CHECK_GPU, "does not work")
    if problem is None:
        return Check(name, f"works with --device cuda: {found}")
    remedy = f"see 'NVIDIA GPUs' in docs/models.md, or put {_PACKAGE} in the place of {_FOR_GPUS}"
    return Check(name, f"{found}; {_FOR_GPUS} is installed, and {problem}", State.WARNING, remedy)


def _tried(code: str, failing: str) -> str | None:
    """What is wrong with Python code that is ``failing`` where it raises something; None if it runs.

    In a process of its own, because on a CPU that it was not built for ONNX Runtime dies of a signal.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **NO_TELEMETRY},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"cannot be tried: {error}"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"dies of signal {-done.returncode}"
    return f"{failing}: {(done.stderr.strip().splitlines() or [''])[-1]}"


def _openvino(cpu: Cpu) -> Check:
    name = "openvino"
    release = installed_version(name)
    if release is None:
        return Check(
            name, "not installed; some CPUs are faster with it (pip install 'recognize-cli[openvino]')"
        )
    bfloat16 = ", in bfloat16 where asked for with --engine openvino" if has_bfloat16(cpu) else ""
    return Check(name, f"{release}{bfloat16}")


def _places() -> Check:
    name, table = "places", installed_version("reverse-geocode")
    if table is None or installed_version("babel") is None:
        return Check(name, "not installed; only -r places needs it (pip install 'recognize-cli[places]')")
    return Check(name, f"reverse-geocode {table}")


def _tensorflow(hardware: Hardware) -> Check:
    name = "tensorflow"
    install = "pip install 'recognize-cli[native]'"
    release = installed_version(name) or installed_version("tensorflow-cpu")
    hub = installed_version("tensorflow-hub")
    if hardware.cpu.architecture.lower() in ("x86_64", "amd64") and not hardware.cpu.has("avx"):
        if release is None:
            return Check(name, "not installed, and of no use on a CPU without AVX")
        remedy = "leave it: ONNX Runtime does the work"
        return Check(name, f"{release}, which dies on a CPU without AVX", State.WARNING, remedy)
    if release is None:
        return Check(name, f"not installed; only full-size models of actions need it ({install})")
    if hub is None:
        return Check(name, f"{release}, of no use without tensorflow-hub", State.WARNING, install)
    if find_spec("pkg_resources") is None:
        found = f"{release}, tensorflow-hub {hub}, which needs a setuptools older than 82"
        return Check(name, found, State.WARNING, install)
    return Check(name, f"{release}, tensorflow-hub {hub}")
