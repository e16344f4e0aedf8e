"""The accounts that `recognize login` stored: which, of what kind of server, and their passwords.

The list is a file for its owner only. It holds the passwords, too, unless a keyring keeps them.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from recognize_cli.accounts.account import Account
from recognize_cli.accounts.keyrings import usable_keyring
from recognize_cli.errors import PasswordUnusable, UserError
from recognize_cli.locking import make_private_directories
from recognize_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recognize_cli.accounts.keyrings import Keyring


_LOCK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Login:
    """An account that is stored.

    ``kind`` is ``nextcloud`` or ``webdav``, ``url`` where its server begins (with the folder that a
    Nextcloud lies in), ``keyring`` whether a keyring keeps its password.
    """

    account: Account
    kind: str
    url: str
    keyring: bool


class Logins:
    """The stored accounts. Methods raise PasswordUnusable where the file, or the keyring, fails."""

    def __init__(self, path: Path, keyring: Callable[[], Keyring | None] = usable_keyring) -> None:
        self.path = path
        self._keyring = keyring

    def all(self) -> list[Login]:
        """All of them, sorted by account."""
        return sorted((_login(record) for record in self._read()), key=lambda login: login.account)

    def find(self, account: Account) -> Login | None:
        """The login of an account; of one without a user the one at its server, None if there are more."""
        same = [
            login
            for login in self.all()
            if (login.account.scheme, login.account.host) == (account.scheme, account.host)
            and account.user in ("", login.account.user)
        ]
        return same[0] if len(same) == 1 else None

    def password(self, login: Login) -> Secret | None:
        """The password of a login; None where a keyring kept it and does not know it any more."""
        if login.keyring:
            return self._some_keyring().get(str(login.account))
        record = next(record for record in self._read() if _login(record) == login)
        return Secret(record["password"])

    def put(self, account: Account, kind: str, url: str, password: Secret) -> Login:
        """Stores a password in the keyring or, where there is none that works, in the file."""
        keyring = self._keyring()
        if keyring is not None:
            try:
                keyring.put(str(account), password)
            except PasswordUnusable:
                keyring = None
        login = Login(account, kind, url, keyring is not None)
        record = {"account": str(account), "kind": kind, "url": url}
        if keyring is None:
            record["password"] = password.reveal()
        with self._locked():
            self._write([*self._others(account), record])
        return login

    def forget(self, login: Login) -> None:
        """Deletes a login and its password, from the keyring first."""
        if login.keyring:
            self._some_keyring().delete(str(login.account))
        with self._locked():
            self._write(self._others(login.account))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other processes from changing the file between reading and writing it."""
        from filelock import FileLock, Timeout  # kept out of the start-up of commands that store nothing

        try:
            make_private_directories(self.path.parent)
            lock = FileLock(self.path.with_name(f"{self.path.name}.lock"), mode=0o600)
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout as error:
            problem = "another process has been changing it for a long time; end that, and try again"
            raise PasswordUnusable(where=self.path, problem=problem) from error
        except OSError as error:
            raise PasswordUnusable(where=self.path, problem=error.strerror) from error
        try:
            yield
        finally:
            lock.release()

    def _some_keyring(self) -> Keyring:
        keyring = self._keyring()
        if keyring is None:
            raise PasswordUnusable(
                where="the keyring",
                problem="it has the password, and cannot be used now; log in again to keep it in a file",
            )
        return keyring

    def _others(self, account: Account) -> list[dict[str, Any]]:
        return [record for record in self._read() if _login(record).account != account]

    def _read(self) -> list[dict[str, Any]]:
        try:
            records: list[dict[str, Any]] = json.loads(self.path.read_bytes())["logins"]
            for record in records:
                _login(record)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise PasswordUnusable(where=self.path, problem=error.strerror) from error
        except (ValueError, KeyError, TypeError, UserError):
            problem = "it is damaged; delete it and log in again"
            raise PasswordUnusable(where=self.path, problem=problem) from None  # the cause shows passwords
        return records

    def _write(self, records: list[dict[str, Any]]) -> None:
        """Replaces the file as a whole, for its owner only."""
        new = self.path.with_name(f".{self.path.name}-{secrets.token_hex(6)}")
        try:
            make_private_directories(self.path.parent)
            try:
                with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                    stream.write(json.dumps({"schema": 1, "logins": records}, indent=2).encode() + b"\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                new.replace(self.path)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise PasswordUnusable(where=self.path, problem=error.strerror) from error


def _login(record: dict[str, Any]) -> Login:
    return Login(
        Account.of(record["account"]), record["kind"], record["url"], keyring="password" not in record
    )
