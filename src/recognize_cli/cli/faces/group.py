"""`recognize faces`: the people in photos.

The commands that look are in here, each of the others in a file of its own.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from recognize_cli.cli.commands import Group
from recognize_cli.cli.faces import cluster, edit, export, reset, review
from recognize_cli.cli.faces.common import person_argument, reading, say
from recognize_cli.cli.options import catalogue_option, format_option, option
from recognize_cli.cli.output import default_format, write_json
from recognize_cli.people.lookup import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recognize_cli.catalogue.people_api import KnownFace, Person
    from recognize_cli.faces.quality import Gates

_LOG = logging.getLogger(__name__)

command = Group(
    "faces",
    help="People in photos: group their faces, name them, correct what is wrong.",
    examples="""
        recognize scan -r faces ~/Pictures
        recognize faces cluster
        recognize faces name 3 "Ada Lovelace"
    """,
)
for each in (
    cluster.command,
    edit.name_command,
    edit.merge_command,
    edit.split_command,
    edit.remove_command,
    reset.command,
    export.command,
    review.command,
):
    command.add_command(each)


@command.command("list", examples="recognize faces list --unnamed")
@option("--unnamed", is_flag=True, configurable=False, help="Only people without a name.")
@format_option("text", "json", "jsonl")
@catalogue_option
def list_people(unnamed: bool, format: str | None, catalogue: Path) -> None:
    """List the people, those with most faces first."""
    from recognize_cli.cli.faces.records import person_record, write_lines

    with reading(catalogue) as store:
        people = [person for person in store.people() if person.name is None or not unnamed]
    match format or default_format(None):
        case "json":
            write_json({"type": "people", "schema": 1, "people": list(map(person_record, people))})
        case "jsonl":
            write_lines(map(person_record, people), sys.stdout.buffer)
        case _:
            _write_people(people)


@command.command(
    "show",
    examples="""
        recognize faces show 3
        recognize faces show "Ada Lovelace" --format json
    """,
)
@person_argument()
@format_option("text", "json", "jsonl")
@catalogue_option
def show(person: str, format: str | None, catalogue: Path) -> None:
    """List the faces of a person.

    DISTANCE is how far a face is from the person, FLAGS what makes it a doubtful one.
    """
    from recognize_cli.cli.faces.records import FaceRecords, person_record, write_lines
    from recognize_cli.faces.quality import Gates

    gates = Gates()
    with reading(catalogue) as store:
        found = find(store, person)
        faces = store.faces(found.id)
        records = map(FaceRecords(store, gates), faces)
        match format or default_format(None):
            case "json":
                write_json({**person_record(found), "members": list(records)})
            case "jsonl":
                write_lines(records, sys.stdout.buffer)
            case _:
                _write_faces(list(faces), gates)


def _write_people(people: Sequence[Person]) -> None:
    """Names come last, so that wide letters put nothing out of line."""
    if not people:
        _LOG.info("there are none; `recognize faces cluster` groups the known faces to people")
    rows = [("ID", "FACES", "FILES", "NAME")]
    rows += [(str(each.id), str(each.faces), str(each.files), each.name or "-") for each in people]
    _write_table(rows)


def _write_faces(faces: Sequence[KnownFace], gates: Gates) -> None:
    from recognize_cli.cli.faces.records import absolute

    rows = [("FACE", "SCORE", "DISTANCE", "FLAGS", "FILE")]
    rows += [
        (
            str(face.id),
            f"{face.score:.2f}",
            "by hand" if face.by_hand else "-" if face.distance is None else f"{face.distance:.2f}",
            ",".join(gates.flags(face)) or "-",
            absolute(face),
        )
        for face in faces
    ]
    _write_table(rows)


def _write_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns flush right, but for the last one."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, last in rows:
        say("  ".join([*(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), last]))
