"""The class names of a model, in the order of its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from recognize_cli.errors import LockFileError
from recognize_cli.resources import shipped

_LINE = re.compile(r"(n\d{8}) (\S.*)")


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its WordNet id and its name, as WordNet writes it."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


@cache
def load_labels(name: str) -> tuple[Label, ...]:
    """The shipped list of that name, one line a class: id, blank, name. Raises LockFileError."""
    path = shipped(f"{name}.txt")
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        problem = f"these labels cannot be read: {error.strerror or error}"
        raise LockFileError(path=path, problem=problem) from error
    labels = []
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise LockFileError(path=f"{path}:{number}", problem=f"{line!r} is not an id and a name")
        labels.append(Label(id=match[1], name=match[2]))
    return tuple(labels)
