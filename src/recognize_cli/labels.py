"""The class names of a model, in the order of its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from recognize_cli.errors import LockFileError
from recognize_cli.resources import shipped

_LINE = re.compile(r"(?:(n\d{8}) )?(\S(?:.*\S)?)")


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its WordNet id and its name, as WordNet writes it. Other lists have no ids."""

    id: str | None
    name: str

    @property
    def key(self) -> str:
        """What no two classes of a list share: the id, or the name where there are no ids."""
        return self.id or self.name

    def __str__(self) -> str:
        return f"{self.id} {self.name}" if self.id else self.name


@cache
def load_labels(name: str) -> tuple[Label, ...]:
    """The shipped list of that name, one line a class: id, blank, name, or in all lines only a name.

    Raises LockFileError, also for a class that is there twice.
    """
    path = shipped(f"{name}.txt")
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        problem = f"these labels cannot be read: {error.strerror or error}"
        raise LockFileError(path=path, problem=problem) from error
    labels: dict[str, Label] = {}
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        match = _LINE.fullmatch(line)
        if match is None:
            raise LockFileError(path=where, problem=f"{line!r} is not an id and a name, nor a name")
        label = Label(id=match[1], name=match[2])
        first = next(iter(labels.values()), label)
        if (label.id is None) != (first.id is None):
            problem = f"{line!r} has {'no' if first.id else 'an'} id, unlike the first line"
            raise LockFileError(path=where, problem=problem)
        if label.key in labels:
            raise LockFileError(path=where, problem=f"{line!r} is there twice")
        labels[label.key] = label
    return tuple(labels.values())
