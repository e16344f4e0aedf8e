"""Finds the password of an account: in the environment, the config file, the stored logins, or by asking."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recognize_cli.accounts.given import from_environment
from recognize_cli.errors import NoPassword

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recognize_cli.accounts.account import Account
    from recognize_cli.accounts.logins import Logins
    from recognize_cli.secret import Secret


class Passwords:
    """The passwords of one run, each looked for once.

    `configured` looks in the config file; `ask` asks a person, None where there is none to ask.
    """

    def __init__(
        self,
        logins: Logins,
        configured: Callable[[Account], Secret | None],
        ask: Callable[[Account], Secret] | None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._logins = logins
        self._configured = configured
        self._ask = ask
        self._environment = environment
        self._of_environment: Account | None = None
        self._found: dict[Account, Secret] = {}

    def of(self, account: Account) -> Secret:
        """The password of an account; raises NoPassword, PasswordUnusable or ConfigError.

        A password of the environment is for one account, the first that asks: no other server may see it.
        """
        if account not in self._found:
            self._found[account] = self._look_for(account)
        return self._found[account]

    def _look_for(self, account: Account) -> Secret:
        if self._of_environment in (None, account) and (given := from_environment(self._environment)):
            self._of_environment = account
            return given[1]
        if configured := self._configured(account):
            return configured
        if (login := self._logins.find(account)) and (stored := self._logins.password(login)):
            return stored
        if self._ask is None:
            raise NoPassword(account=account)
        return self._ask(account)
