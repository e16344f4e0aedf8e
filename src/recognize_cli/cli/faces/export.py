"""`recognize faces export`: all faces, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.faces.common import person_argument, reading
from recognize_cli.cli.options import catalogue_option, format_option, output_option
from recognize_cli.cli.output import destination
from recognize_cli.people.lookup import find_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from recognize_cli.catalogue.people_api import FaceStore, KnownFace


@click.command(
    "export",
    cls=Command,
    examples="""
        recognize faces export -o faces.jsonl
        recognize faces export "Ada Lovelace" | jq -r '.source + "/" + .path'
        recognize faces export --format csv -o faces.csv
    """,
)
@person_argument("persons", nargs=-1, metavar="[PERSON]...")
@format_option("jsonl", "json", "csv", default="jsonl")
@output_option
@catalogue_option
def command(persons: tuple[str, ...], format: str, output: Path | None, catalogue: Path) -> None:
    """Write faces for other programs.

    All faces, or those of some people: a line, an object or a row for each.
    """
    from recognize_cli.cli.faces.records import FaceRecords, write_array, write_lines, write_rows
    from recognize_cli.faces.quality import Gates

    write = {"jsonl": write_lines, "json": write_array, "csv": write_rows}[format]
    with reading(catalogue) as store:
        people = [person.id for person in find_all(store, persons)]
        faces = _faces(store, people) if persons else store.faces()
        with destination(output) as stream:
            write(map(FaceRecords(store, Gates()), faces), cast("IO[bytes]", stream.buffer))


def _faces(store: FaceStore, people: Sequence[int]) -> Iterator[KnownFace]:
    for person in people:
        yield from store.faces(person)
