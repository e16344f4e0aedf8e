"""Completes names and ids of people in a shell."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from recognize_cli.cli.process import COMPLETION_VARIABLE
from recognize_cli.naming import printable

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

_SPECIAL = re.compile(r"([^\w@%+=:,./-])")


def complete_people(
    context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The names that begin so, case ignored, and the ids of people; nothing where anything is amiss.

    Without a beginning those with a name are told by their names alone.
    """
    from click.shell_completion import CompletionItem

    from recognize_cli.catalogue.glance import people

    begun = incomplete.casefold()
    found = []
    for id_, name in people(context.params["catalogue"]):
        if name is not None and name.casefold().startswith(begun) and printable(name) == name:
            found.append(CompletionItem(_quoted(name), help=f"person {id_}"))
        elif str(id_).startswith(begun) and (begun or name is None):
            found.append(CompletionItem(str(id_), help=printable(name or "no name yet")))
    return found


def _quoted(name: str) -> str:
    """A name as it is to be typed; other shells than bash see to that themselves.

    Click's script for bash takes one backslash away before it inserts what is left.
    """
    if not os.environ.get(COMPLETION_VARIABLE, "").startswith("bash"):
        return name
    return _SPECIAL.sub(r"\\\\\1", name)
