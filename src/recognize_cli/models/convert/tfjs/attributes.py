"""The attributes of a node, as protobuf's JSON writes TensorFlow's AttrValue."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs import document
from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import FROM_TENSORFLOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.models.convert.tfjs.kinds import Kind


@dataclass(frozen=True, slots=True)
class Attributes:
    """Reads attributes by name and type; each method raises Unconvertible for another type.

    A default stands for an attribute that is absent; without one its absence is an error.
    """

    raw: Mapping[str, object]

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer."""
        value = self._field(name, "i")
        if value is None and default is not None:
            return default
        return document.integer(value, f"the attribute {name}")

    def integers(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of integers."""
        values = self._list(name, "i")
        if values is None and default is not None:
            return default
        where = f"the attribute {name}"
        return tuple(document.integer(value, where) for value in document.sequence(values, where))

    def flag(self, name: str) -> bool:
        """A boolean; an absent one is false."""
        value = self._field(name, "b")
        if value is not None and not isinstance(value, bool):
            raise Unconvertible(f"the attribute {name} is not a boolean")
        return bool(value)

    def number(self, name: str, default: float) -> float:
        """A floating-point number."""
        value = self._field(name, "f")
        return default if value is None else document.number(value, f"the attribute {name}")

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self._field(name, "s")
        if value is None and default is not None:
            return default
        return _decoded(value, name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; an absent one is empty."""
        return tuple(_decoded(value, name) for value in self._list(name, "s") or ())

    def type(self, name: str) -> str:
        """The name of a data type, such as DT_FLOAT."""
        return document.text(self._field(name, "type"), f"the attribute {name}")

    def kind(self, name: str) -> Kind:
        """What a data type becomes."""
        value = self.type(name)
        if value not in FROM_TENSORFLOW:
            raise Unconvertible(f"the attribute {name} is {value!r}, which is not supported")
        return FROM_TENSORFLOW[value]

    def shape(self, name: str) -> tuple[int | None, ...]:
        """A shape of known rank; None is a size that is not known."""
        where = f"the attribute {name}"
        described = document.mapping(self._field(name, "shape"), where)
        if described.get("unknownRank"):
            raise Unconvertible(f"{where} does not say how many axes there are")
        sizes = [
            document.integer(document.mapping(axis, where).get("size"), where)
            for axis in document.sequence(described.get("dim", []), where)
        ]
        if any(size < -1 for size in sizes):
            raise Unconvertible(f"{where} has a negative size")
        return tuple(None if size == -1 else size for size in sizes)

    def _field(self, name: str, field: str) -> object:
        if name not in self.raw:
            return None
        value = document.mapping(self.raw[name], f"the attribute {name}")
        if field not in value:
            raise Unconvertible(f"the attribute {name} has another type than expected")
        return value[field]

    def _list(self, name: str, field: str) -> list[object] | None:
        value = self._field(name, "list")
        if value is None:
            return None
        where = f"the attribute {name}"
        return document.sequence(document.mapping(value, where).get(field, []), where)


def _decoded(value: object, name: str) -> str:
    try:
        return base64.b64decode(document.text(value, f"the attribute {name}"), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unconvertible(f"the attribute {name} is not a text in base64") from error
