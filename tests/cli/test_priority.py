from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import psutil
import pytest

from recognize_cli.cli.priority import IoPriority, IoPriorityType, stand_back
from recognize_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has I/O priorities")

_REPORT = """
import os, psutil
from recognize_cli.cli.priority import *
stand_back({nice!r}, {io!r})
print(os.nice(0), *(psutil.Process().ionice() if hasattr(psutil.Process, "ionice") else ()))
"""


def priorities(
    nice: int | None, io: IoPriority | None, before: Callable[[], object] | None = None, terminal: int = -1
) -> list[int]:
    """Niceness, I/O class and level of a process that stood back; ``terminal`` is its stdin."""
    told = subprocess.run(
        [sys.executable, "-c", _REPORT.format(nice=nice, io=io)],
        stdin=subprocess.DEVNULL if terminal < 0 else terminal,
        capture_output=True,
        text=True,
        preexec_fn=before,
        check=True,
    )
    return [int(word) for word in told.stdout.split()]


own = pytest.mark.skipif(os.nice(0) != 0, reason="the tests themselves stand back")


@own
def test_a_run_without_a_terminal_stands_back() -> None:
    assert priorities(None, None)[0] == 10


@own
def test_a_run_on_a_terminal_does_not() -> None:
    ours, theirs = pty.openpty()
    try:
        assert priorities(None, None, terminal=theirs)[0] == 0
    finally:
        os.close(ours)
        os.close(theirs)


@own
@pytest.mark.parametrize(("nice", "end"), [(None, 3), (0, 3), (4, 7), (19, 19)])
def test_what_the_caller_chose_is_never_undone(nice: int | None, end: int) -> None:
    assert priorities(nice, None, before=lambda: os.nice(3))[0] == end


@own
def test_zero_means_zero() -> None:
    assert priorities(0, None)[0] == 0


IDLE, BEST_EFFORT = 3, 2


@linux
@pytest.mark.parametrize(
    ("io", "end"),
    [
        (IoPriority("idle"), [IDLE, 0]),
        (IoPriority("best-effort"), [BEST_EFFORT, 4]),
        (IoPriority("best-effort", 7), [BEST_EFFORT, 7]),
    ],
)
def test_the_priority_at_disks(io: IoPriority, end: list[int]) -> None:
    assert priorities(0, io)[1:] == end


@linux
def test_a_priority_at_disks_is_never_raised() -> None:
    def idle() -> None:
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)

    def low() -> None:
        psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 6)

    assert priorities(0, IoPriority("best-effort", 0), before=idle)[1:] == [IDLE, 0]
    assert priorities(0, IoPriority("best-effort", 0), before=low)[1:] == [BEST_EFFORT, 6]
    assert priorities(0, IoPriority("best-effort", 7), before=low)[1:] == [BEST_EFFORT, 7]


def test_where_there_are_none_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil.Process, "ionice", raising=False)
    with pytest.raises(ConfigError, match="only Linux"):
        stand_back(0, IoPriority("idle"))


@linux
def test_what_the_system_forbids_is_an_error_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "ionice", forbidden)
    with pytest.raises(ConfigError, match="--ionice: this system does not allow it"):
        stand_back(0, IoPriority("idle"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("idle", IoPriority("idle")),
        ("best-effort", IoPriority("best-effort", 4)),
        ("best-effort:0", IoPriority("best-effort", 0)),
    ],
)
def test_how_it_is_written(text: str, value: IoPriority) -> None:
    assert IoPriorityType().convert(text, None, None) == value
    assert IoPriorityType().convert(value, None, None) == value


@pytest.mark.parametrize("text", ["", "IDLE", "idle:1", "best-effort:8", "best-effort:", "realtime", "3"])
def test_what_it_cannot_be(text: str) -> None:
    with pytest.raises(click.BadParameter, match="neither idle nor best-effort"):
        IoPriorityType().convert(text, None, None)
