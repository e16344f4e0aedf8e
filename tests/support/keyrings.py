"""Keyrings for tests: one in a file, so that processes share it, and some that are no good.

Set PYTHON_KEYRING_BACKEND to ``tests.support.keyrings.FileKeyring`` and TEST_KEYRING to the file.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Keeps passwords in a file, as plain text."""

    priority = 9  # type: ignore[assignment]

    @property
    def path(self) -> Path:
        return Path(os.environ["TEST_KEYRING"])

    def _read(self) -> dict[str, str]:
        known: dict[str, str] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return known

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.path.write_text(json.dumps({**self._read(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        known = self._read()
        if known.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        self.path.write_text(json.dumps(known))


class LockedKeyring(FileKeyring):
    """Nobody opens it."""

    def _read(self) -> dict[str, str]:
        raise KeyringLocked("Failed to unlock the collection!")


class SilentKeyring(FileKeyring):
    """Waits for somebody to open it, for ever."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        raise AssertionError


class PoorKeyring(FileKeyring):
    """One that keyring itself would not choose, as on a server without a desktop."""

    priority = 0  # type: ignore[assignment]
