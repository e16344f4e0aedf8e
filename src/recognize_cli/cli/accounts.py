"""Where this program keeps logins, and how it comes to a password, for all commands that talk to servers."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import click
from platformdirs import user_state_path

from recognize_cli.accounts.given import from_config
from recognize_cli.accounts.logins import Logins
from recognize_cli.accounts.passwords import Passwords
from recognize_cli.cli.invocation import Invocation
from recognize_cli.config import PASSWORDS
from recognize_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.accounts.account import Account


def stored_logins() -> Logins:
    """The logins of this user."""
    return Logins(user_state_path("recognize") / "logins.json")


def passwords() -> Passwords:
    """The passwords of the command that is being run; a person at a terminal is asked at last."""
    return Passwords(stored_logins(), _configured, asker())


def asker() -> Callable[[Account], Secret] | None:
    """Asks for a password on the terminal; None where nobody is there to answer."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(account: Account) -> Secret:
    return Secret(getpass.getpass(f"Password for {account}: ", stream=sys.stderr))


def _configured(account: Account) -> Secret | None:
    settings = click.get_current_context().ensure_object(Invocation).settings
    path = settings.file.path
    if path is None:
        return None
    return from_config(path, settings.file.table((PASSWORDS,)).values, account)
