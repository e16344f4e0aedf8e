"""Where results go and how they look there: stdout or a file, plain or coloured."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from recognize_cli.cli.streams import ResultWriter, text_stream
from recognize_cli.errors import OutputError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

_STYLES: Mapping[str, Mapping[str, object]] = {
    "path": {"bold": True},
    "tag": {"fg": "cyan"},
    "good": {"fg": "green"},
    "error": {"fg": "red"},
    "error:": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow"},
    "heading": {"bold": True},
    "dim": {"dim": True},
}


def forced_colour(environment: Mapping[str, str]) -> bool | None:
    """What the environment says of colours: NO_COLOR, then FORCE_COLOR, then TERM=dumb; None if nothing.

    https://no-color.org and https://force-color.org: any value but the empty one counts.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None


def styler(stream: TextIO) -> Callable[[str, str], str]:
    """A function ``style(text, role)`` for texts of a stream; without colours it changes nothing."""
    forced = forced_colour(os.environ)
    if forced if forced is not None else stream.isatty():
        return lambda text, role: click.style(text, **_STYLES.get(role, {}))  # type: ignore[arg-type]
    return lambda text, _role: text


def default_format(output: Path | None) -> str:
    """The format of results where none was asked for: text for a terminal, JSON lines for all else."""
    return "text" if (output is None or _is_stdout(output)) and sys.stdout.isatty() else "jsonl"


@contextmanager
def destination(
    path: Path | None, *, on_abort: Callable[[Callable[[], None]], None] | None = None
) -> Iterator[io.TextIOWrapper]:
    """The stream that results are written to; its ``buffer`` takes bytes. None and ``-`` are stdout.

    A file is written beside its place and moved there when the block ends well; until then, and after a
    failure, what was there before stays. `on_abort` is told how to tidy up if the process is cut off
    (`Interrupt.on_abort`). Raises OutputError, which names the file, when it cannot be written.
    """
    if path is None or _is_stdout(path):
        yield cast("io.TextIOWrapper", sys.stdout)
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a device or a pipe cannot be replaced
        with text_stream(ResultWriter(_opened(path, target, os.O_WRONLY), path)) as stream:
            yield stream
        return
    new = target.with_name(f".recognize-{secrets.token_hex(6)}.tmp")
    raw = ResultWriter(_opened(path, new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), path)
    if on_abort:
        on_abort(partial(new.unlink, missing_ok=True))
    try:
        with text_stream(raw) as stream:
            yield stream
            stream.flush()
            with _reported(path):
                os.fsync(raw.fileno())
        with _reported(path):
            if target.exists():
                new.chmod(stat.S_IMODE(target.stat().st_mode))
            new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _is_stdout(path: Path) -> bool:
    return str(path) == "-"


def _opened(path: Path, target: Path, flags: int) -> int:
    with _reported(path):
        return os.open(target, flags | os.O_CLOEXEC, 0o666)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(where=path, problem=error.strerror or error) from error


def write_json(record: Mapping[str, object]) -> None:
    """Writes one JSON object to stdout, indented, in UTF-8 whatever the locale is."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()
