"""Runs a command and watches what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Holder:
    """A process, what it held (bytes, shared pages counted once), and the media files that it had open."""

    pid: int
    held: float
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """Wall-clock seconds, and the most memory (bytes, shared pages counted once) held at once, or 0.

    ``holders`` are the command and its children as they were then, itself first.
    """

    seconds: float
    peak: float
    holders: tuple[Holder, ...] = ()


def recognize(*arguments: str, memory: bool = True, every: float = 0.5) -> Cost:
    """What one `recognize` command costs, its worker processes included.

    To watch the memory, ``every`` so many seconds, takes a little of the time, so both are not measured at
    once.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "recognize_cli", "-q", *arguments]
    environment = {**os.environ, "RECOGNIZE_SCAN_NICE": "0"}  # what is compared with it is not nicer either
    with subprocess.Popen(command, env=environment) as process:
        holders = _watch(process, every) if memory else ()
    elapsed = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"recognize {arguments[0]} ended with {process.returncode}")
    return Cost(elapsed, _sum(holders), holders)


def _watch(process: subprocess.Popen[bytes], every: float) -> tuple[Holder, ...]:
    """Waits for a process and its children; gives what they were when they held the most."""
    most: tuple[Holder, ...] = ()
    parent = psutil.Process(process.pid)
    while True:
        with suppress(psutil.Error):
            now = tuple(_holder(each) for each in [parent, *parent.children(recursive=True)])
            most = max(most, now, key=_sum)
        try:
            process.wait(every)
        except subprocess.TimeoutExpired:
            continue
        return most


def _sum(holders: tuple[Holder, ...]) -> float:
    return sum(each.held for each in holders)


def _holder(process: psutil.Process) -> Holder:
    try:
        held = float(process.memory_full_info().pss)
        files = tuple(each.path for each in process.open_files())
    except psutil.Error:
        return Holder(process.pid, 0.0)
    return Holder(process.pid, held, files)
