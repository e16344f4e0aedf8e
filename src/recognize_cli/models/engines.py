"""Which engine runs a model, and in which precision: what ``--engine`` asks for.

Pure: what is installed, what the machine can do and how fast it was are arguments.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recognize_cli.errors import NoUsableEngine
from recognize_cli.models.hashing import BFLOAT16, FLOAT32
from recognize_cli.models.ranking import NOT_MEASURED
from recognize_cli.models.select import engine_of, engines_of, has_distribution, lacking

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.hardware import Cpu
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.ranking import Ranking
    from recognize_cli.models.select import Engine

AUTO = "auto"

_BFLOAT16_ENGINES = ("openvino",)
_BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
_BFLOAT16_HOLDS = frozenset({"efficientnet-lite2", "yunet-sface"})
"""Models that were measured to be as good in bfloat16 (docs/performance.md)."""

_GPU_ENGINES = ("onnxruntime", "insightface")


def engine_for(
    entry: ModelEntry,
    asked: str,
    cpu: Cpu,
    ranking: Ranking = NOT_MEASURED,
    has_package: Callable[[str], bool] = has_distribution,
    gpu: int | None = None,
) -> Engine:
    """The engine for a model.

    `AUTO` takes the one that was found to be the fastest here among those whose scores are the same. One that
    is asked for by name may be taken in a precision with other scores: those of a catalogue are then made
    anew. It is not taken for models that it cannot run. Raises NoUsableEngine where it is not installed.

    With ``gpu`` a model that can runs on the NVIDIA GPU of that number, unless another engine was asked for.
    How fast engines are on the CPU does not count then.
    """
    named = next((each for each in engines_of(entry) if each.name == asked), None)
    first = engines_of(entry)[0]
    if gpu is not None and _runs_on_gpu(first) and named in (None, first):
        return replace(first, gpu=gpu)
    if named is None:
        return engine_of(entry, ranking, has_package)
    obstacle = lacking(named, has_package)
    if obstacle is not None:
        problem = f"{asked} was asked for, but {obstacle}"
        raise NoUsableEngine(recognizer=entry.recognizer, problem=problem)
    fast = named.name in _BFLOAT16_ENGINES and has_bfloat16(cpu)
    return replace(named, precision=BFLOAT16) if fast and entry.name in _BFLOAT16_HOLDS else named


def has_bfloat16(cpu: Cpu) -> bool:
    """Whether a CPU computes in bfloat16 faster than in float32."""
    return any(map(cpu.has, _BFLOAT16_FLAGS))


def _runs_on_gpu(engine: Engine) -> bool:
    """Whether an engine computes on GPUs what it does on the CPU.

    In 8 bits it does not: ONNX Runtime has no convolutions for that in its CUDA provider, and would send each
    layer back and forth.
    """
    return engine.name in _GPU_ENGINES and engine.precision == FLOAT32
