"""Runs a piece of Python in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.support.command import SECONDS


def run_script(*parts: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Runs the parts, each of its own indentation, one after the other."""
    return subprocess.run(
        [sys.executable, "-c", "".join(map(textwrap.dedent, parts))],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
        timeout=SECONDS,
    )
