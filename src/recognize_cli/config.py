"""The config file: TOML, one table a command, read and checked; knows nothing of the command line.

    catalogue = "/var/lib/recognize/catalogue.sqlite3"   # options that many commands share

    [scan]
    exclude = ["*.tmp"]

    [models.fetch]
    offline = true

Keys are the long names of options, with dashes or underscores. What is not known is an error,
because a misspelt key that does nothing is found months later.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from recognize_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FILE_NAME = "config.toml"
PASSWORDS = "passwords"
"""The table of passwords by account (``"https://alice@cloud.example"``), which are no options."""


class Wanted(Enum):
    """What a key may hold, as a message names it."""

    SWITCH = "true or false"
    COUNT = "true, false or a whole number"
    INTEGER = "a whole number"
    NUMBER = "a number"
    TEXT = "a string"
    QUANTITY = "a string or a whole number"

    def holds(self, value: object) -> bool:
        """Whether a value has the type; in TOML, true is not a number."""
        return type(value) in _HELD[self]


_HELD: Mapping[Wanted, tuple[type, ...]] = {
    Wanted.SWITCH: (bool,),
    Wanted.COUNT: (bool, int),
    Wanted.INTEGER: (int,),
    Wanted.NUMBER: (int, float),
    Wanted.TEXT: (str,),
    Wanted.QUANTITY: (str, int),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a table may have; ``many`` says that it holds a list, ``or_one`` that one value will do."""

    wanted: Wanted
    many: bool = False
    or_one: bool = False

    def problem(self, value: object) -> str | None:
        """What is wrong with the type of a value, in words; None if nothing is."""
        if not self.many or (self.or_one and not isinstance(value, list)):
            return self._mismatch(value, "must be")
        if not isinstance(value, list):
            return f"must be a list, not {_describe(value)}"
        return next(filter(None, (self._mismatch(item, "must be a list, each item") for item in value)), None)

    def _mismatch(self, value: object, rule: str) -> str | None:
        return None if self.wanted.holds(value) else f"{rule} {self.wanted.value}, not {_describe(value)}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a config file: ``where`` names it in messages, ``values`` is what it holds."""

    where: str
    values: Mapping[str, object]

    def options(
        self, keys: Mapping[str, Key], *, tables: Collection[str] = (), others: Collection[str] = ()
    ) -> dict[str, object]:
        """The options that this table sets, by name with underscores.

        `keys` are those that it may have, `tables` the names of tables that may lie within, `others`
        the names of keys that are known but none of the caller's business.
        Raises ConfigError, which names the file, the key and the nearest valid one.
        """
        found: dict[str, object] = {}
        for written, value in self.values.items():
            name = _normal(written)
            if written in tables and isinstance(value, dict):
                continue
            if name in keys:
                if name in found:
                    raise self.error(written, "is set twice, with dashes and with underscores")
                if problem := keys[name].problem(value):
                    raise self.error(written, problem)
                found[name] = value
            elif written in tables and name not in others:
                raise self.error(written, f"must be a table, not {_describe(value)}")
            elif name not in others:
                raise self.error(written, _unknown(written, [*keys, *tables, *others]))
        return found

    def only(self, names: Collection[str]) -> Table:
        """The same table with nothing but the keys of those names."""
        return Table(self.where, {key: value for key, value in self.values.items() if _normal(key) in names})

    def error(self, key: str, problem: str) -> ConfigError:
        """The error for one key of this table."""
        return ConfigError(where=self.where, problem=f"the key {key!r} {problem}")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config file as read. ``path`` is None where there is none: then every table is empty."""

    path: Path | None
    values: Mapping[str, object]

    def table(self, names: tuple[str, ...] = ()) -> Table:
        """The table of a command, ``("models", "fetch")`` for [models.fetch], or the top level for ``()``.

        It is empty where it is not in the file, or where something else is in its place.
        """
        values: object = self.values
        for name in names:
            values = values.get(name) if isinstance(values, dict) else None
        return Table(self._where(names), values if isinstance(values, dict) else {})

    def _where(self, names: tuple[str, ...]) -> str:
        return f"{self.path} [{'.'.join(names)}]" if names else str(self.path)


def read(path: Path) -> ConfigFile:
    """Reads a config file; raises ConfigError where it cannot be read or is not TOML."""
    try:
        return ConfigFile(path, tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise ConfigError(where=path, problem=f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(where=path, problem=f"is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(where=path, problem=f"is not valid TOML: {error}") from error


def nothing() -> ConfigFile:
    """What there is to know where no config file exists."""
    return ConfigFile(None, {})


def _normal(key: str) -> str:
    return key.replace("-", "_")


def _unknown(written: str, known: Collection[str]) -> str:
    spelt = {name.replace("_", "-"): name for name in known}
    near = difflib.get_close_matches(written.replace("_", "-"), spelt, n=1, cutoff=0.5)
    if near:
        return f"is not known; did you mean {near[0]!r}?"
    return "is not known; known are " + ", ".join(sorted(spelt)) if spelt else "is not known: no key is"


_TYPES = {
    str: "a string",
    int: "a whole number",
    float: "a number with a fraction",
    list: "a list",
    dict: "a table",
}


def _describe(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _TYPES.get(type(value), "a date or time")
