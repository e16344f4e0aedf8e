"""``--device``: what models run on."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

import click

from recognize_cli.cli.options import option
from recognize_cli.errors import GpuUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_LOG = logging.getLogger(__name__)

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
_GPU = re.compile(rf"{CUDA}(?::(\d{{1,3}}))?", re.ASCII)

ON_CPU: Final = 2
ON_GPU: Final = 8
"""Photos that go through a model together, unless ``--batch-size`` says otherwise: a GPU has more to fill."""


class DeviceType(click.ParamType[str]):
    """``auto``, ``cpu``, ``cuda``, or ``cuda:1`` for the second GPU."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The same text."""
        text = str(value)
        if text not in (AUTO, CPU) and not _GPU.fullmatch(text):
            self.fail(f"{text!r} is not one of {AUTO}, {CPU}, {CUDA}, {CUDA}:N", param, ctx)
        return text

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help shows: the values."""
        return f"{AUTO}|{CPU}|{CUDA}[:N]"


def device_option(command: F) -> F:
    """``--device``, as the parameter `device`; `resolved` turns it into a GPU."""
    return option(
        "--device",
        type=DeviceType(),
        default=CPU,
        section="Resources",
        help="What models run on. An NVIDIA GPU (cuda:1 is the second one) needs onnxruntime-gpu, see"
        " docs/models.md; auto takes it where it works. What TensorFlow or OpenVINO runs and models in 8 bits"
        " stay on the CPU.",
    )(command)


def batch_option(command: F) -> F:
    """``--batch-size``, as the parameter `batch_size`; None unless given, until `resolved`."""
    return option(
        "--batch-size",
        type=click.IntRange(1, 256),
        show_default=f"{ON_CPU}, on a GPU {ON_GPU}",
        section="Resources",
        help="Images that go through a model together.",
    )(command)


def resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a command, with the number of a GPU, `gpu`, in the place of `device`.

    None is the CPU. What depends on it has its default then. Raises GpuUnusable.
    """
    gpu = gpu_for(settings["device"])
    batch_size = settings["batch_size"] or (ON_CPU if gpu is None else ON_GPU)
    others = {name: value for name, value in settings.items() if name != "device"}
    return {**others, "gpu": gpu, "batch_size": batch_size}


def gpu_for(device: str) -> int | None:
    """The number of the GPU to run models on, which was tried; None for the CPU.

    Raises GpuUnusable for one that was asked for and does not work.
    """
    if device == CPU:
        return None
    from recognize_cli.engines.onnx import check_gpu

    match = _GPU.fullmatch(device)
    number = int(match[1] or 0) if match else 0
    try:
        check_gpu(number)
    except GpuUnusable as error:
        if device != AUTO:
            raise
        _LOG.info("using the CPU: %s", error)
        return None
    return number
