"""`recognize faces cluster`: which faces are of one person."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.faces.common import plural, writing
from recognize_cli.cli.options import catalogue_option, format_option, lock_option, option, wait_option
from recognize_cli.cli.output import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from recognize_cli.models.lockfile import Lock
    from recognize_cli.people.grouping import Clustered

_LOG = logging.getLogger(__name__)
_GATES = "Which faces may found a person; the others only join one"


@click.command(
    "cluster",
    cls=Command,
    examples="""
        recognize faces cluster
        recognize faces cluster --rebuild --threshold 0.9
        recognize scan -q -r faces /data > /dev/null; recognize faces cluster -q > /dev/null
    """,
)
@option(
    "--rebuild",
    is_flag=True,
    configurable=False,
    help="Group all faces anew, but for what was decided by hand.",
)
@option(
    "--min-size",
    "fewest",
    type=click.IntRange(2, 1000),
    default=2,
    metavar="N",
    help="So many faces make a person.",
)
@option(
    "--threshold",
    type=click.FloatRange(0, 100, min_open=True),
    metavar="X",
    show_default="what suits the model",
    help="Up to this distance two faces are likely of one person; less makes more and purer people.",
)
@option("--threads", type=click.IntRange(1, 256), show_default="cores", help="Threads that compare faces.")
@wait_option
@option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.85,
    metavar="X",
    section=_GATES,
    help="How sure the detector must be, 0 to 1.",
)
@option(
    "--min-face",
    "min_size",
    type=click.FloatRange(0, 1),
    default=0.03,
    metavar="X",
    section=_GATES,
    help="How large, as a fraction of the picture's side.",
)
@option(
    "--max-roll",
    type=click.FloatRange(0, 180),
    default=30.0,
    metavar="DEGREES",
    section=_GATES,
    help="How far a head may lean to a side.",
)
@option(
    "--max-yaw",
    type=click.FloatRange(0, 180),
    default=50.0,
    metavar="DEGREES",
    section=_GATES,
    help="How far a head may look to a side.",
)
@option(
    "--min-sharpness",
    type=click.FloatRange(0, 8),
    default=0.25,
    metavar="X",
    section=_GATES,
    help="How sharp: 0 is without detail, 0.5 a good photo.",
)
@format_option("text", "json", default="text")
@catalogue_option
@lock_option
def command(
    rebuild: bool,
    fewest: int,
    threshold: float | None,
    threads: int | None,
    wait: bool,
    format: str,
    catalogue: Path,
    lock: Path | None,
    **gates: float,
) -> None:
    """Group the known faces to people.

    Faces of nobody join people or make new ones; with --rebuild all faces are grouped anew. What was decided
    by hand stays: people with a name and all their faces, merges, splits and removals.
    """
    from recognize_cli.faces.quality import Gates
    from recognize_cli.hardware import probe
    from recognize_cli.models.lockfile import load_lock
    from recognize_cli.people.grouping import cluster

    start, locked = time.monotonic(), load_lock(lock)
    with writing(catalogue, wait=wait) as store:
        models = store.models()
        if not models:
            _LOG.warning("no faces are known yet; `recognize scan -r faces SOURCE` looks for them")
        done = cluster(
            store,
            _distances(models, locked, threshold),
            Gates(**gates),
            min_size=fewest,
            rebuild=rebuild,
            threads=threads or probe().cores,
        )
    _report(done, format, time.monotonic() - start)


def _distances(models: Iterable[str], lock: Lock, threshold: float | None) -> dict[str, float]:
    """Which distance is near for the faces of each model, by its fingerprint.

    Models that nobody knows are left out, with a warning. Raises NoThreshold where none is left.
    """
    from recognize_cli.errors import NoThreshold
    from recognize_cli.people.grouping import distance_of

    found = {model: threshold or distance_of(model, lock.models) for model in models}
    unknown = [NoThreshold(model=model[:12]) for model, distance in found.items() if distance is None]
    if unknown and len(unknown) == len(found):
        raise unknown[0]
    for problem in unknown:
        _LOG.warning("%s; they are left as they are", problem)
    return {model: distance for model, distance in found.items() if distance is not None}


def _report(done: Clustered, format: str, seconds: float) -> None:
    if format == "json":
        write_json({"type": "faces-cluster", "schema": 1, **asdict(done), "seconds": round(seconds, 3)})
        return
    sys.stdout.write(
        f"{plural(done.faces, 'face')}, {plural(done.people, 'person')} ({done.new_people} new)\n"
        f"{done.assigned} joined a person, {done.moved} moved, {done.released} left one,"
        f" {done.unassigned} belong to nobody\n"
    )
