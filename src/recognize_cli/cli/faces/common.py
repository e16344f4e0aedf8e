"""What the commands of `recognize faces` share: the open catalogue, and arguments for people and faces."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from recognize_cli.cli.faces.completion import complete_people
from recognize_cli.cli.options import must_exist
from recognize_cli.naming import printable
from recognize_cli.people.lookup import LARGEST_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeVar

    from recognize_cli.catalogue.people_api import FaceStore

    F = TypeVar("F", bound=Callable[..., Any])

_PLURALS = {"person": "people"}


@contextmanager
def reading(catalogue: Path) -> Iterator[FaceStore]:
    """The faces of a catalogue, to look at.

    Raises CatalogueUnusable where there is none: only a scan makes one.
    """
    from recognize_cli.catalogue import SqliteCatalogue

    must_exist(catalogue)
    with SqliteCatalogue.open(catalogue) as opened:
        yield opened.face_store


@contextmanager
def writing(catalogue: Path, *, wait: bool) -> Iterator[FaceStore]:
    """The same, for nobody else to change meanwhile. Raises Locked, and as `reading`."""
    from recognize_cli.locking import acquire

    must_exist(catalogue)  # before a lock file is made for nothing
    with acquire(catalogue, wait=wait), reading(catalogue) as store:
        yield store


def person_argument(name: str = "person", **attributes: Any) -> Callable[[F], F]:
    """PERSON, an id or a name, which shells complete; `people.find` makes a person of it."""
    return click.argument(name, shell_complete=complete_people, **{"metavar": "PERSON", **attributes})


faces_argument = click.argument(
    "faces", nargs=-1, required=True, metavar="FACE...", type=click.IntRange(1, LARGEST_ID)
)
"""FACE..., ids of faces."""


def say(text: str) -> None:
    """Writes a line to stdout, fit for a terminal."""
    sys.stdout.write(printable(text) + "\n")


def called(person: int | None, name: str | None) -> str:
    """A person in a message: ``person 3 (Ada)``."""
    return f"person {person}" if name is None else f"person {person} ({name})"


def plural(count: int, noun: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{count} {noun if count == 1 else _PLURALS.get(noun, f'{noun}s')}"
