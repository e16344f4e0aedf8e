"""The options of a scan that are about servers: what is read from them, and what is pushed to them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recognize_cli.cli.options import ca_option, option
from recognize_cli.cli.parameters import Size

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    option(
        "--push",
        is_flag=True,
        section="Servers",
        help="Put the tags on the files of a Nextcloud SOURCE, for all its users to see; only tags that"
        " recognize put there are ever taken off.",
    ),
    option(
        "--push-to",
        metavar="ADDRESS",
        section="Servers",
        help="Put the tags of local files on the same files of a Nextcloud: nextclouds://alice@host/Photos."
        " It has to have them under the same path and with the same size.",
    ),
    option(
        "--map",
        "push_map",
        multiple=True,
        metavar="LOCAL=REMOTE",
        section="Servers",
        help="LOCAL is the folder REMOTE below --push-to; may be given several times. Without it the"
        " SOURCE is the whole of --push-to.",
    ),
    option(
        "--push-people",
        is_flag=True,
        section="Servers",
        help="Put the names of people on photos, too. All users of the server see them; a push without this"
        " takes them off again.",
    ),
    option(
        "-n",
        "--dry-run",
        is_flag=True,
        configurable=False,
        section="Servers",
        help="With --push or --push-to: scan, and tell what would be pushed; push nothing.",
    ),
    ca_option,
    option(
        "--previews/--no-previews",
        default=True,
        section="Servers",
        help="Look at a Nextcloud's previews of images, where it makes some, instead of fetching the images.",
    ),
    option(
        "--downloads",
        type=click.IntRange(1, 32),
        default=4,
        section="Servers",
        help="Files that are fetched from a server at a time.",
    ),
    option(
        "--temporary",
        type=Size(),
        show_default="4GiB, less where little is free",
        section="Servers",
        help="What files on their way may take of the disk that TMPDIR is on.",
    ),
)


def server_options(command: F) -> F:
    """Adds them, as the fields of `ScanOptions` with these names."""
    return reduce(lambda decorated, add: add(decorated), reversed(_OPTIONS), command)
