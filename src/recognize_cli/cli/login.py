"""`recognize login`: stores the password of an account on a server; `signing` talks to the server."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import ca_option, format_option, option
from recognize_cli.cli.output import write_json
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.accounts.logins import Login

_LOG = logging.getLogger(__name__)


@click.group(
    "login",
    cls=Group,
    examples="""
        recognize login nextcloud https://cloud.example
        recognize login webdav https://alice@files.example/dav
    """,
)
def command() -> None:
    """Store the password of an account on a server, in the keyring or in a file for you alone.

    Commands that talk to the server then find it. They find passwords, too, in the variables
    RECOGNIZE_PASSWORD, RECOGNIZE_PASSWORD_FILE and RECOGNIZE_PASSWORD_COMMAND, and in the table [passwords]
    of the config file.
    """


@command.command("nextcloud", examples="recognize login nextcloud https://cloud.example --no-browser")
@click.argument("url")
@option(
    "--browser/--no-browser",
    default=None,
    configurable=False,
    show_default="where there is a desktop",
    help="Open the link in a browser; it is shown in any case, and works on any device.",
)
@option(
    "--ask",
    is_flag=True,
    configurable=False,
    help="Ask for a password that you made in the settings of the server, under Security, instead.",
)
@ca_option
def nextcloud(url: str, browser: bool | None, ask: bool, ca: Path | None) -> None:
    """Log in to the Nextcloud at URL.

    You allow it in your browser; recognize never sees your password, but gets one of its own, which you can
    withdraw in the settings of the server, or with `recognize logout`.
    """
    from recognize_cli.cli import signing

    if ask:
        _tell(signing.by_app_password(url, ca))
    else:
        _tell(signing.by_browser(url, ca, browser=browser))


@command.command("webdav", examples="recognize login webdav https://alice@files.example/dav")
@click.argument("url")
@ca_option
def webdav(url: str, ca: Path | None) -> None:
    """Ask for the password of an account on the WebDAV server at URL, try it, and store it."""
    from recognize_cli.cli import signing

    _tell(signing.by_password(url, ca))


@command.command("list", examples="recognize login list --format json | jq -r '.logins[].account'")
@format_option("text", "json", default="text")
def list_logins(format: str) -> None:
    """List the accounts whose passwords are stored; never the passwords."""
    from recognize_cli.cli.accounts import stored_logins

    logins = stored_logins().all()
    if format == "json":
        write_json({"type": "logins", "schema": 1, "logins": [_record(login) for login in logins]})
        return
    for login in logins:
        where = "keyring" if login.keyring else "file"
        sys.stdout.write(f"{login.kind:<9}  {where:<7}  {printable(str(login.account))}\n")


def _record(login: Login) -> dict[str, object]:
    return {
        "account": str(login.account),
        "kind": login.kind,
        "url": login.url,
        "keyring": login.keyring,
    }


def _tell(login: Login) -> None:
    from recognize_cli.cli.accounts import stored_logins

    where = "the keyring" if login.keyring else stored_logins().path
    _LOG.info("logged in as %s; the password is in %s", login.account, where)
