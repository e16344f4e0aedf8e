"""A program built from the frame of `recognize`, with commands that do one thing each.

Run as a script it is a process like the real one; `root` is for tests in this process.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from pathlib import Path

import click

from recognize_cli.cli import app
from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import (
    catalogue_option,
    offline_option,
    option,
    output_option,
    progress_option,
)
from recognize_cli.cli.output import destination
from recognize_cli.cli.parameters import Duration, PerName, Size
from recognize_cli.cli.process import run
from recognize_cli.cli.progress import above_bar, byte_progress, file_progress
from recognize_cli.cli.streams import harden_standard_streams
from recognize_cli.errors import ExitCode, HashMismatch

LOG = logging.getLogger("recognize_cli.made")

root = Group(
    "recognize", params=app.root.params, context_settings=app.root.context_settings, needs_config=False
)


@root.command("values", examples="recognize values --size 8MiB")
@click.argument("names", nargs=-1)
@option("--size", type=Size(), default="1MiB", help="A size.")
@option("--wait-for", "patience", type=Duration(), section="Patience", help="A duration.")
@option("--full", is_flag=True, help="A switch.")
@option("--exclude", multiple=True, help="A list.")
@option("--jobs", type=click.IntRange(1, 8), default=2, help="A number.")
@option(
    "--backend",
    type=PerName("recognizer", ("actions", "faces"), ("auto", "small")),
    multiple=True,
    default=("auto",),
    or_one=True,
    help="A value that may differ by name.",
)
@option("--kind", type=click.Choice(["image", "audio"]), default="image", help="A choice.")
@option("--file", type=click.Path(path_type=Path), help="A path.")
@catalogue_option
@offline_option
@click.pass_context
def values(context: click.Context, /, **found: object) -> None:
    """Print what each option is."""
    for name, value in sorted(found.items()):
        click.echo(f"{name}={value}")
    LOG.error("an error")
    LOG.warning("a warning")
    LOG.info("an information")
    LOG.debug("a detail")
    logging.getLogger("some.library").info("a library speaks")


@root.group("models")
def models() -> None:
    """A group."""


@models.command("fetch")
@option("--size", type=Size(), default="1MiB", help="A size.")
@offline_option
def fetch(size: int, offline: bool) -> ExitCode:
    """A command in a group."""
    click.echo(f"size={size} offline={offline}")
    return ExitCode.SOME_FAILED


@root.command("many")
@output_option
def many(output: Path | None) -> None:
    """Print many lines."""
    with destination(output) as stream:
        for number in range(100_000):
            stream.write(f"line {number}\n")


@root.command("one")
def one() -> None:
    """Print one line."""
    click.echo("one line")


@root.command("odd")
def odd() -> None:
    """Print and log names that no terminal should see as they are."""
    sys.stdout.write("caf\udce9 \u2603\n")
    LOG.warning("%s", "gone\x1b[2J\nrecognize: error: forged")
    warnings.warn("a library is worried", stacklevel=1)


@root.command("fail")
@click.argument("how")
def fail(how: str) -> None:
    """Fail in some way."""
    match how:
        case "expected":
            raise HashMismatch(path="/m\x1b[2J", expected="a", found="b", name="m")
        case "bug":
            raise ValueError("no such thing")
        case "missing":
            Path("/nowhere/at/all").read_bytes()
        case "pipe":
            raise BrokenPipeError(32, "Broken pipe")
        case "end":
            raise EOFError
        case "exit":
            sys.exit(77)
        case "memory":
            raise MemoryError


@root.command("hold")
@click.argument("traces", type=click.Path(path_type=Path))
def hold(traces: Path) -> None:
    """Wait for a signal; leave a trace of the cleanup."""
    try:
        click.echo("ready", err=True)
        time.sleep(60)
    finally:
        traces.write_text("cleaned up")


@root.command("bar")
@progress_option
def bar(progress: bool | None) -> None:
    """Show progress, with results and messages between."""
    files = file_progress(progress)
    results = above_bar(sys.stdout)
    for number in range(3):
        files.advance(failed=number == 1)
        results.write(f"result {number}\n")
        results.flush()
        LOG.warning("message %d", number)
        time.sleep(0.25)
    files.close()
    with byte_progress("a-model", progress) as report:
        for done in (0, 512, 1024):
            report(done, 1024)
            time.sleep(0.25)


if __name__ == "__main__":
    harden_standard_streams()
    sys.exit(run(root, sys.argv[1:]))
