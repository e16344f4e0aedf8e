"""Messages on stderr: how many, and how a line looks.

A person at a terminal reads plain lines, coloured; a log file gets a time and a level on each. The
journal of systemd adds the time itself.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recognize_cli.cli.output import styler
from recognize_cli.naming import printable
from recognize_cli.secret import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

PACKAGE = "recognize_cli"
_OTHERS_FROM = 2
_CHATTY = "urllib3"
"""Warns of each attempt that failed; what comes of it in the end is told by us."""
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


@contextmanager
def logging_to_stderr(verbosity: int) -> Iterator[None]:
    """Within it, messages go to stderr.

    `verbosity`: at -2 only errors, at -1 also warnings, at 0 also what is worth knowing, at 1 all of
    this program, at 2 also those of libraries and Python's own warnings.
    """
    handler = _Handler(sys.stderr)
    loggers = [logging.getLogger(name) for name in ("", PACKAGE, "py.warnings", _CHATTY)]
    root, own, warnings, chatty = loggers
    before = [(logger, logger.level) for logger in loggers]
    everything = verbosity >= _OTHERS_FROM
    root.setLevel(logging.DEBUG if everything else logging.WARNING)
    chatty.setLevel(logging.DEBUG if everything else logging.ERROR)
    own.setLevel(_LEVELS[min(max(verbosity, -2), 1) + 2])
    warnings.setLevel(logging.WARNING if everything else logging.CRITICAL)
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        for logger, level in before:
            logger.setLevel(level)


class _Handler(logging.StreamHandler["TextIO"]):
    """Writes a record as one line, above a progress bar if there is one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(_Formatter(stream, os.environ))

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record; a stream that cannot take it loses it."""
        bars = sys.modules.get("tqdm")
        if bars is None:
            super().emit(record)
            return
        try:
            bars.tqdm.write(self.format(record), file=self.stream)
        except Exception:  # noqa: BLE001 - logging's own way: handleError decides what becomes of it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing can be said where nothing can be written."""


class _Formatter(logging.Formatter):
    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S%z")
        self._style_text = styler(stream)
        self._dated = not stream.isatty() and not _is_journal(stream, environment)

    def format(self, record: logging.LogRecord) -> str:
        """``2026-05-01T10:00:00+0200 warning: message``; the time in files, the level if it matters.

        Secrets that strayed into it are hidden.
        """
        message = printable(redacted(record.getMessage()))
        if record.levelno != logging.INFO or self._dated:
            level = record.levelname.lower()
            message = f"{self._style_text(f'{level}:', level)} {message}"
        if self._dated:
            message = f"{self.formatTime(record, self.datefmt)} {message}"
        if record.exc_info:
            trace = redacted(self.formatException(record.exc_info))
            message = "\n".join([message, *(printable(line) for line in trace.splitlines())])
        return message


def _is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream goes to systemd's journal, which names its device and inode in a variable."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # not a file at all
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
