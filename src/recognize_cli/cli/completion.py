"""`recognize completion`: scripts that complete commands and options in a shell."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from recognize_cli.cli.commands import Command
from recognize_cli.cli.process import COMPLETION_VARIABLE, PROGRAM
from recognize_cli.errors import ExitCode

SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    needs_config=False,
    examples="""
        eval "$(recognize completion bash)"                                 # in ~/.bashrc
        eval "$(recognize completion zsh)"                                  # in ~/.zshrc
        recognize completion fish > ~/.config/fish/completions/recognize.fish
    """,
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> ExitCode:
    """Print the script that lets a shell complete `recognize` commands and options.

    Bash must be 4.4 or newer.
    """
    complete = get_completion_class(shell)
    assert complete is not None
    sys.stdout.write(complete(context.find_root().command, {}, PROGRAM, COMPLETION_VARIABLE).source())
    return ExitCode.DONE
