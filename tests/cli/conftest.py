"""Calls command lines within the test's own process, in a clean environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from recognize_cli.cli.process import run
from tests.cli.running import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import click


@dataclass(frozen=True)
class Called:
    """How a command line ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Called]:
    """``call(root, "doctor", env={...})``; the test's folder is the user's home."""
    for name in os.environ.keys() - clean_environment(tmp_path).keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RECOGNIZE_SCAN_NICE", "0")  # the command runs in this process, for all tests to come

    def called(command: click.Command, *arguments: str, env: dict[str, str] | None = None) -> Called:
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capsys.readouterr()
            code = run(command, arguments)
        return Called(code, *capsys.readouterr())

    return called
