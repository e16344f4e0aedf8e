"""What runs models: one file a runtime, which is imported when a model is opened.

Here is what those share that run on ONNX Runtime.
"""

from __future__ import annotations

import ctypes
import io
import os
import re
import threading
from contextlib import nullcontext, redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recognize_cli.heap import trim

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from onnxruntime import InferenceSession

NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""Official builds report to their makers unless this is set before the import (their Privacy.md)."""

CUDA_LIBRARY = Path("capi", "libonnxruntime_providers_cuda.so")
"""What ONNX Runtime computes on NVIDIA GPUs with, in its folder; releases for CPUs have none."""

_FATAL_ONLY = 4
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

_CUDA_OPTIONS = {
    # In TF32 products have 10 bits: scores would no longer be those of the CPU, which catalogues keep.
    "use_tf32": "0",
    # The default tries all algorithms for each new shape of an input, and takes now one, now another.
    "cudnn_conv_algo_search": "HEURISTIC",
    # The default takes twice the memory at each step, which is not given back to others on the GPU.
    "arena_extend_strategy": "kSameAsRequested",
}

_INSTALL = "`pip install 'onnxruntime-gpu[cuda,cudnn]'`"

_CALLS_ON_GPU = 2
"""Runs of a session at a time on a GPU: while one computes, another may copy. More only take more memory."""

_GPU_FAILURE = re.compile(r"\b(?:CUDA|CUDNN\w*|CUBLAS\w*) failure .*?(?= ;|$)", re.MULTILINE)

_FIRST = threading.Lock()
"""Held while the arena is made."""

_IDENTITY = (
    b'\x08\x07:6\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x00Z\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08'
    b"\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)
"""An ONNX file: y, one float, is x."""


def open_session(model: Path | bytes, threads: int, gpu: int | None = None) -> InferenceSession:
    """A model in ONNX Runtime, on the CPU, or on the NVIDIA GPU of a number.

    ``threads`` are those inside one run. Raises ImportError, and what `runtime_errors` lists: RuntimeError
    where the GPU cannot be used.
    """
    os.environ.update(NO_TELEMETRY)
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # Idle threads that spin would take the cores that the decoders need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if gpu is None:
        _share_arena(options)
    # What is to fall back would say so on stdout, among the results, and go on with the CPU.
    session = ort.InferenceSession(
        model if isinstance(model, bytes) else str(model),
        sess_options=options,
        providers=_providers(ort, gpu),
        enable_fallback=0,
    )
    session.disable_fallback()  # which releases that do not know the option take
    if gpu is not None and _CUDA not in session.get_providers():
        raise RuntimeError(_why_no_cuda(ort))
    trim()  # to read a model takes twice its size besides
    return session


def shrink_arena() -> None:
    """Gives back to the system what no model uses of the memory that all of them share.

    ONNX Runtime does that at the end of a run only: here one of a model that hands a number on.
    """
    import numpy as np
    import onnxruntime as ort

    wish = ort.RunOptions()
    wish.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    open_session(_IDENTITY, 1).run(None, {"x": np.zeros(1, np.float32)}, wish)


def turns(gpu: int | None) -> AbstractContextManager[object]:
    """What each run of a model enters, so that no more of them work on a GPU at a time than is of use."""
    return nullcontext() if gpu is None else threading.BoundedSemaphore(_CALLS_ON_GPU)


def runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: its own classes, none of which share a base, and those of its binding."""
    os.environ.update(NO_TELEMETRY)
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [
        value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    return (*own, RuntimeError, ValueError, MemoryError)


def first_line(error: Exception) -> str:
    """What an error says, on one line; of one on a GPU only that, not where in ONNX Runtime's own code."""
    failure = _GPU_FAILURE.search(str(error))
    return failure[0] if failure else (str(error).strip().splitlines() or [type(error).__name__])[0]


def _share_arena(options: Any) -> None:
    """Has a model take what passes between its layers from one arena, which keeps what it was once given.

    So that grows to what those take that run at a time, and not to the sum of what each model ever took.
    """
    with _FIRST:
        _make_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.enable_mem_pattern = False  # else a run takes its memory in one piece that fits no other model


@cache
def _make_arena() -> None:
    import onnxruntime as ort

    where = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(where, None)


def _providers(ort: Any, gpu: int | None) -> list[str | tuple[str, dict[str, str]]]:
    """What is to run a model, operation by operation: what CUDA has no code for is left to the CPU."""
    if gpu is None:
        return [_CPU]
    if _CUDA not in ort.get_available_providers():
        raise RuntimeError(
            "the ONNX Runtime that is installed is for CPUs only;"
            f" `pip uninstall onnxruntime onnxruntime-gpu`, then {_INSTALL}"
        )
    _load_libraries(ort)
    return [(_CUDA, {**_CUDA_OPTIONS, "device_id": str(gpu)}), _CPU]


@cache
def _load_libraries(ort: Any) -> None:
    """Loads the libraries of CUDA that pip installed, which the system's loader does not find."""
    ort.set_default_logger_severity(_FATAL_ONLY)
    preload = getattr(ort, "preload_dlls", None)  # as of 1.21
    if preload is not None:
        with redirect_stdout(io.StringIO()):  # where it tells what is missing, see `_why_no_cuda`
            preload()


def _why_no_cuda(ort: Any) -> str:
    """Why ONNX Runtime silently took the CPU: it says so in its log only."""
    try:
        ctypes.CDLL(str(Path(ort.__file__).parent / CUDA_LIBRARY))
    except OSError as error:
        remedy = "install the NVIDIA driver" if "libcuda.so" in str(error) else _INSTALL
        return f"{error}; {remedy}"
    return "ONNX Runtime took the CPU in its place"
