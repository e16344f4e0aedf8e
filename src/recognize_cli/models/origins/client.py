"""Runs a package manager of the machine: its own configuration decides where packages come from."""

from __future__ import annotations

import subprocess
from threading import Thread
from typing import TYPE_CHECKING

from recognize_cli.models.origins.order import OriginFailed
from recognize_cli.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LINES = 2
_NOISE = ("warning:", "npm warn", "npm notice")


def run_client(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda _line: None,
) -> None:
    """Runs the command within `folder`; nothing of it reaches our own stdout or stderr.

    Each line of its output goes to `on_line`. Raises OriginFailed with the first and last lines of
    its complaint if it cannot be run or fails. It is killed if this call is interrupted.
    """
    complaint: list[str] = []
    with _started(command, folder, environment) as process:
        listener = Thread(target=complaint.extend, args=(process.stderr,))
        listener.start()
        try:
            for line in process.stdout or ():
                on_line(line)
        except BaseException:
            process.kill()
            raise
        finally:
            listener.join()
    if process.returncode:
        raise OriginFailed(_in_short(complaint) or f"it ended with status {process.returncode}")


def _started(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=without_secrets(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise OriginFailed(f"cannot run {command[0]}: {error.strerror or error}") from error


def _in_short(complaint: Sequence[str]) -> str:
    """The lines that matter: npm tells the cause first, pip last."""
    stripped = [line.strip() for line in complaint]
    telling = [line for line in stripped if line and not line.lower().startswith(_NOISE)]
    if len(telling) > 2 * _LINES:
        telling = [*telling[:_LINES], "...", *telling[-_LINES:]]
    return " | ".join(telling)
