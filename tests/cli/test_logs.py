from __future__ import annotations

import io
import logging
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from recognize_cli.cli.logs import logging_to_stderr
from tests.cli.program import root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Called

OURS = logging.getLogger("recognize_cli.made")
LIBRARY = logging.getLogger("some.library")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def messages(verbosity: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    with logging_to_stderr(verbosity):
        for logger in (OURS, LIBRARY):
            for level in (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG):
                logger.log(level, "%s %s", logger.name[:4], logging.getLevelName(level))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (-9, ["error: reco ERROR"]),
        (-2, ["error: reco ERROR"]),
        (-1, ["error: reco ERROR", "warning: reco WARNING"]),
        (0, ["error: reco ERROR", "warning: reco WARNING", "reco INFO"]),
        (1, ["error: reco ERROR", "warning: reco WARNING", "reco INFO", "debug: reco DEBUG"]),
    ],
)
def test_how_much_is_said(verbosity: int, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    library = ["error: some ERROR", "warning: some WARNING"]
    assert messages(verbosity, monkeypatch) == [*expected, *library]


def test_twice_verbose_lets_libraries_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "debug: some DEBUG" in messages(2, monkeypatch)


def test_everything_is_as_before_afterwards() -> None:
    top = logging.getLogger()
    own = logging.getLogger("recognize_cli")
    before = (top.level, list(top.handlers), own.level, warnings.showwarning)
    with logging_to_stderr(2):
        assert len(top.handlers) == len(before[1]) + 1
    assert (top.level, list(top.handlers), own.level, warnings.showwarning) == before


def test_python_s_own_warnings_are_for_the_curious(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for verbosity in (1, 2):
            with logging_to_stderr(verbosity):
                warnings.warn("a library is worried", stacklevel=1)
    assert stream.getvalue().count("UserWarning") == 1


def test_a_log_file_gets_times_and_levels(call: Callable[..., Called]) -> None:
    lines = call(root, "values").stderr.splitlines()
    assert [re.sub(TIME, "TIME", line) for line in lines] == [
        "TIME error: an error",
        "TIME warning: a warning",
        "TIME info: an information",
    ]


def test_the_journal_gets_no_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        monkeypatch.setattr(sys, "stderr", stream)
        with logging_to_stderr(0):
            OURS.info("hello")
        stream.seek(0)
        assert stream.read() == "hello\n"


def test_a_message_stays_one_line_without_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with logging_to_stderr(0):
        OURS.info("gone %s", "\x1b[2J\nrecognize: error: forged \udce9")
    assert stream.getvalue() == "gone \\x1b[2J\\nrecognize: error: forged \ufffd\n"


def test_tracebacks_keep_their_lines_and_lose_their_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with logging_to_stderr(0):
        try:
            raise ValueError("\x1b[2J")
        except ValueError:
            OURS.exception("it failed")
    lines = stream.getvalue().splitlines()
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: \\x1b[2J"


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        ([], {}, 3),
        (["-q"], {}, 2),
        (["-qq"], {}, 1),
        (["-v"], {}, 4),
        ([], {"RECOGNIZE_QUIET": "2"}, 1),
        ([], {"RECOGNIZE_VERBOSE": "1"}, 4),
        (["-v"], {"RECOGNIZE_QUIET": "2"}, 4),
        (["-vq"], {"RECOGNIZE_QUIET": "2"}, 3),
    ],
)
def test_verbosity_before_and_after_the_name(
    call: Callable[..., Called], arguments: list[str], env: dict[str, str], said: int
) -> None:
    for line in ([*arguments, "values"], ["values", *arguments]):
        assert len(call(root, *line, env=env).stderr.splitlines()) == said


def test_both_places_add_up(call: Callable[..., Called]) -> None:
    assert "a library speaks" in call(root, "-v", "values", "-v").stderr


def test_verbosity_in_the_config_file(call: Callable[..., Called], tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("quiet = true\n")
    arguments = ["--config", str(file), "values"]
    assert len(call(root, *arguments).stderr.splitlines()) == 2
    assert len(call(root, *arguments, "-v").stderr.splitlines()) == 4
