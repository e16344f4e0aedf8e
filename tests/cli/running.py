"""Runs the installed `recognize`, or the made program beside this file, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]
RECOGNIZE = [str(Path(sys.executable).with_name("recognize"))]
PROGRAM = [sys.executable, "-m", "tests.cli.program"]
_SECONDS = 60


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without anything that changes what the program does."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RECOGNIZE_", "XDG_", "LC_", "PYTEST", "COV_"))
        and name not in {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "JOURNAL_STREAM", "LANG"}
    }
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", **(extra or {})}


def run(
    command: list[str], *arguments: str, home: Path, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command line to its end, with its output as text."""
    return subprocess.run(
        [*command, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=clean_environment(home, env),
        timeout=_SECONDS,
        check=False,
    )


def start(command: list[str], *arguments: str, home: Path, **pipes: int) -> subprocess.Popen[bytes]:
    """Starts a command line."""
    return subprocess.Popen([*command, *arguments], cwd=REPOSITORY, env=clean_environment(home), **pipes)
