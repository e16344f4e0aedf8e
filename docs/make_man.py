"""Writes a man page for each command into a folder, from what the commands say of themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click_man.core import generate_man_page
from make_reference import commands

from recognize_cli import __version__

_WIDEST = 200


def _page(context: click.Context) -> str:
    command = context.command
    if isinstance(command, click.Group):
        command.commands = {
            name: below
            for name in command.list_commands(context)
            if (below := command.get_command(context, name)) is not None
        }
        for below in command.commands.values():
            below.short_help = below.get_short_help_str(_WIDEST)
    command.short_help = command.get_short_help_str(_WIDEST)
    page: str = generate_man_page(context, version=__version__)
    return page + _examples(getattr(command, "examples", []))


def _examples(lines: list[str]) -> str:
    """A section of lines as they are; `\\&` keeps one that begins with a dot from being a request."""
    if not lines:
        return ""
    shown = [rf"\&{line}".replace("-", r"\-") for line in lines]
    return "\n".join([".SH EXAMPLES", ".nf", *shown, ".fi", ""])


def main() -> int:
    """Writes them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for context in commands():
        name = context.command_path.replace(" ", "-")
        (folder / f"{name}.1").write_text(_page(context), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
