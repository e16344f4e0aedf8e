"""The config file, matched with the options of the commands."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from platformdirs import user_config_path

from recognize_cli.cli.parameters import Option, Quantity
from recognize_cli.config import FILE_NAME, PASSWORDS, ConfigFile, Key, Table, Wanted, nothing, read
from recognize_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def default_path() -> Path:
    """Where the config file is looked for unless ``--config`` names another."""
    return user_config_path("recognize") / FILE_NAME


@dataclass(slots=True)
class Settings:
    """A config file and what is wrong with it.

    `shared` are the keys of options that many commands have, and that may stand at its top level.
    """

    shared: frozenset[str] = frozenset()
    file: ConfigFile = field(default_factory=nothing)
    problems: list[ConfigError] = field(default_factory=list)

    @classmethod
    def load(cls, named: Path | None, shared: frozenset[str]) -> Settings:
        """Reads the file that the user named, or the default one if it exists; never raises."""
        path = named or default_path()
        if named is None and not path.exists():
            return cls(shared)
        try:
            return cls(shared, read(path))
        except ConfigError as error:
            return cls(shared, problems=[error])

    def defaults(self, context: click.Context, *, strict: bool) -> dict[str, object]:
        """What the file says of a command's options, by their names.

        If `strict`, raises ConfigError for the first problem found so far; else notes it in `problems`.
        """
        try:
            if strict and self.problems:
                raise self.problems[0]
            return self._checked(context)
        except ConfigError as error:
            if strict:
                raise
            if error not in self.problems:
                self.problems.append(error)
            return {}

    def _checked(self, context: click.Context) -> dict[str, object]:
        names = command_names(context)
        command = context.command
        options = {
            param.key: param for param in command.params if isinstance(param, Option) and param.configurable
        }
        keys = {key: _key(option) for key, option in options.items()}
        tables = command.list_commands(context) if isinstance(command, click.Group) else ()
        own = self.file.table(names)
        if not names:
            tables = (*tables, PASSWORDS)
            return _converted(context, own, own.options(keys, tables=tables, others=self.shared), options)
        top = self.file.table().only([key for key, option in options.items() if option.shared])
        return _converted(context, top, top.options(keys), options) | _converted(
            context, own, own.options(keys, tables=tables), options
        )


def command_names(context: click.Context) -> tuple[str, ...]:
    """The command's name as it is typed, without the program's: ``("models", "fetch")``."""
    if context.parent is None:
        return ()
    return (*command_names(context.parent), context.info_name or "")


def _key(option: Option) -> Key:
    return Key(_wanted(option), many=option.multiple, or_one=option.or_one)


def _wanted(option: Option) -> Wanted:
    if option.count:
        return Wanted.COUNT
    if option.is_flag:
        return Wanted.SWITCH
    match option.type:
        case click.types.IntParamType():
            return Wanted.INTEGER
        case click.types.FloatParamType():
            return Wanted.NUMBER
        case Quantity():
            return Wanted.QUANTITY
    return Wanted.TEXT


def _converted(
    context: click.Context, table: Table, values: dict[str, object], options: Mapping[str, Option]
) -> dict[str, object]:
    """The values by the names of parameters, with ``~`` expanded in paths.

    Raises ConfigError for a value that its option refuses.
    """
    converted = {}
    for key, value in values.items():
        option = options[key]
        if option.multiple and not isinstance(value, list):
            value = [value]
        if isinstance(option.type, click.Path):
            value = _expanded(value)
        try:
            option.type_cast_value(context, value)
        except click.BadParameter as error:
            raise table.error(key, f"is refused: {error.message}") from error
        converted[option.name] = value
    return converted


def _expanded(value: object) -> object:
    """A shell expands ``~`` in an option, and nobody does in a file."""
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    return os.path.expanduser(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of an option when a command is run without that option, and who says so.

    `origin` is ``flag`` (of the call at hand), ``environment``, ``file`` or ``default``; `where` names
    the variable or the file. `command` is ``""`` for the options before a command's name.
    """

    command: str
    option: str
    value: object
    origin: str
    where: str | None
    variable: str | None


def effective(root: click.Context, settings: Settings) -> Iterator[Setting]:
    """All settings of all commands; raises ConfigError for the first that is wrong, wherever it is from."""
    for context in contexts(root):
        if context is not root:
            context.default_map = settings.defaults(context, strict=True)
        for option in context.command.params:
            if isinstance(option, Option) and option.configurable:
                yield _setting(context, option, settings)


def contexts(context: click.Context) -> Iterator[click.Context]:
    """A context for each command below (and this one), in the order of help. Imports every command."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None:
                yield from contexts(click.Context(command, parent=context, info_name=name))


def _setting(context: click.Context, option: Option, settings: Settings) -> Setting:
    given = context.get_parameter_source(option.name)
    variable = option.variable(context)
    if given is not None:
        value, source = context.params[option.name], given
    else:
        value, source = _consumed(context, option, variable)
    origin, where = {
        ParameterSource.COMMANDLINE: ("flag", None),
        ParameterSource.ENVIRONMENT: ("environment", variable),
        ParameterSource.DEFAULT_MAP: ("file", str(settings.file.path)),
    }.get(source, ("default", None))
    return Setting(" ".join(command_names(context)), option.key, value, origin, where, variable)


def _consumed(context: click.Context, option: Option, variable: str | None) -> tuple[object, ParameterSource]:
    value, source = option.consume_value(context, {})
    if source is ParameterSource.DEFAULT:
        default = option.to_info_dict()["default"]
        return default() if callable(default) else default, source
    try:
        option.type_cast_value(context, value)
    except click.BadParameter as error:
        raise ConfigError(where=variable, problem=error.message) from error
    return value, source
