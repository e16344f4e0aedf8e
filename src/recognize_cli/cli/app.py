"""The command `recognize`: the table of its commands, and what it does before any of them.

A command's module is imported only when the command runs, so that ``recognize --help`` starts at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from recognize_cli import __version__
from recognize_cli.cli.commands import ROOT_SETTINGS, Lazy, LazyGroup, verbosity_options
from recognize_cli.cli.invocation import Invocation
from recognize_cli.cli.options import SHARED
from recognize_cli.cli.output import forced_colour
from recognize_cli.cli.parameters import Option, in_short
from recognize_cli.cli.process import PROGRAM, run
from recognize_cli.cli.settings import Settings, default_path
from recognize_cli.cli.streams import harden_standard_streams

COMMANDS = {
    "scan": Lazy("recognize_cli.cli.scan", "Tag the media files of a tree."),
    "faces": Lazy(
        "recognize_cli.cli.faces.group", "Group faces to people, name them, correct what is wrong."
    ),
    "tags": Lazy(
        "recognize_cli.cli.tags", "List the tags that are known, and make them anew from other rules."
    ),
    "models": Lazy("recognize_cli.cli.models", "List, fetch and verify the models."),
    "rules": Lazy("recognize_cli.cli.rules", "Check a rules file, and show what its rules do."),
    "doctor": Lazy(
        "recognize_cli.cli.doctor", "Check what this machine can run, and how to repair what it cannot."
    ),
    "bench": Lazy("recognize_cli.cli.bench", "Measure how fast recognizers are on this machine."),
    "login": Lazy("recognize_cli.cli.login", "Store the password of an account on a server."),
    "logout": Lazy("recognize_cli.cli.logout", "Forget the password of an account on a server."),
    "config": Lazy("recognize_cli.cli.config", "Show the settings and where they come from."),
    "completion": Lazy("recognize_cli.cli.completion", "Print a script that completes commands in a shell."),
}


def _load_config(context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    invocation = context.find_object(Invocation)
    if invocation is not None:
        invocation.settings = Settings.load(path, SHARED)
        context.default_map = invocation.settings.defaults(context, strict=False)
    return path


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"{PROGRAM} {__version__}")
        context.exit()


root = LazyGroup(
    PROGRAM,
    lazy=COMMANDS,
    context_settings={**ROOT_SETTINGS, "color": forced_colour(os.environ)},
    params=[
        Option(
            ["--config"],
            type=click.Path(path_type=Path),
            is_eager=True,
            callback=_load_config,
            configurable=False,
            show_envvar=True,
            allow_from_autoenv=True,
            show_default=in_short(default_path()),
            metavar="FILE",
            section="General",
            help="The config file.",
        ),
        Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            configurable=False,
            section="General",
            help="Show the version and exit.",
        ),
        *verbosity_options(configurable=True),
    ],
    help="Tag photos, music and video on this machine.",
    needs_config=False,
    examples="""
        recognize scan ~/Pictures
        recognize doctor
    """,
)


def main() -> int:
    """Runs the command line of this process; returns its exit code."""
    harden_standard_streams()
    return run(root, sys.argv[1:])
