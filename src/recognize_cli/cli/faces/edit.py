"""`recognize faces name`, `merge`, `split` and `remove`: decisions by hand, which every later run keeps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.faces.common import (
    called,
    faces_argument,
    person_argument,
    plural,
    say,
    writing,
)
from recognize_cli.cli.options import catalogue_option, option, wait_option
from recognize_cli.people.lookup import clean_name, find, find_all, find_faces, rename

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)


class _Name(click.ParamType[str]):
    """A name for a person."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is stored."""
        try:
            return clean_name(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    "name",
    cls=Command,
    examples="""
        recognize faces name 3 "Ada Lovelace"
        recognize faces name --clear "Ada Lovelace"
    """,
)
@person_argument()
@click.argument("name", type=_Name(), required=False)
@option("--clear", is_flag=True, configurable=False, help="Take the name away.")
@wait_option
@catalogue_option
def name_command(person: str, name: str | None, clear: bool, wait: bool, catalogue: Path) -> None:
    """Give a person a name, or another one.

    The next scan tells it as a tag of all photos with a face of that person. From now on their faces stay
    together, until somebody moves them.
    """
    if clear == (name is not None):
        raise click.UsageError("give either a name or --clear")
    with writing(catalogue, wait=wait) as store:
        found = find(store, person)
        rename(store, found, name)
    say(f"{called(found.id, found.name)} {'has no name' if name is None else f'is {name}'} now")


@click.command(
    "merge",
    cls=Command,
    examples="""
        recognize faces merge 3 17 21
        recognize faces merge "Ada Lovelace" 17
    """,
)
@person_argument("into")
@person_argument("others", nargs=-1, required=True, metavar="PERSON...")
@wait_option
@catalogue_option
def merge_command(into: str, others: tuple[str, ...], wait: bool, catalogue: Path) -> None:
    """Make one person of several.

    The faces of all of them go to the first, which keeps its name; without one it takes the first
    name that one of the others has.
    """
    with writing(catalogue, wait=wait) as store:
        kept, *merged = find_all(store, (into, *others))
        if not merged:
            raise click.UsageError("name at least two different people")
        store.merge(kept.id, [each.id for each in merged])
        now = store.person(kept.id) or kept
    old = ", ".join(called(each.id, each.name) for each in merged)
    say(f"{called(now.id, now.name)} has {plural(now.faces, 'face')} now, also those of {old}")
    for each in merged:
        if each.name not in (None, now.name):
            _LOG.warning("the name %s is gone", each.name)


@click.command(
    "split",
    cls=Command,
    examples="""
        recognize faces split 812 813
        recognize faces name "$(recognize faces split 812 813)" "Grace Hopper"
    """,
)
@faces_argument
@wait_option
@catalogue_option
def split_command(faces: tuple[int, ...], wait: bool, catalogue: Path) -> None:
    """Make a new person of faces; prints its id.

    They never go back to the people that they are of now.
    """
    with writing(catalogue, wait=wait) as store:
        found = find_faces(store, faces)
        id_ = store.split([face.id for face in found])
    say(str(id_))


@click.command("remove", cls=Command, examples="recognize faces remove 812 813")
@faces_argument
@wait_option
@catalogue_option
def remove_command(faces: tuple[int, ...], wait: bool, catalogue: Path) -> None:
    """Take faces out of their people, for good.

    They are nobody's from now on. `split` makes a person of them again, which `merge` can give to another.
    """
    with writing(catalogue, wait=wait) as store:
        found = find_faces(store, faces)
        store.remove([face.id for face in found])
    for face in found:
        before = "nobody's before" if face.person is None else f"it was of {called(face.person, face.name)}"
        say(f"face {face.id} is nobody's for good ({before})")
