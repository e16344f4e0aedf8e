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
class Cost:
    """Wall-clock seconds, and the most memory (bytes, shared pages counted once) held at once, or 0."""

    seconds: float
    peak: float


def recognize(*arguments: str, memory: bool = True) -> Cost:
    """What one `recognize` command costs, its worker processes included.

    To watch the memory takes a little of the time, so both are not measured at once.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "recognize_cli", "-q", *arguments]
    environment = {**os.environ, "RECOGNIZE_SCAN_NICE": "0"}  # what is compared with it is not nicer either
    with subprocess.Popen(command, env=environment) as process:
        peak = _watch(process) if memory else 0.0
    elapsed = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"recognize {arguments[0]} ended with {process.returncode}")
    return Cost(elapsed, peak)


def _watch(process: subprocess.Popen[bytes]) -> float:
    """Waits for a process and its children; asking costs CPU time, so not often."""
    peak = 0.0
    parent = psutil.Process(process.pid)
    while True:
        with suppress(psutil.Error):
            peak = max(peak, sum(_memory(each) for each in [parent, *parent.children(recursive=True)]))
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
        return peak


def _memory(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except psutil.Error:
        return 0.0
