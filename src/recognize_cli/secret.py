"""A password or token that no log line, traceback or pickle can show."""

from __future__ import annotations

import hmac
from json import dumps
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "********"
"""What stands in place of a secret."""

PREFIX: Final = "RECOGNIZE_"
"""Begins the names of all variables of this program; some hold a password."""

_SHORTEST = 4  # hiding each "a" would spoil every message, and protect nobody


class Secret:
    """Holds a value that only `reveal` gives out; any other way to write it down shows `HIDDEN`."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        _ALIVE[id(self)] = self

    def reveal(self) -> str:
        """The value itself: for the one place that sends or stores it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        ours, theirs = (each.reveal().encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(ours, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


_ALIVE: Final[WeakValueDictionary[int, Secret]] = WeakValueDictionary()


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for another program: without our own variables."""
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}


def redacted(text: str) -> str:
    """The text without the values of all secrets in use, as they are or escaped as in URLs and JSON."""
    for secret in list(_ALIVE.values()):
        value = secret.reveal()
        if len(value) >= _SHORTEST:
            forms = {value, quote(value, safe="", errors="replace"), dumps(value)[1:-1], repr(value)[1:-1]}
            for form in sorted(forms, key=len, reverse=True):
                text = text.replace(form, HIDDEN)
    return text
