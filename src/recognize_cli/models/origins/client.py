"""Runs a package manager of the machine: its own configuration decides where packages come from."""

from __future__ import annotations

import subprocess
import tempfile
from typing import TYPE_CHECKING

from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LINES = 2


def run_client(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda _line: None,
) -> None:
    """Runs the command within `folder`; nothing of it reaches our own stdout or stderr.

    Each line of its output goes to `on_line`. Raises OriginFailed with the first and last
    lines of its complaint if it cannot be run or fails. It is killed if this call is interrupted.
    """
    with tempfile.TemporaryFile(dir=folder) as complaint:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise OriginFailed(f"cannot run {command[0]}: {error.strerror or error}") from error
        with process:
            try:
                for line in process.stdout or ():
                    on_line(line)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            complaint.seek(0)
            raise OriginFailed(_complaint(complaint.read().decode("utf-8", "replace"), process.returncode))


def _complaint(text: str, status: int) -> str:
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if line and not line.lower().startswith(("warning:", "npm warn"))]
    if len(telling) > 2 * _LINES:  # npm tells the cause first, pip last
        telling = [*telling[:_LINES], "...", *telling[-_LINES:]]
    return " | ".join(telling) or f"it ended with status {status}"
