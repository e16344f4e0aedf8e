"""`recognize bench`: the options; `bench_run` does what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.devices import batch_option, device_option
from recognize_cli.cli.options import format_option, lock_option, option, store_option
from recognize_cli.cli.parameters import Duration, PerName

if TYPE_CHECKING:
    from recognize_cli.errors import ExitCode

RECOGNIZERS = ("objects", "faces", "landmarks", "music", "actions")
"""Those that run models of their own."""


@click.command(
    "bench",
    cls=Command,
    examples="""
        recognize bench
        recognize bench ~/Pictures -r objects -r faces --seconds 20
        recognize bench -r objects --model efficientnet-lite2 --model efficientnet-lite4
        recognize bench --format json | jq '.results[] | {model, ratio}'
    """,
)
@click.argument("folder", metavar="[FOLDER]", required=False, type=click.Path(file_okay=False))
@option(
    "-r",
    "--recognizer",
    "recognizers",
    type=click.Choice(RECOGNIZERS),
    multiple=True,
    show_default="all whose model is installed",
    help="What to measure; may be given several times.",
)
@option(
    "--backend",
    type=PerName("recognizer", RECOGNIZERS, ("auto", "native", "portable")),
    multiple=True,
    default=("auto",),
    or_one=True,
    help="Which model of a recognizer to measure, as for `recognize scan`.",
)
@option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Measure this model of models.lock; may be given several times, to compare them.",
)
@option(
    "--engine",
    "engines",
    type=click.Choice(("onnxruntime", "openvino")),
    multiple=True,
    show_default="all that are installed",
    help="Measure models in this engine, in the precision that `recognize scan --engine` takes; may be given"
    " several times, to compare them.",
)
@option("--seconds", type=Duration(), default="5s", help="How long to measure each model, roughly.")
@option(
    "--files",
    type=click.IntRange(1, 1000),
    default=50,
    help="Use at most so many files of each kind in FOLDER.",
)
@format_option("text", "json", default="text")
@option(
    "--jobs",
    type=click.IntRange(1, 256),
    show_default="cores",
    section="Resources",
    help="Processes that decode files.",
)
@option(
    "--threads",
    type=click.IntRange(1, 256),
    show_default="cores",
    section="Resources",
    help="Threads that run models.",
)
@batch_option
@device_option
@store_option
@lock_option
def command(**settings: Any) -> ExitCode:
    """Measure how fast recognizers are on this machine.

    Each is measured with media made on the spot, or with those in FOLDER, which are only read: the parts of
    the work by themselves, and a whole scan, which cannot be faster than its parts (the floor). Rates that
    were measured with made media are remembered: scans then run a model in the engine that is fastest here,
    and with --backend auto they pass over a full-size model that is too slow. What was measured on a GPU is
    not remembered.
    """
    from recognize_cli.cli.bench_run import BenchOptions, run_bench
    from recognize_cli.cli.devices import resolved

    return run_bench(BenchOptions(**resolved(settings)))
