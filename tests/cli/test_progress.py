"""Progress is a bar on a terminal, and lines in a log; checked on a real terminal, made by the system."""

from __future__ import annotations

import fcntl
import logging
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from recognize_cli.cli.progress import LogLines, above_bar, file_progress
from tests.cli.running import PROGRAM, REPOSITORY, clean_environment, run

if TYPE_CHECKING:
    from pathlib import Path

BAR = re.compile(r"scan: +\d+ files")
RESULTS = ["result 0", "result 1", "result 2"]


def on_terminal(home: Path, *arguments: str) -> tuple[str, int]:
    """Everything that a program shows on a terminal of 80 columns, and how it ends."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = clean_environment(home, {"TERM": "xterm", "NO_COLOR": "1"})
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, cwd=REPOSITORY, env=env
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            chunk = os.read(main, 4096)
        except OSError:  # how Linux says that the last user of the terminal is gone
            chunk = b""
        if not chunk:
            break
        shown += chunk
    os.close(main)
    return shown.decode(), process.wait()


def screen(shown: str) -> list[str]:
    """The lines that are left on the screen at the end: a carriage return starts a line anew."""
    lines = []
    for raw in shown.replace("\r\n", "\n").split("\n"):
        line = ""
        for part in raw.split("\r"):
            line = part + line[len(part) :]
        lines.append(line.rstrip())
    return [line for line in lines if line]


def test_a_terminal_shows_a_bar_that_leaves_nothing_behind(tmp_path: Path) -> None:
    shown, code = on_terminal(tmp_path, "bar")
    assert code == 0
    assert BAR.search(shown)
    assert "1 failed" in shown
    assert re.search(r"a-model: +50%", shown)
    messages = [f"warning: message {number}" for number in range(3)]
    assert screen(shown) == [line for pair in zip(RESULTS, messages, strict=True) for line in pair]


@pytest.mark.parametrize("option", ["-q", "--no-progress"])
def test_a_terminal_shows_no_bar_to_those_who_want_none(tmp_path: Path, option: str) -> None:
    shown, _ = on_terminal(tmp_path, "bar", option)
    assert not BAR.search(shown)
    assert [line for line in screen(shown) if line.startswith("result")] == RESULTS


def test_there_is_no_bar_elsewhere(tmp_path: Path) -> None:
    done = run(PROGRAM, "bar", home=tmp_path)
    assert done.stdout.splitlines() == RESULTS
    assert "scan:" not in done.stderr
    assert "info: fetching a-model" in done.stderr
    assert "\r" not in done.stderr


def test_a_bar_elsewhere_if_asked_for(tmp_path: Path) -> None:
    done = run(PROGRAM, "bar", "--progress", home=tmp_path)
    assert BAR.search(done.stderr)
    assert done.stdout.splitlines() == RESULTS


def test_a_log_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0

    def clock() -> float:
        return now

    caplog.set_level(logging.INFO)
    progress = LogLines(clock)
    for second in range(1, 181):
        now = 1000.0 + second
        progress.advance(failed=second == 100, unchanged=second <= 50)
    progress.close()
    assert caplog.messages == [
        "60 files so far, 1.0 a second, 50 unchanged",
        "120 files so far, 1.0 a second, 50 unchanged, 1 failed",
        "180 files so far, 1.0 a second, 50 unchanged, 1 failed",
    ]


def test_without_a_terminal_the_progress_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w") as nowhere:
        monkeypatch.setattr(sys, "stderr", nowhere)
        assert isinstance(file_progress(None), LogLines)
        assert above_bar(sys.stdout) is sys.stdout
