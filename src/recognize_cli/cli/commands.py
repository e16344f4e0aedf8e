"""Click's classes, as this program uses them.

What they add: help in sections with examples, -q and -v after every command's name, defaults from the
config file, environment variables named in help and in messages, and groups that import a command's
module only when that command runs.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from recognize_cli.cli.invocation import Invocation
from recognize_cli.cli.parameters import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem

_GENERAL = "General"
_CLOSE_TO_ALL_OF_A_LINE = 100

ROOT_SETTINGS: dict[str, Any] = {
    "auto_envvar_prefix": "RECOGNIZE",
    "help_option_names": ["-h", "--help"],
    "max_content_width": _CLOSE_TO_ALL_OF_A_LINE,
    "show_default": True,
}


def verbosity_options(*, configurable: bool) -> list[Option]:
    """-q and -v; they add up, wherever they stand."""
    return [
        Option(
            [f"-{name[0]}", f"--{name}"],
            count=True,
            expose_value=configurable,
            is_eager=True,
            callback=_count_verbosity,
            section=_GENERAL,
            configurable=configurable,
            show_default=False,
            help=text,
        )
        for name, text in (
            ("quiet", "Only warnings and errors; twice: only errors."),
            ("verbose", "More messages; twice: also those of libraries, and where errors come from."),
        )
    ]


def _count_verbosity(context: click.Context, option: click.Parameter, count: int) -> int:
    invocation = context.find_object(Invocation)
    if invocation is not None and count:
        flag = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        invocation.add_verbosity(count if option.name == "verbose" else -count, flag=flag)
    return count


class _Configured(click.Command):
    """What commands and groups have in common.

    `examples` are lines for a shell, shown at the end of the help. A command that `needs_config` is not
    run with a config file that has errors; the others see to it themselves.
    """

    def __init__(self, *args: Any, examples: str = "", needs_config: bool = True, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.examples = inspect.cleandoc(examples).splitlines()
        self.needs_config = needs_config
        if not any(param.name == "verbose" for param in self.params):
            self.params.extend(verbosity_options(configurable=False))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses with the defaults of the config file; names the variable that a bad value came from."""
        invocation = ctx.find_object(Invocation)
        if invocation is not None:
            helping = any(word in ctx.help_option_names for word in args) or ctx.resilient_parsing
            ctx.default_map = invocation.settings.defaults(ctx, strict=self.needs_config and not helping)
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            _name_variable(ctx, error)
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, a section for each heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                section = param.section if isinstance(param, Option) else _GENERAL
                sections.setdefault(section, []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples as they are."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}".rstrip() + "\n")


def _name_variable(ctx: click.Context, error: click.BadParameter) -> None:
    option = error.param
    if (
        isinstance(option, Option)
        and ctx.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
        and (variable := option.variable(ctx))
    ):
        error.param_hint = variable


class Command(_Configured):
    """A command that does something; its callback returns an ExitCode, or None for 0."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the callback with logging set up."""
        from recognize_cli.cli.logs import logging_to_stderr

        invocation = ctx.find_object(Invocation)
        with logging_to_stderr(invocation.verbosity if invocation else 0):
            return super().invoke(ctx)


class Group(_Configured, click.Group):
    """A group of commands; those declared with `group.command(...)` are `Command`s."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands first, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


Group.group_class = Group


class Lazy(NamedTuple):
    """Where a command is, as the attribute ``command`` of a module, and its help in one line."""

    module: str
    help: str


class LazyGroup(Group):
    """A group that knows names and one-line helps, and imports a command when it is run."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command."""
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        command: click.Command = import_module(lazy.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; for one that does not exist the nearest that does is named."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table, without an import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._lazy.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes names and options, without an import."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=lazy.help)
            for name, lazy in self._lazy.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]
