"""The options of a scan that say what it may take of the machine."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recognize_cli.cli.devices import batch_option, device_option
from recognize_cli.cli.options import option
from recognize_cli.cli.parameters import Duration, Size
from recognize_cli.cli.priority import UNATTENDED_NICE, IoPriorityType

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_SECTION = "Resources"

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    option(
        "--max-duration",
        type=Duration(),
        section=_SECTION,
        help="Stop cleanly after so long, such as 6h (exit code 10).",
    ),
    option(
        "--timeout",
        type=Duration(),
        default="60s",
        section=_SECTION,
        help="Give a file up whose decoding takes longer.",
    ),
    option(
        "--max-memory",
        type=Size(),
        show_default="90% of the machine or container",
        section=_SECTION,
        help="What the program and its decoders may hold together, such as 700MiB: fewer of them work at a"
        " time, and a file that does not fit is an error of its own.",
    ),
    option(
        "--jobs",
        type=click.IntRange(1, 256),
        show_default="cores",
        section=_SECTION,
        help="Processes that decode files.",
    ),
    option(
        "--threads",
        type=click.IntRange(1, 256),
        show_default="cores",
        section=_SECTION,
        help="Threads that run models.",
    ),
    batch_option,
    device_option,
    option(
        "--nice",
        type=click.IntRange(0, 19),
        show_default=f"{UNATTENDED_NICE} without a terminal, unless the caller set it",
        section=_SECTION,
        help="Be nicer to other processes by so much.",
    ),
    option(
        "--ionice",
        type=IoPriorityType(),
        section=_SECTION,
        help="Read disks only while nobody else does (idle), or after others (best-effort:7). Linux only.",
    ),
)


def resource_options(command: F) -> F:
    """Adds them, as the fields of `ScanOptions` with these names once `devices.resolved` has seen them."""
    return reduce(lambda decorated, add: add(decorated), reversed(_OPTIONS), command)
