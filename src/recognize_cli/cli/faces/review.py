"""`recognize faces review`: a page to look at all faces and people, with commands to copy."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.options import catalogue_option, default_catalogue, option, progress_option

if TYPE_CHECKING:
    from recognize_cli.errors import ExitCode
    from recognize_cli.review.make import Place
    from recognize_cli.review.page import ReviewPage

_LOG = logging.getLogger(__name__)
_LOOK_AHEAD = 2
"""Photos decoded or being decoded for each decoding process; one takes 12 MB at most until it is cut."""


@click.command(
    "review",
    cls=Command,
    examples="""
        recognize faces review -o ~/review
        recognize faces review -o ~/review --max-faces-per-person 20
    """,
)
@option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    section="Output",
    help="A folder for the review alone: a new or empty one, or one that an earlier review made.",
)
@option(
    "--max-people",
    type=click.IntRange(1),
    default=2000,
    section="Output",
    help="Show so many people: those with a name, then those with most faces.",
)
@option(
    "--max-faces-per-person",
    type=click.IntRange(1),
    default=100,
    section="Output",
    help="Show so many faces of each person, the surest first.",
)
@option("--rebuild-thumbnails", is_flag=True, section="Output", help="Cut all pictures of faces anew.")
@progress_option
@catalogue_option
def command(
    output: Path,
    max_people: int,
    max_faces_per_person: int,
    rebuild_thumbnails: bool,
    progress: bool | None,
    catalogue: Path,
) -> ExitCode:
    """Make a page to look at: every person, people who look alike, faces that may be wrong.

    It is a folder of plain files; open its index.html in a browser. Nothing in it uses a network. The page
    puts the commands together that give names, merge and split; copy them into a terminal. Pictures of an
    earlier review are kept. Ctrl-C leaves the earlier page as it is.
    """
    from contextlib import closing

    from recognize_cli.cli.faces.common import reading
    from recognize_cli.cli.progress import file_progress
    from recognize_cli.errors import ExitCode
    from recognize_cli.faces.quality import Gates
    from recognize_cli.hardware import probe
    from recognize_cli.media.sandbox import Sandbox
    from recognize_cli.review.folder import ReviewFolder
    from recognize_cli.review.make import Cutter, make
    from recognize_cli.review.survey import Limits
    from recognize_cli.review.thumbnails import MAX_PHOTO_SIDE

    limits = Limits(people=max_people, faces_per_person=max_faces_per_person)
    jobs = probe().cores
    with (
        reading(catalogue) as store,
        closing(file_progress(progress, "review")) as bar,
        Sandbox(jobs, max_side=MAX_PHOTO_SIDE) as sandbox,
    ):
        folder = ReviewFolder.open(output)
        cutter = Cutter(sandbox.submit, _LOOK_AHEAD * jobs, bar, fresh=rebuild_thumbnails)
        page, failed = make(store, Gates().flags, limits, cutter, folder, _place(catalogue))
    _LOG.info("%s: %s", folder.index, _in_words(page))
    return ExitCode.SOME_FAILED if failed else ExitCode.DONE


def _place(catalogue: Path) -> Place:
    from recognize_cli.review.make import Place
    from recognize_cli.review.shell import shell_word

    absolute = Path(os.path.abspath(catalogue))
    option = "" if absolute == default_catalogue() else f"--catalogue {shell_word(absolute)}"
    return Place(str(absolute), option, time.strftime("%Y-%m-%d %H:%M"))


def _in_words(page: ReviewPage) -> str:
    from recognize_cli.cli.faces.common import plural

    return (
        f"{plural(page.people_count, 'person')} ({page.named_count} named),"
        f" {plural(len(page.pairs), 'pair')} who look alike,"
        f" {plural(page.unsure_count, 'unsure face')}, {page.nobody_count} of nobody"
    )
