"""Who logs in to a server."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from recognize_cli.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login name, and its password, better an app password."""

    user: str
    secret: Secret

    def basic(self) -> Secret:
        """The value of an Authorization header (RFC 7617, UTF-8)."""
        pair = f"{self.user}:{self.secret.reveal()}".encode("utf-8", "surrogateescape")
        return Secret(f"Basic {b64encode(pair).decode('ascii')}")
