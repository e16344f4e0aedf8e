"""Standard streams that fail in an orderly way.

A reader that leaves (``recognize ... | head``) ends the run quietly, a full disk under stdout is an error
that says so, and messages that cannot be written to stderr cost nothing. Python's own streams report
such failures once more at exit, or only there.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from recognize_cli.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import ReadableBuffer

_STDIN, _STDOUT, _STDERR = range(3)
_SHOWN_AS_ESCAPE = "backslashreplace"


class OutputClosed(BrokenPipeError):
    """Nobody reads stdout any more."""


class ResultWriter(io.BufferedWriter):
    """A file that results go to; a failure says where.

    Failures are caught here and not in the raw file below: an exception out of a signal handler that
    strikes in Python code below a buffer makes the buffer write the same bytes twice.
    """

    def __init__(self, descriptor: int, where: str | Path, *, closefd: bool = True) -> None:
        super().__init__(io.FileIO(descriptor, "w", closefd=closefd))
        self._where = where

    def write(self, data: ReadableBuffer, /) -> int:
        """Raises OutputClosed where the reader of a pipe is gone, else OutputError."""
        with self._reported():
            return super().write(data)

    def flush(self) -> None:
        """Raises as `write` does."""
        with self._reported():
            super().flush()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError as error:
            raise OutputClosed(*error.args) from error
        except OSError as error:
            raise OutputError(where=self._where, problem=error.strerror or error) from error


class _MessageWriter(io.BufferedWriter):
    """A file that messages go to; what cannot be written is lost."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Never raises."""
        with suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Never raises."""
        with suppress(OSError):
            super().flush()


def harden_standard_streams() -> None:
    """Replaces sys.stdout and sys.stderr; opens descriptors 0 to 2 that the caller closed.

    Else the first file that the program opens, the catalogue say, would become its stdout.
    """
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            # Takes the lowest free number, so this very one. Results must fail rather than vanish.
            os.open(os.devnull, os.O_RDONLY if descriptor == _STDOUT else os.O_RDWR)
    encodings = [stream.encoding if stream else None for stream in (sys.stdout, sys.stderr)]
    results = ResultWriter(_STDOUT, "standard output", closefd=False)
    messages = _MessageWriter(io.FileIO(_STDERR, "w", closefd=False))
    sys.stdout = text_stream(results, encoding=encodings[0])
    sys.stderr = text_stream(messages, encoding=encodings[1], by_line=True)


def settle_results() -> None:
    """Writes what stdout still holds. Where that fails it goes nowhere, so that the exit is silent."""
    try:
        sys.stdout.flush()
    except (OutputClosed, OutputError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDOUT)
        os.close(nowhere)


def text_stream(
    buffer: io.BufferedWriter, *, encoding: str | None = "utf-8", by_line: bool = False
) -> io.TextIOWrapper:
    """Text over bytes; what the encoding lacks becomes an escape. A terminal gets each line at once."""
    line_buffering = by_line or buffer.isatty()
    return io.TextIOWrapper(buffer, encoding, errors=_SHOWN_AS_ESCAPE, line_buffering=line_buffering)
