"""What every command has: help, an example, documented options, names that agree; and how help looks.

After a change of any command's help: ``pytest tests/cli/test_surface.py --snapshot-update``.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click
import pytest

from recognize_cli.cli.app import COMMANDS, root
from recognize_cli.cli.commands import Command, Group
from recognize_cli.cli.options import SHARED
from recognize_cli.cli.parameters import Option
from recognize_cli.cli.settings import command_names, contexts
from tests.cli.running import run

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

ALL = list(contexts(click.Context(root, info_name="recognize", **root.context_settings)))
every_command = pytest.mark.parametrize("context", ALL, ids=lambda context: context.command_path)


@every_command
def test_it_is_one_of_ours(context: click.Context) -> None:
    assert isinstance(context.command, Command | Group)
    own = [param for param in context.command.params if not isinstance(param, click.Argument)]
    assert all(isinstance(param, Option) for param in own)


@every_command
def test_it_has_help_and_an_example(context: click.Context) -> None:
    assert context.command.help
    if isinstance(context.command, Command):
        assert context.command.examples


@every_command
def test_each_option_has_help(context: click.Context) -> None:
    options = [param for param in context.command.params if isinstance(param, Option)]
    assert [option.name for option in options if not option.help] == []


@every_command
def test_it_takes_q_and_v(context: click.Context) -> None:
    flags = {flag for param in context.command.params for flag in param.opts}
    assert {"-q", "--quiet", "-v", "--verbose"} <= flags


@every_command
def test_no_two_options_have_a_flag_or_a_key_in_common(context: click.Context) -> None:
    options = [param for param in context.command.get_params(context) if isinstance(param, click.Option)]
    flags = Counter(flag for option in options for flag in (*option.opts, *option.secondary_opts))
    keys = Counter(option.key for option in options if isinstance(option, Option))
    assert [name for name, count in (flags + keys).items() if count > 1] == []


@every_command
def test_shared_options_are_those_of_the_top_level_of_the_config_file(context: click.Context) -> None:
    for param in context.command.params:
        if isinstance(param, Option):
            assert param.shared == (param.key in SHARED)


def test_no_option_of_the_top_level_is_unused() -> None:
    keys = {param.key for each in ALL for param in each.command.params if isinstance(param, Option)}
    assert keys >= SHARED - {"progress", "rules"}  # those belong to scan alone


@every_command
def test_its_examples_are_right(context: click.Context) -> None:
    command = context.command
    assert isinstance(command, Command | Group)
    for line in command.examples:
        for words in calls_of_recognize(line):
            assert_understood(words)


def calls_of_recognize(line: str) -> list[list[str]]:
    """The arguments of each `recognize` in a line for a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    starts = [index for index, word in enumerate(words) if word == "recognize"]
    calls = []
    for start in starts:
        end = next(
            (index for index in range(start, len(words)) if set(words[index]) <= set("();<>|&")), len(words)
        )
        calls.append(words[start + 1 : end])
    return calls


def assert_understood(words: list[str]) -> None:
    """The options and commands of a call exist."""
    context, rest = click.Context(root, info_name="recognize"), words
    while isinstance(context.command, click.Group) and rest:
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None, words
        context = click.Context(command, info_name=name, parent=context)
    context.command.make_parser(context).parse_args(list(rest))


def test_calls_are_found_in_lines_for_a_shell() -> None:
    line = (
        """find . -print0 | recognize scan - -0 --format=json | jq '.a | .b' > "$(recognize config path)" """
    )
    assert calls_of_recognize(line) == [["scan", "-", "-0", "--format=json"]]
    assert calls_of_recognize("recognize doctor") == [["doctor"]]


def test_the_table_and_the_commands_agree() -> None:
    for name in COMMANDS:
        context = next(each for each in ALL if command_names(each) == (name,))
        assert context.command.help
        assert COMMANDS[name].help.endswith(".")


HELPS = """
import json, os, click
from recognize_cli.cli.app import root
from recognize_cli.cli.settings import contexts
top = click.Context(root, info_name="recognize", terminal_width=100, **root.context_settings)
print(json.dumps({each.command_path: each.get_help() for each in contexts(top)}))
"""


def test_help(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    done = run([sys.executable, "-c", HELPS], home=tmp_path)
    for path, text in json.loads(done.stdout).items():
        assert f"{text}\n" == snapshot(name=path)
