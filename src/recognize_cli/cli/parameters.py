"""Options and the types of their values: sizes, durations, and values that differ by name."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem
    from click.types import OptionHelpExtra


class Option(click.Option):
    """An option that a variable may set and, if `configurable`, the config file.

    Both are named after the long flag: ``--max-size`` of scan is RECOGNIZE_SCAN_MAX_SIZE, and `max-size`
    in the table [scan]. With `shared` it has one variable for all commands (RECOGNIZE_CATALOGUE) and may
    stand at the top level of the config file; its key is then in `options.SHARED`. `section` is the
    heading under which help lists it. Of one that may be repeated the config file holds a list; with
    `or_one` a single value will do.
    """

    def __init__(
        self,
        declarations: Sequence[str] | None = None,
        *,
        section: str = "Options",
        configurable: bool = True,
        shared: bool = False,
        or_one: bool = False,
        **attributes: Any,
    ) -> None:
        attributes.setdefault("show_envvar", configurable)
        attributes.setdefault("allow_from_autoenv", configurable)
        super().__init__(declarations, **attributes)
        self.section = section
        self.configurable = configurable
        self.shared = shared
        self.or_one = or_one
        flag = max((flag for flag in self.opts if flag.startswith("--")), key=len, default=self.name)
        self.key = flag.removeprefix("--").replace("-", "_")

    def variable(self, context: click.Context) -> str | None:
        """The environment variable that sets this option in a command; None if there is none."""
        if isinstance(self.envvar, str):
            return self.envvar
        if not self.allow_from_autoenv:
            return None
        prefix = context.find_root().auto_envvar_prefix if self.shared else context.auto_envvar_prefix
        return f"{prefix}_{self.key.upper()}" if prefix else None

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value of the variable; None if it is not set or empty."""
        variable = self.variable(ctx)
        return (os.environ.get(variable) if variable else None) or None

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """What help says in brackets: the variable, the default and the range."""
        extra = super().get_help_extra(ctx)
        if "envvars" in extra and (variable := self.variable(ctx)):
            extra["envvars"] = (variable,)
        return extra


def in_short(path: Path) -> str:
    """A path as help shows it: below ``~`` where it lies in the home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


class Quantity(click.ParamType[float]):
    """A number with a unit; converted to a number of the base unit. In TOML a string or a number."""


class Size(Quantity):
    """Bytes, as ``500k`` or ``8MiB``: k, M, G, T and KiB, MiB, ... count in 1024s; kB, MB, ... in 1000s."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole bytes, at least 1."""
        match = _SIZE.fullmatch(str(value).strip())
        size = 0
        if match:
            base = 1000 if (match["suffix"] or "").lower() == "b" else 1024
            size = int(Fraction(match["number"]) * base ** _PREFIXES.index((match["prefix"] or "").lower()))
        if size < 1:
            self.fail(f"{value!r} is not a size; write for instance 8MiB, 500k or 1000000", param, ctx)
        return size


class Duration(Quantity):
    """Seconds, as ``45s``, ``90m``, ``1h30m`` or ``2d``; a bare number counts seconds. At most a year."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, more than 0."""
        text = str(value).strip()
        match = _DURATION.fullmatch(f"{text}s" if _BARE_NUMBER.fullmatch(text) else text)
        parts = match.groupdict(default="0") if match else {}
        seconds = float(sum(Fraction(number) * _SECONDS[unit] for unit, number in parts.items()))
        if not 0 < seconds <= _LONGEST:
            self.fail(f"{value!r} is not a duration; write for instance 45s, 90m, 1h30m or 2d", param, ctx)
        return seconds


class PerName(click.ParamType[tuple[str | None, str]]):
    """A value for everything, or as ``NAME=VALUE`` for one thing; names and values are of a few.

    `value_for` says which of several counts for a name.
    """

    name = "value"

    def __init__(self, what: str, names: Sequence[str], values: Sequence[str]) -> None:
        """`what` is what has such a name: "recognizer"."""
        self._what = what
        self._names = names
        self._values = values

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | None, str]:
        """The name, or None for everything, and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, chosen = str(value).rpartition("=")
        if equals and name not in self._names:
            self.fail(f"there is no {self._what} {name!r}; there are {', '.join(self._names)}", param, ctx)
        if chosen not in self._values:
            self.fail(f"{chosen!r} is not one of {', '.join(self._values)}", param, ctx)
        return (name if equals else None), chosen

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help shows: the values."""
        return f"[NAME=]{'|'.join(self._values)}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The values, for everything and for each name."""
        from click.shell_completion import CompletionItem

        every = [*self._values, *(f"{name}={value}" for name in self._names for value in self._values)]
        return [CompletionItem(each) for each in every if each.startswith(incomplete)]


def value_for(name: str, given: Sequence[tuple[str | None, str]], default: str) -> str:
    """The value that counts for a name: the last one given for it or for everything."""
    return next((value for whose, value in reversed(given) if whose in (None, name)), default)


_NUMBER = r"\d{1,18}(?:\.\d{1,9})?"
_BARE_NUMBER = re.compile(_NUMBER, re.ASCII)
_FLAGS = re.ASCII | re.IGNORECASE
_PREFIXES = ("", "k", "m", "g", "t")
_SIZE = re.compile(rf"(?P<number>{_NUMBER}) ?(?:(?P<prefix>[kmgt])(?P<suffix>ib|b)?|b)?", _FLAGS)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(" ?".join(rf"(?:(?P<{unit}>{_NUMBER}) ?{unit})?" for unit in _SECONDS), _FLAGS)
_LONGEST = 366 * _SECONDS["d"]
