"""Reads a pickle as data.

A pickle is a program: unpickling one that somebody else wrote can run anything. This reads its
opcodes with `pickletools` and carries out the few that plain data needs, on plain values. No class
is looked up and nothing is called; what the pickle refers to by name or by persistent id is handed
to the reader of the file format, which says what it stands for.
"""

from __future__ import annotations

import pickletools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

_MOST_OPCODES = 200_000  # a state dict of 400 tensors has 12 000
_MARK = object()


class PickleRefused(Exception):
    """The pickle is damaged, or does more than hold plain data."""


@dataclass(frozen=True, slots=True)
class Global:
    """Something that a pickle refers to by ``module name``; only that name."""

    name: str


class Meaning(Protocol):
    """What the names in a pickle stand for; each method raises PickleRefused for what it does not know."""

    def persistent(self, identity: object) -> object:
        """The object with this persistent id."""
        ...

    def call(self, function: Global, arguments: object) -> object:
        """What the pickle wants from calling `function`."""
        ...


class NoMeaning:
    """For pickles without names."""

    def persistent(self, identity: object) -> object:
        raise PickleRefused("it has a persistent id")

    def call(self, function: Global, arguments: object) -> object:
        raise PickleRefused(f"it calls {function.name!r}, which is not allowed")


def read_pickle(stream: IO[bytes], meaning: Meaning) -> object:
    """The value of the pickle at the stream's position, which moves behind it; raises PickleRefused."""
    machine = _Machine(meaning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pickletools: a backslash in a name
            for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
                if count > _MOST_OPCODES:
                    raise PickleRefused(f"it has more than {_MOST_OPCODES} opcodes")
                machine.step(opcode.name, argument)
    except ValueError as error:
        raise PickleRefused(f"it is damaged: {error}") from error
    except (IndexError, KeyError) as error:
        raise PickleRefused("it is damaged: it uses a value that is not there") from error
    return machine.result()


class _Machine:
    """A stack and a memo. The methods raise PickleRefused, IndexError and KeyError."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Carries out one opcode."""
        if name in _LITERALS:
            self.push(argument)
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        else:
            raise PickleRefused(f"it has the opcode {name}, which plain data does not need")

    def result(self) -> object:
        if len(self._stack) != 1:
            raise PickleRefused("it is damaged: it does not end with one value")
        return self._stack[0]

    def push(self, value: object) -> None:
        self._stack.append(value)

    def put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    def tuple_of_last(self, length: int) -> None:
        items = [self._stack.pop() for _ in range(length)]
        self.push(tuple(reversed(items)))

    def tuple_since_mark(self) -> None:
        self.push(tuple(self._since_mark()))

    def persistent(self) -> None:
        self.push(self._meaning.persistent(self._stack.pop()))

    def call(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Global):
            raise PickleRefused("it calls something that is not a name")
        self.push(self._meaning.call(function, arguments))

    def build(self) -> None:
        """An OrderedDict may carry attributes: they are dropped. Nothing else may have any."""
        self._stack.pop()
        if not isinstance(self._stack[-1], dict):
            raise PickleRefused("it sets the attributes of something that is not a dict")

    def append(self) -> None:
        value = self._stack.pop()
        self._extend([value])

    def append_since_mark(self) -> None:
        self._extend(self._since_mark())

    def set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._update([key, value])

    def set_items_since_mark(self) -> None:
        self._update(self._since_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise PickleRefused("it appends to something that is not a list")
        target.extend(values)

    def _update(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise PickleRefused("it sets an item of something that is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise PickleRefused("it has a key that is not a string")
            target[key] = value

    def _since_mark(self) -> list[Any]:
        values = []
        while (value := self._stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]


_LITERALS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda _machine, _version: None,
    "STOP": lambda _machine, _: None,
    "MARK": lambda machine, _: machine.push(_MARK),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": lambda machine, _: machine.tuple_since_mark(),
    "TUPLE1": lambda machine, _: machine.tuple_of_last(1),
    "TUPLE2": lambda machine, _: machine.tuple_of_last(2),
    "TUPLE3": lambda machine, _: machine.tuple_of_last(3),
    "BINPUT": lambda machine, index: machine.put(index),
    "LONG_BINPUT": lambda machine, index: machine.put(index),
    "BINGET": lambda machine, index: machine.get(index),
    "LONG_BINGET": lambda machine, index: machine.get(index),
    "GLOBAL": lambda machine, name: machine.push(Global(name)),
    "BINPERSID": lambda machine, _: machine.persistent(),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "APPEND": lambda machine, _: machine.append(),
    "APPENDS": lambda machine, _: machine.append_since_mark(),
    "SETITEM": lambda machine, _: machine.set_item(),
    "SETITEMS": lambda machine, _: machine.set_items_since_mark(),
}
