"""Takes the keys out of a TOML table one by one, strictly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
"""What models, recognizers and sets of labels are called."""


class TableError(Exception):
    """A key is missing, unknown or has a value of the wrong form; the message says which."""


class Table:
    """One table of a TOML document. ``where`` goes before each key in messages.

    Each method takes one key; it raises TableError if the key is missing or its value is not of
    that form. `close` refuses keys that nobody took.
    """

    def __init__(self, values: Mapping[str, object], where: str = "") -> None:
        self.where = where
        self._values = values
        self._taken: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def error(self, key: str, problem: str) -> TableError:
        """The error that says that `key` has this problem."""
        return TableError(f"{self.where}{key}: {problem}")

    def close(self) -> None:
        """Refuses the keys that are left over."""
        for key in self._values:
            if key not in self._taken:
                raise self.error(key, "this key is not known")

    def text(self, key: str, form: re.Pattern[str]) -> str:
        """A string that the pattern matches as a whole."""
        value = self._take(key)
        if not isinstance(value, str):
            raise self.error(key, "must be a string")
        if not form.fullmatch(value):
            raise self.error(key, f"{value!r} does not have the form {form.pattern}")
        return value

    def choice(self, key: str, *choices: str) -> str:
        """One of the strings."""
        value = self._take(key)
        if not isinstance(value, str) or value not in choices:
            raise self.error(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def integer(self, key: str, lowest: int, highest: int) -> int:
        """A whole number within the limits."""
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, "must be a whole number")
        if not lowest <= value <= highest:
            raise self.error(key, f"must be {lowest} to {highest}, not {value}")
        return value

    def number(self, key: str, lowest: float, highest: float) -> float:
        """A number within the limits, the lowest one excluded."""
        value = self._take(key)
        if not _is_moderate(value):
            raise self.error(key, "must be a number up to a million")
        if not lowest < value <= highest:
            raise self.error(key, f"must be more than {lowest} and no more than {highest}, not {value}")
        return float(value)

    def three_numbers(self, key: str) -> tuple[float, float, float]:
        """A list of three numbers, one a channel."""
        value = self._take(key)
        if not isinstance(value, list) or len(value) != 3 or not all(map(_is_moderate, value)):
            raise self.error(key, "must be a list of three numbers up to a million")
        first, second, third = value
        return float(first), float(second), float(third)

    def texts(self, key: str) -> list[str]:
        """A list of strings, not empty."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self.error(key, "must be a list of strings, and not empty")
        return value

    def table(self, key: str) -> Table:
        """A table below this one."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Table(value, f"{self.where}{key}.")

    def tables(self, key: str) -> list[Table]:
        """A list of tables, not empty."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"must be a list of tables, and not empty: [[{key}]]")
        return [Table(item, f"{self.where}{key} {number}: ") for number, item in enumerate(value, 1)]

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise self.error(key, "this key is missing")
        self._taken.add(key)
        return self._values[key]


def _is_moderate(value: object) -> TypeGuard[int | float]:
    """Whether it is a number between minus and plus a million; neither inf nor nan is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e6 <= value <= 1e6
