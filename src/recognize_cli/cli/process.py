"""From a command line to an exit code: runs a command and turns whatever ends it into one.

Click's own `main` is not used: it takes every broken pipe for stdout's, exits 1 on it and on Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.invocation import Invocation
from recognize_cli.cli.streams import OutputClosed, settle_results
from recognize_cli.errors import ExitCode, RecognizeError
from recognize_cli.interrupt import Terminated, signals_as_exceptions
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "recognize"
COMPLETION_VARIABLE = "_RECOGNIZE_COMPLETE"
DEBUG_VARIABLE = "RECOGNIZE_DEBUG"
_DEBUG_VERBOSITY = 2


def run(command: click.Command, arguments: Sequence[str]) -> int:
    """Runs a command line; returns the exit code of the process. Only for the main thread."""
    invocation = Invocation()
    try:
        with signals_as_exceptions():
            code = _invoke(command, list(arguments), invocation)
            sys.stdout.flush()
            return code
    except BaseException as error:  # noqa: BLE001 - nothing passes in silence: each is reported
        settle_results()
        return _report(error, invocation)


def _invoke(command: click.Command, arguments: list[str], invocation: Invocation) -> int:
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(command, {"obj": invocation}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with command.make_context(PROGRAM, arguments, obj=invocation) as context:
            return int(command.invoke(context) or ExitCode.DONE)
    except click.exceptions.Exit as end:
        return end.exit_code


def _report(error: BaseException, invocation: Invocation) -> int:
    """Says on stderr what ended the command; returns the exit code for it."""
    match error:
        case OutputClosed():
            return ExitCode.DONE
        case KeyboardInterrupt() | click.Abort():
            if sys.stderr.isatty():
                sys.stderr.write("\n")  # ends the line in which the terminal shows ^C
            return _say("interrupted", ExitCode.INTERRUPTED)
        case Terminated():
            return _say("terminated", ExitCode.TERMINATED)
        case click.UsageError():
            return _usage(error)
    if invocation.verbosity >= _DEBUG_VERBOSITY or os.environ.get(DEBUG_VARIABLE):
        _print_traceback(error)
    if isinstance(error, RecognizeError):
        return _say(f"error: {error}", error.exit_code)
    _say(f"error: {_in_words(error)}", ExitCode.UNEXPECTED)
    sys.stderr.write(f"To see where it happened, run the same command with -vv or {DEBUG_VARIABLE}=1.\n")
    return ExitCode.UNEXPECTED


def _in_words(error: BaseException) -> str:
    match error:
        case OSError(strerror=str(problem), filename=None):
            return problem
        case OSError(strerror=str(problem), filename=filename):
            return f"{filename}: {problem}"
        case MemoryError():
            return "out of memory"
    return ": ".join(filter(None, [f"unexpected {type(error).__name__}", str(error)]))


def _usage(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return ExitCode.USAGE
    if error.ctx is not None:
        sys.stderr.write(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n\n")
    return _say(f"error: {error.format_message()}", ExitCode.USAGE)


def _print_traceback(error: BaseException) -> None:
    import traceback

    from recognize_cli.secret import redacted

    lines = redacted("".join(traceback.format_exception(error))).splitlines()
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))


def _say(message: str, code: ExitCode) -> int:
    from recognize_cli.secret import redacted

    sys.stderr.write(f"{PROGRAM}: {printable(redacted(message))}\n")
    return code
