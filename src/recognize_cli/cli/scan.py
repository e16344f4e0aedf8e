"""`recognize scan`: the options; `wiring` puts together what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.options import (
    catalogue_option,
    format_option,
    lock_option,
    offline_option,
    option,
    output_option,
    progress_option,
    rules_option,
    store_option,
)
from recognize_cli.cli.parameters import PerName, Size
from recognize_cli.cli.resource_options import resource_options
from recognize_cli.cli.server_options import server_options
from recognize_cli.recognizers.landmarks import ASKED_BY

if TYPE_CHECKING:
    from recognize_cli.errors import ExitCode

_RULE_ORDER = "recognize_cli.rule_order"
RECOGNIZERS = ("objects", "faces", "landmarks", "places", "music", "actions", "video_objects")
"""All there are, in the order in which they look at a file and in which records name them."""

DEFAULT = "default"
"""Stands for `DEFAULTS` in an option, and for those, too, whose models somebody has fetched by hand."""

DEFAULTS = ("objects", "faces", "music", "actions")


class _ScanCommand(Command):
    """Remembers in which order ``--include`` and ``--exclude`` were given: the first that matches wins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses twice: Click itself gives the values of each option, but not the order among options."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_RULE_ORDER] = [param.name for param in order if param.name in {"include", "exclude"}]
        return super().parse_args(ctx, args)


@click.command(
    "scan",
    cls=_ScanCommand,
    examples="""
        recognize scan ~/Pictures
        recognize scan /data --changed-only --max-duration 6h -o /var/lib/recognize/last.jsonl
        recognize scan /data | jq -r 'select(.type=="file" and any(.tags[]; .name=="Cat")) | .path'
        find /data -newer stamp -print0 | recognize scan - -0
    """,
)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@option(
    "-r",
    "--recognizer",
    "recognizers",
    type=click.Choice((DEFAULT, *RECOGNIZERS)),
    multiple=True,
    default=(DEFAULT,),
    help="What to look for; may be given several times. The default is objects, faces, music and actions,"
    " and landmarks where their model is installed.",
)
@option(
    "--backend",
    type=PerName("recognizer", RECOGNIZERS, ("auto", "native", "portable")),
    multiple=True,
    default=("auto",),
    or_one=True,
    help="Full-size models, small ones, or the best that is installed and that this machine can run; for all"
    " recognizers or for one (actions=native). May be given several times, the last one counts.",
)
@option(
    "--engine",
    type=PerName("recognizer", RECOGNIZERS, ("auto", "onnxruntime", "openvino")),
    multiple=True,
    default=("auto",),
    or_one=True,
    help="What runs the models: OpenVINO is an extra, and faster on some CPUs, where it may compute in less"
    " precision; auto takes what `recognize bench` found to be the fastest with the same scores. For all"
    " recognizers or for one (objects=openvino).",
)
@option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Use this model of models.lock for its recognizer, whatever its tier; may be given several times.",
)
@option(
    "--landmarks-for",
    "landmarks_for",
    multiple=True,
    default=sorted(ASKED_BY),
    metavar="TAG",
    help="Look for landmarks in photos that objects gave this tag; may be given several times.",
)
@option(
    "--video-objects/--no-video-objects",
    default=True,
    help="Tag the objects in videos where no model for actions can be had.",
)
@rules_option
@option("--scores", is_flag=True, section="Output", help="Add the raw top classes to each record.")
@option(
    "--changed-only", is_flag=True, section="Output", help="Leave out what is unchanged since the last run."
)
@option(
    "--ordered",
    is_flag=True,
    section="Output",
    help="Give results in the order of the walk; a slow file holds up those after it.",
)
@format_option("text", "jsonl", "json")
@output_option
@progress_option
@catalogue_option
@option(
    "--no-catalogue",
    is_flag=True,
    section="Catalogue",
    help="Remember nothing, and know nothing of earlier runs.",
)
@option("--full", is_flag=True, section="Catalogue", help="Look at every file again, known or not.")
@option(
    "--retry",
    is_flag=True,
    section="Catalogue",
    help="Try files again that could not be read, and tags that a server refused.",
)
@option(
    "--wait",
    is_flag=True,
    section="Catalogue",
    help="Wait for another run to end instead of exiting with 11.",
)
@option(
    "--include",
    multiple=True,
    metavar="GLOB",
    section="Files",
    help="Read matching files only; see docs/filters.md.",
)
@option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    section="Files",
    help="Leave matching files and directories out.",
)
@option(
    "-x", "--one-file-system", is_flag=True, section="Files", help="Stay on the file system of the source."
)
@option("--follow-symlinks", is_flag=True, section="Files", help="Read what symbolic links lead to.")
@option(
    "--files-from",
    type=click.File("rb"),
    metavar="FILE",
    configurable=False,
    section="Files",
    help="Read only the files listed in FILE, one a line; - is stdin.",
)
@option(
    "-0",
    "--null",
    "nul",
    is_flag=True,
    configurable=False,
    section="Files",
    help="Listed files end with a NUL byte, not a newline.",
)
@server_options
@option("--max-size", type=Size(), section="Files", help="Leave larger files out, such as 100MiB.")
@option(
    "--explain",
    metavar="PATH",
    configurable=False,
    section="Files",
    help="Say whether a path of the source takes part, and why; scan nothing.",
)
@resource_options
@offline_option
@store_option
@lock_option
@click.pass_context
def command(ctx: click.Context, /, **settings: Any) -> ExitCode:
    """Tag the media files of a tree.

    A SOURCE is a folder or a file, or a folder on a server: nextclouds://user@host/path or
    webdavs://user@host/path; - reads paths from stdin. What an earlier run knows is not looked at
    again, and is part of the output all the same. Models are fetched the first time they are needed.
    """
    from recognize_cli.cli.devices import CPU, resolved
    from recognize_cli.cli.priority import stand_back
    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.cli.wiring import explain_path, run_scan

    if not settings["sources"]:
        if settings["files_from"] is None:
            raise click.UsageError("Name a SOURCE: a folder, a file, or - for paths from stdin.")
        settings["sources"] = (".",)
    order = ctx.meta[_RULE_ORDER]
    include, exclude = settings.pop("include"), settings.pop("exclude")
    stand_back(settings["nice"], settings["ionice"])
    if settings["explain"]:
        settings["device"] = CPU  # no model runs
    prepared = ScanOptions(filters=in_order(order, include, exclude), **resolved(settings))
    return explain_path(prepared) if prepared.explain else run_scan(prepared)


def in_order(order: list[str], include: tuple[str, ...], exclude: tuple[str, ...]) -> list[tuple[bool, str]]:
    """The rules as (include, pattern) in the order of the command line.

    Those of the config file or a variable have no order among options: excludes come first there.
    """
    if len(order) != len(include) + len(exclude):
        return [*((False, pattern) for pattern in exclude), *((True, pattern) for pattern in include)]
    rest = {"include": iter(include), "exclude": iter(exclude)}
    return [(name == "include", next(rest[name])) for name in order]
