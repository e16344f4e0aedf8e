"""What an origin is asked for, and how it says no."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from recognize_cli.models.hashing import is_the_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile

_GIT_HOST = "https://raw.githubusercontent.com"
_NPM_CDN = "https://cdn.jsdelivr.net/npm"

Report = Callable[[int], None]  # bytes of the order that are done so far


class OriginFailed(Exception):
    """A source did not give a file; the message says why. Another source may."""


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Base addresses that a user may point elsewhere.

    ``git`` serves ``<owner>/<name>/<commit>/<path>``, ``npm`` serves ``<package>@<version>/<path>``.
    """

    git: str = _GIT_HOST
    npm: str = _NPM_CDN

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads RECOGNIZE_GIT_MIRROR and RECOGNIZE_NPM_MIRROR; unset or empty is the default."""
        return cls(
            git=(environment.get("RECOGNIZE_GIT_MIRROR") or _GIT_HOST).rstrip("/"),
            npm=(environment.get("RECOGNIZE_NPM_MIRROR") or _NPM_CDN).rstrip("/"),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """Files that are wanted, the folder to put them below, and whom to tell about progress.

    ``scratch`` is a folder for what is half done. It outlives a fetch that was cut off.
    """

    files: tuple[LockedFile, ...]
    into: Path
    scratch: Path
    report: Report
    mirrors: Mirrors

    @property
    def size(self) -> int:
        """Bytes of all wanted files together."""
        return sum(file.size for file in self.files)

    def target(self, file: LockedFile) -> Path:
        """Where the file goes; its folder is created."""
        path = self.into / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def has(self, file: LockedFile) -> bool:
        """Whether the file is at its place; only verified files ever are."""
        return (self.into / file.path).exists()

    def size_here(self, file: LockedFile) -> int:
        """Bytes of a file that is at its place."""
        return (self.into / file.path).stat().st_size

    def deliver(self, path: Path, file: LockedFile) -> bool:
        """Moves `path` to its place if it holds the wanted bytes; says whether it did."""
        if not is_the_file(path, file):
            return False
        os.replace(path, self.target(file))
        return True
