"""`recognize faces reset`: forget people, or faces too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.faces.common import plural, reading, say, writing
from recognize_cli.cli.options import catalogue_option, option, wait_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "reset",
    cls=Command,
    examples="""
        recognize faces reset --clusters
        recognize faces reset --all --yes
    """,
)
@option(
    "--clusters", is_flag=True, configurable=False, help="Forget people, names and decisions; keep the faces."
)
@option(
    "--all",
    "everything",
    is_flag=True,
    configurable=False,
    help="Forget the faces too: the next scan looks for them anew.",
)
@option("--yes", is_flag=True, configurable=False, help="Do not ask.")
@wait_option
@catalogue_option
def command(clusters: bool, everything: bool, yes: bool, wait: bool, catalogue: Path) -> None:
    """Forget all people, or all faces. There is no way back but a copy of the catalogue."""
    if clusters == everything:
        raise click.UsageError("say what to forget: --clusters (people and names) or --all (faces too)")
    with reading(catalogue) as store:
        people = store.people()
        faces = sum(store.models().values())
    names = sum(person.name is not None for person in people)
    what = f"{plural(len(people), 'person')} ({names} with a name)"
    if everything:
        what += f" and {plural(faces, 'face')}"
    if not yes and not _confirmed(f"Forget {what}?"):
        click.echo("nothing was changed", err=True)
        return
    with writing(catalogue, wait=wait) as store:
        if everything:
            store.reset_faces()
        else:
            store.reset_people()
    say(f"forgot {what}")


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; say --yes if you mean it")
    return click.confirm(question, err=True)
