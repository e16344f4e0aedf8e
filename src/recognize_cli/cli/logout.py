"""`recognize logout`: the end of a stored login."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Command
from recognize_cli.cli.options import ca_option, option

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)


@click.command("logout", cls=Command, examples="recognize logout https://cloud.example")
@click.argument("url")
@option(
    "--local",
    is_flag=True,
    configurable=False,
    help="Forget the password here, and leave it valid at the server.",
)
@ca_option
def command(url: str, local: bool, ca: Path | None) -> None:
    """Forget the password of the account on the server at URL; a Nextcloud makes it invalid, too.

    Where several accounts of a server are stored, URL has to name one: https://alice@cloud.example.
    """
    from recognize_cli.cli import signing

    login, revoked = signing.out(url, ca, local=local)
    _LOG.info("the password of %s is %s", login.account, "invalid and forgotten" if revoked else "forgotten")
