"""What comparisons with peers share: commands and what they cost, turns, and the versions of all parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from recognize_cli.hardware import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of CPU that a command took with all its processes, and its standard output."""

    seconds: float
    cpu_seconds: float
    output: str = ""


@dataclass(frozen=True)
class Round:
    """What all files took once, in seconds: on the clock and of CPU, and on the clock with the start."""

    seconds: float
    cpu_seconds: float
    whole_command: float


def run(command: Sequence[str], given: str = "", **environment: str) -> Cost:
    """What a command costs that reads ``given``; ends this program if it fails."""
    with ExitStack() as files:
        asked, told, complaints = (files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3))
        asked.write(given)
        asked.seek(0)
        started = time.perf_counter()
        settings = {**os.environ, **environment}
        process = subprocess.Popen(command, stdin=asked, stdout=told, stderr=complaints, env=settings)
        _, status, usage = os.wait4(process.pid, 0)  # with the CPU time of children that it waited for
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (told, complaints):
            file.seek(0)
        if process.returncode:
            raise SystemExit(
                f"{' '.join(command[:4])} ended with {process.returncode}: {complaints.read()[-2000:]}"
            )
        return Cost(seconds, usage.ru_utime + usage.ru_stime, told.read())


def python(script: Path, *arguments: str, given: str = "", **environment: str) -> Cost:
    """What a script costs in a Python like this one."""
    return run([sys.executable, str(script), *arguments], given, **environment)


def scan(source: Path, *arguments: str) -> tuple[Cost, list[dict[str, Any]]]:
    """What one whole `recognize scan` costs of files that it does not know, and its records of them."""
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "out.jsonl"
        results = ("--scores", "--format", "jsonl", "-o", str(output))
        catalogue = ("--catalogue", f"{temporary}/catalogue")
        command = [sys.executable, "-m", "recognize_cli", "-q", "scan", str(source), *arguments]
        # What is compared with it is not nicer either.
        cost = run([*command, *results, *catalogue], RECOGNIZE_SCAN_NICE="0")
        records = [json.loads(line) for line in output.read_text().splitlines()]
    return cost, [each for each in records if each["type"] == "file"]


def scan_without_start(
    folder: Path, first: Path, *arguments: str
) -> tuple[tuple[float, float, float], list[dict[str, Any]]]:
    """The numbers of a `Round` of a scan of all files of a folder, and the records of them.

    Its start, which includes the loading of the models, is what a scan of the ``first`` file alone takes.
    What it takes more for all is for one file less, and told for all.
    """
    start, _ = scan(first, *arguments)
    whole, records = scan(folder, *arguments)
    share = len(records) / (len(records) - 1)
    seconds = share * (whole.seconds - start.seconds)
    return (seconds, share * (whole.cpu_seconds - start.cpu_seconds), whole.seconds), records


def in_turns(rounds: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Lets all do their work so many times; each round begins with another."""
    names = list(contenders)
    results: dict[str, list[T]] = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            results[name].append(contenders[name]())
    return results


def times_faster(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The median of the ratios of rounds."""
    return round(float(np.median(np.array(theirs) / np.array(ours))), 2)


def ratios(ours: Sequence[Round], theirs: Sequence[Round]) -> dict[str, float]:
    """How many times as long they take as we, for each of their times."""
    names = {"clock": "seconds", "cpu": "cpu_seconds", "whole_command": "whole_command"}
    return {
        name: times_faster([getattr(each, time) for each in theirs], [getattr(each, time) for each in ours])
        for name, time in names.items()
    }


def milliseconds(rounds: Sequence[Round], files: int) -> dict[str, float]:
    """What one of so many files takes, the medians of rounds."""
    return {
        "clock": median_ms([each.seconds for each in rounds], files),
        "cpu": median_ms([each.cpu_seconds for each in rounds], files),
    }


def median_ms(seconds: Sequence[float], items: int) -> float:
    """Milliseconds of one of so many items, the median of rounds."""
    return round(float(np.median(seconds)) / items * 1e3, 1)


def setting(*distributions: str) -> dict[str, object]:
    """The machine, how busy it is, and the versions of Python distributions."""
    hardware = probe()
    return {
        "cpu": hardware.cpu.model,
        "cores": hardware.cores,
        "load": round(os.getloadavg()[0], 1),
        "versions": {"python": sys.version.split()[0], **{name: _version(name) for name in distributions}},
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
