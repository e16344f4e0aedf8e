"""Runs the installed command as a user would, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 120
"""After so long a command counts as hanging."""

_KEPT = {"PATH", "LANG", "LC_ALL", "TMPDIR"}
_COMMAND = Path(sys.executable).with_name("recognize")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The records of one type."""
        return [record for record in self.records if record["type"] == type_]

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """The ``file`` records by path; each path stands once."""
        files = self.of("file")
        by_path = {record["path"]: record for record in files}
        assert len(by_path) == len(files)
        return by_path

    @property
    def errors(self) -> dict[str, str]:
        """The reasons of the ``error`` records, by path."""
        return {record["path"]: record["reason"] for record in self.of("error")}

    @property
    def summary(self) -> dict[str, Any]:
        """The last record."""
        last = self.records[-1]
        assert last["type"] == "summary"
        return last


@dataclass
class Recognize:
    """A user with a home, and maybe a store of models."""

    home: Path
    models: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What the command sees: nothing of the tester's own settings."""
        keep = {
            key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "LC_ALL", "TMPDIR"}
        }
        own = {"HOME": str(self.home), "PYTHONWARNINGS": "error"}
        store = {"RECOGNIZE_MODELS": str(self.models)} if self.models else {}
        return {**keep, **own, **store, **self.variables}

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
        """Runs a command to its end."""
        done = subprocess.run(
            [_COMMAND, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=self.environment(),
            cwd=cwd or self.home,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: str | Path, **how: Any) -> subprocess.Popen[bytes]:
        """Starts a command; stdout and stderr are pipes unless `how` says otherwise.

        They hold a page, so that the command cannot run to its end before somebody reads, and are not
        buffered here, for `communicate` would not see what lies in a buffer after `readline`.
        """
        pipes: Mapping[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "bufsize": 0,
            "pipesize": 4096,
        }
        return subprocess.Popen(
            [_COMMAND, *map(str, arguments)], env=self.environment(), cwd=self.home, **{**pipes, **how}
        )


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Waits for something that will happen."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"{what} never happened"
        time.sleep(0.01)
