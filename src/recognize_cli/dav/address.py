"""Addresses of folders on servers, as users give them: ``webdavs://alice@host:8443/Photos``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from recognize_cli.accounts.account import Account
from recognize_cli.dav.names import decoded, quoted
from recognize_cli.errors import UserError

_PARTS = re.compile(r"(?s)([^/]*//[^/]*)(/.*)?")
_ESCAPED = frozenset("%?#")


@dataclass(frozen=True, slots=True)
class Address:
    """A folder of a server; ``path`` is decoded: ``""`` for the root, ``"/Photos"`` for another folder."""

    account: Account
    path: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The address that a user wrote, its path percent-encoded or not but for ``%`` itself.

        Raises UserError where it names no server, holds a password, or has ``.`` or ``..`` in its path.
        """
        match = _PARTS.fullmatch(text)
        account = Account.of(match[1] if match else text)
        path = decoded(re.sub("/+", "/", (match and match[2]) or "")).rstrip("/")
        try:
            quoted(path)
        except ValueError as error:
            raise UserError(
                message=f"the path {path!r} cannot be asked for; leave out '.' and '..'"
            ) from error
        return cls(account, path)

    @property
    def server(self) -> str:
        """Where requests go: ``https://host:port``."""
        return f"{self.account.scheme}://{self.account.host}"

    def place(self, protocol: str) -> str:
        """The server and account in a protocol, with an s where it is encrypted: ``webdavs://alice@host``."""
        secure = "s" if self.account.scheme == "https" else ""
        user = f"{quote(self.account.user, safe='')}@" if self.account.user else ""
        return f"{protocol}{secure}://{user}{self.account.host}"

    def shown(self, protocol: str) -> str:
        """The whole address, to be read and to be given again."""
        return self.place(protocol) + "".join(map(_readable, self.path))


def _readable(character: str) -> str:
    if character in _ESCAPED or not (character.isprintable() or character == " "):
        return quote(character, errors="surrogateescape")
    return character
