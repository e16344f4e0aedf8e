"""Which user of which server a password is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from recognize_cli.errors import UserError

_PROTOCOLS = {
    **dict.fromkeys(("https", "webdavs", "nextclouds", "davs"), "https"),
    **dict.fromkeys(("http", "webdav", "nextcloud", "dav"), "http"),
}
_PORTS = {"https": 443, "http": 80}
_ENDS = frozenset("?#")


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A user of a server. ``host`` is in lower case, with a port where that is not the usual one.

    The path of a URL is no part of it: ``nextclouds://alice@cloud.example/Photos`` does not tell where the
    server's own folder ends.
    """

    scheme: str
    host: str
    user: str

    def __str__(self) -> str:
        """A URL without a path, such as ``https://alice@cloud.example``."""
        return f"{self.scheme}://{quote(self.user, safe='')}@{self.host}"

    @classmethod
    def of(cls, url: str, user: str = "") -> Self:
        """The account of a URL; ``user`` is for one that names none. Both may be empty: nobody.

        Raises UserError where the URL names no server, and where there is a password in it.
        """
        try:
            parts = urlsplit(url)
            scheme, host, port = _PROTOCOLS[parts.scheme], parts.hostname, parts.port
            f"{parts.netloc}{user}".encode()  # UnicodeEncodeError is a ValueError, too
        except (KeyError, ValueError):
            host = None
        if not host or not _ENDS.isdisjoint(url.partition("//")[2].partition("/")[0]):
            raise UserError(
                message=f"{_harmless(url)!r} names no server; write for instance https://cloud.example"
            )
        if parts.password is not None:
            raise UserError(
                message=f"leave the password out of the URL of {host}: it would be seen by all users of this"
                " machine; `recognize login` stores it, and RECOGNIZE_PASSWORD_FILE names a file with it"
            )
        if ":" in host:
            host = f"[{host}]"  # an IPv6 address
        if port not in (None, _PORTS[scheme]):
            host = f"{host}:{port}"
        return cls(scheme, host, unquote(parts.username or "") or user)


def _harmless(url: str) -> str:
    """What of a URL that is none can be told: what stands before an @ or behind a colon may be a password."""
    scheme, slashes, rest = url.rpartition("@")[2].rpartition("//")
    return scheme + slashes + rest.partition(":")[0]
