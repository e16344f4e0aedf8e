"""`recognize config`: the settings in force, and where they come from."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from recognize_cli.accounts.given import VARIABLES as PASSWORD_VARIABLES
from recognize_cli.cli.commands import Group
from recognize_cli.cli.invocation import Invocation
from recognize_cli.cli.options import format_option
from recognize_cli.cli.output import styler, write_json
from recognize_cli.cli.process import DEBUG_VARIABLE
from recognize_cli.cli.settings import Setting, default_path, effective
from recognize_cli.errors import ExitCode
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LOG = logging.getLogger(__name__)
_OTHER_VARIABLES = (
    "RECOGNIZE_CONFIG",
    DEBUG_VARIABLE,
    "RECOGNIZE_GIT_MIRROR",
    "RECOGNIZE_NPM_MIRROR",
    *PASSWORD_VARIABLES,
)


@click.group(cls=Group, needs_config=False)
def command() -> None:
    """Show the settings and where they come from.

    A flag outweighs a variable, a variable the config file, the config file the default.
    """


@command.command(
    examples="""
        recognize config show
        recognize config show scan
        recognize config show --format json | jq '.settings[] | select(.origin != "default")'
    """
)
@click.argument("names", metavar="[COMMAND]...", nargs=-1)
@format_option("text", "json", default="text")
@click.pass_context
def show(context: click.Context, names: tuple[str, ...], format: str) -> ExitCode:
    """Show the settings of all commands, or of COMMAND: what it does when it is given no options."""
    root = context.find_root()
    settings = root.ensure_object(Invocation).settings
    found = list(effective(root, settings))
    _warn_of_unknown_variables(found)
    wanted = " ".join(names)
    chosen = [each for each in found if f"{each.command} ".startswith(f"{wanted} ".lstrip())]
    if not chosen:
        raise click.BadParameter(f"no command {wanted!r} has settings", param_hint="COMMAND")
    if format == "json":
        records = [_record(each) for each in chosen]
        write_json({"type": "settings", "schema": 1, "file": _text(settings.file.path), "settings": records})
    else:
        sys.stdout.write(f"config file: {printable(str(settings.file.path or 'none'))}\n")
        _write_tables(chosen)
    return ExitCode.DONE


@command.command(needs_config=False, examples='$EDITOR "$(recognize config path)"')
@click.pass_context
def path(context: click.Context) -> ExitCode:
    """Print the path of the config file, whether it exists or not."""
    named: Path | None = context.find_root().params.get("config")
    sys.stdout.write(f"{printable(str(named or default_path()))}\n")
    return ExitCode.DONE


def _record(setting: Setting) -> dict[str, object]:
    return {
        "command": setting.command,
        "option": setting.option,
        "value": _plain(setting.value),
        "origin": setting.origin,
        "where": setting.where,
        "variable": setting.variable,
    }


def _plain(value: object) -> object:
    """The value as JSON has it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _write_tables(settings: Iterable[Setting]) -> None:
    style = styler(sys.stdout)
    command = None
    for setting in settings:
        if setting.command != command:
            command = setting.command
            sys.stdout.write(f"\n{style(f'recognize {command}'.rstrip(), 'heading')}\n")
        origin = setting.origin if setting.where is None else f"{setting.origin}: {setting.where}"
        value = style(printable(_shown(setting.value)), "dim" if setting.origin == "default" else "good")
        sys.stdout.write(f"  {setting.option.replace('_', '-')} = {value}  ({printable(origin)})\n")


def _shown(value: object) -> str:
    match _plain(value):
        case None | []:
            return "-"
        case bool(flag):
            return "true" if flag else "false"
        case list(items):
            return ", ".join(map(str, items))
        case other:
            return str(other)


def _warn_of_unknown_variables(settings: Iterable[Setting]) -> None:
    known = {*_OTHER_VARIABLES, *(each.variable for each in settings if each.variable)}
    for name in sorted(os.environ.keys() - known):
        if name.startswith("RECOGNIZE_"):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            _LOG.warning("the variable %s means nothing to recognize%s", name, hint)
