"""How far the program stands back behind others. Processes and threads that it starts later do likewise."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from recognize_cli.errors import ConfigError

if TYPE_CHECKING:
    from psutil import Process

_LOG = logging.getLogger(__name__)

UNATTENDED_NICE: Final = 10
"""The niceness of a scan that nobody waits for. The kernel takes the I/O priority best-effort:6 from it."""

_LEVELS: Final = 8
_IDLE: Final = "idle"
_BEST_EFFORT: Final = "best-effort"


@dataclass(frozen=True, slots=True)
class IoPriority:
    """A class of I/O priority, and the level in it where it has levels: 0 comes first, 7 last."""

    name: str
    level: int = 4

    @property
    def rank(self) -> int:
        """Who has a higher one comes later."""
        return _LEVELS if self.name == _IDLE else self.level


class IoPriorityType(click.ParamType[IoPriority]):
    """``idle``, ``best-effort`` or ``best-effort:0`` to ``best-effort:7``, as ionice(1) has them."""

    name = "class"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> IoPriority:
        """The priority."""
        if isinstance(value, IoPriority):
            return value
        match = re.fullmatch(rf"({_IDLE}|{_BEST_EFFORT}(?::([0-7]))?)", str(value))
        if match is None:
            self.fail(
                f"{value!r} is neither idle nor best-effort nor best-effort:0 to best-effort:7", param, ctx
            )
        name = str(value).partition(":")[0]
        return IoPriority(name, int(match[2])) if match[2] else IoPriority(name)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help shows."""
        return f"{_IDLE}|{_BEST_EFFORT}[:0-7]"


def stand_back(nice: int | None, io: IoPriority | None) -> None:
    """Makes this process nicer by so much, and gives it that I/O priority unless it comes later already.

    With None for ``nice`` a run without a terminal (cron, systemd, a script) becomes nicer by
    `UNATTENDED_NICE`, unless its caller saw to that. Raises ConfigError where there is no I/O priority.
    On Linux each thread has its own; those that there are get it here, and later ones take it from these.
    """
    if nice is None:
        nice = UNATTENDED_NICE if _unattended() and os.getpriority(os.PRIO_PROCESS, 0) == 0 else 0
        if nice:
            _LOG.info("there is no terminal, so nobody waits: nicer by %d (--nice 0 prevents that)", nice)
    for task in _tasks():
        if nice:
            os.setpriority(os.PRIO_PROCESS, task, os.getpriority(os.PRIO_PROCESS, task) + nice)
        if io is not None:
            _stand_back_at_disks(io, task)


def _tasks() -> list[int]:
    """The threads of this process, as Linux numbers them; elsewhere the process."""
    try:
        return [int(task) for task in os.listdir("/proc/self/task")]
    except OSError:
        return [os.getpid()]


def _unattended() -> bool:
    return not any(map(os.isatty, (0, 1, 2)))


def _stand_back_at_disks(io: IoPriority, task: int) -> None:
    import psutil

    process = psutil.Process(task)
    if not hasattr(process, "ionice"):
        raise ConfigError(where="--ionice", problem="only Linux has I/O priorities; leave it out")
    try:
        if io.rank <= _rank(process):
            return
        if io.name == _IDLE:
            process.ionice(psutil.IOPRIO_CLASS_IDLE)
        else:
            process.ionice(psutil.IOPRIO_CLASS_BE, io.level)
    except (psutil.Error, OSError) as error:
        raise ConfigError(where="--ionice", problem=f"this system does not allow it ({error})") from error


def _rank(process: Process) -> int:
    """The rank of what a process has; where nobody chose a class, the kernel goes by the niceness."""
    import psutil

    now = process.ionice()
    if now.ioclass == psutil.IOPRIO_CLASS_IDLE:
        return _LEVELS
    if now.ioclass == psutil.IOPRIO_CLASS_BE:
        return int(now.value)
    return -1
