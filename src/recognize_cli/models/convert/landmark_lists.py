"""Lists of landmarks as Recognize has them: JSON, ``{"name": {"0": "Eiffel Tower", "1": null, ...}}``.

Key is the number of the class. Names were typed by many people: some bear invisible marks.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tfjs import document
from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 1000
_JOINERS = "\u200c\u200d"  # Persian and Sinhala need them within words


def read_list(path: Path, classes: int) -> list[str | None]:
    """The name of each class, None for one without; raises ConversionFailed if they are not so many."""
    try:
        listed = document.mapping(document.read(path).get("name"), "name")
        if len(listed) != classes:
            raise Unconvertible(f"it names {len(listed)} classes, and the model has {classes}")
        return [_name(listed, number) for number in range(classes)]
    except Unconvertible as error:
        raise ConversionFailed(name=path, problem=str(error)) from error


def _name(listed: dict[str, object], number: int) -> str | None:
    key = str(number)
    if key not in listed:
        raise Unconvertible(f"it has no class {number}")
    value = listed[key]
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Unconvertible(f"the name of class {number} is not a text of at most {_LONGEST} characters")
    name = _cleaned(value)
    if not name or not name.translate(dict.fromkeys(map(ord, _JOINERS))).isprintable():
        raise Unconvertible(f"the name of class {number} cannot be shown: {value!a}")
    return name


def _cleaned(text: str) -> str:
    """The text composed, without invisible marks and doubled blanks."""
    composed = unicodedata.normalize("NFC", text)
    seen = (char for char in composed if char in _JOINERS or unicodedata.category(char) != "Cf")
    return " ".join("".join(seen).split()).strip(_JOINERS)
