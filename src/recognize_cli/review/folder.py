"""The folder that a review is written to: private, ours, and whole at every moment."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from recognize_cli.errors import ConfigError, OutputError
from recognize_cli.locking import make_private_directories
from recognize_cli.review.thumbnails import NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

INDEX: Final = "index.html"
THUMBNAILS: Final = "thumbs"
MARKER: Final = ".recognize-review"

_MARK = b"A folder of `recognize faces review`, which replaces and deletes its own files in here.\n"
_UNFINISHED = re.compile(r"\.recognize-[0-9a-f]{12}\.tmp", re.ASCII)


class ReviewFolder:
    """A folder that holds nothing but a review; every file in it is for its owner only."""

    def __init__(self, path: Path) -> None:
        """For `open` alone."""
        self.path = path
        self.index = path / INDEX
        self._thumbnails = path / THUMBNAILS

    @classmethod
    def open(cls, path: Path) -> Self:
        """Makes the folder, or takes one that is empty or that holds a review.

        Raises ConfigError for a folder with anything else in it, and OutputError.
        """
        with _reported(path):
            make_private_directories(path)
            if not path.is_dir():
                raise ConfigError(where=path, problem="it is not a folder; name a new or an empty one")
            if not (path / MARKER).is_file():
                _take(path)
            make_private_directories(path / THUMBNAILS)
        return cls(path)

    def thumbnails(self) -> set[str]:
        """The names of the thumbnails that are there; raises OutputError."""
        with _reported(self._thumbnails):
            return {name for name in os.listdir(self._thumbnails) if NAME.fullmatch(name)}

    def add_thumbnail(self, name: str, jpeg: bytes) -> None:
        """Writes a thumbnail, which is there whole or not at all; raises OutputError."""
        _write(self._thumbnails / name, jpeg, durable=False)

    def publish(self, html: str) -> None:
        """Replaces the page as a whole; raises OutputError."""
        _write(self.index, html.encode(), durable=True)

    def tidy(self, keep: Collection[str]) -> None:
        """Deletes all thumbnails but these, and what killed runs left; what we did not write stays."""
        kept = set(keep)
        for folder in (self.path, self._thumbnails):
            with _reported(folder):
                for name in os.listdir(folder):
                    if _UNFINISHED.fullmatch(name) or (
                        folder == self._thumbnails and NAME.fullmatch(name) and name not in kept
                    ):
                        with suppress(FileNotFoundError):
                            (folder / name).unlink()


def _take(path: Path) -> None:
    """Makes an empty folder ours, and private."""
    if any(not _UNFINISHED.fullmatch(name) for name in os.listdir(path)):
        problem = "it is not empty, and not made by `recognize faces review`; name a new or an empty folder"
        raise ConfigError(where=path, problem=problem)
    path.chmod(0o700)
    _write(path / MARKER, _MARK, durable=False)


def _write(target: Path, content: bytes, *, durable: bool) -> None:
    """Writes a file beside its place and moves it there."""
    new = target.with_name(f".recognize-{secrets.token_hex(6)}.tmp")
    with _reported(target):
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as stream:
                stream.write(content)
                if durable:
                    stream.flush()
                    os.fsync(descriptor)
            new.replace(target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(where=path, problem=error.strerror or error) from error
