"""Writes docs/commands.md from what the commands say of themselves; with --check only compares."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).with_name("commands.md")
_HEAD = """# Commands

What `--help` says, for every command. This page is made: `nox -s docs -- --write` makes it anew.
"""


def page() -> str:
    """The page as it should be."""
    return _HEAD + "".join(_section(each.command_path, each.command.get_help(each)) for each in commands())


def commands() -> Iterator[click.Context]:
    """All commands, each before those below it, for a user who has set nothing."""
    for name in list(os.environ):
        if name.startswith(("RECOGNIZE_", "XDG_")):
            del os.environ[name]
    os.environ["HOME"] = str(Path.home())
    from recognize_cli.cli.app import root

    return _below(root, "recognize", None)


def _section(path: str, text: str) -> str:
    return f"\n## {path}\n\n```text\n{text}\n```\n"


def _below(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    settings = command.context_settings | {"terminal_width": 100, "max_content_width": 100, "color": False}
    with click.Context(command, info_name=name, parent=parent, **settings) as context:
        yield context
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                below = command.get_command(context, each)
                assert below is not None
                yield from _below(below, each, context)


def main() -> int:
    """0 if the page is as it should be."""
    made = page()
    if "--write" in sys.argv:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    sys.stderr.write(f"{PAGE} is out of date; run: nox -s docs -- --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
