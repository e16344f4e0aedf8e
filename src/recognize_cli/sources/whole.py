"""A server's tree in one request, once a run has read it folder by folder.

For servers whose folders have no version that tells of changes below them. A tree that nobody knows is read
folder by folder: so it streams, and no server is asked to gather millions of files.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from recognize_cli.errors import SourceUnreachable
from recognize_cli.protocols import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from recognize_cli.records import Listing, MediaFile

_LOG = logging.getLogger(__name__)

MOST: Final = 100_000
"""Entries of a tree that may be asked for at once."""

_GROWTH: Final = 2
_SOME: Final = 1000


class WholeAtOnce(Source, Protocol):
    """A source that may tell a whole tree at once."""

    def whole(self, most: int) -> Callable[[str], Listing | None]:
        """All listings of a tree of no more than ``most`` entries, each to be taken once.

        None stands for a directory of which nothing is told. Raises OSError, SourceUnreachable, LoginError.
        """
        ...


class WholeSource:
    """Another source, which is asked for all listings at once where a run before read all of the tree.

    ``known`` says how many entries each directory had then; empty where that is not known. What is told at
    once counts only where it names as many, and any: servers leave out what they may not read, or stop at
    some depth or number, and nothing may vanish for that. The others are asked for one by one.
    """

    is_local = False

    def __init__(self, source: WholeAtOnce, known: Mapping[str, int]) -> None:
        self._source = source
        self._known = known
        self._told: Callable[[str], Listing | None] = _nothing
        self._seen = _Seen()
        self._failed = False

    @property
    def id(self) -> str:
        return self._source.id

    @property
    def storage(self) -> str:
        return self._source.storage

    @property
    def base(self) -> str:
        return self._source.base

    @property
    def sizes(self) -> Mapping[str, int] | None:
        """How many entries each directory had, for the next run: empty where that had better not ask at once.

        None where this run did not come by all directories, and so cannot say.
        """
        return {} if self._failed and self._seen.sizes else self._seen.result()

    def listing(self, directory: str) -> Listing:
        """What a directory holds, see `Source.listing`. The root is to be asked for first."""
        if not directory:
            self._told = self._all_at_once()
        listing = self._told(directory)
        if listing is None or len(listing.entries) < self._known.get(directory, 0):
            listing = self._source.listing(directory)
        self._seen.add(listing)
        return listing

    def lease(self, file: MediaFile, *, preview: bool = False) -> AbstractContextManager[str]:
        """See `Source.lease`."""
        return self._source.lease(file, preview=preview)

    def id_at(self, path: str) -> str | None:
        """See `Source.id_at`."""
        return self._source.id_at(path)

    def _all_at_once(self) -> Callable[[str], Listing | None]:
        entries = sum(self._known.values())
        if len(self._known) < 2 or entries > MOST:  # of one directory, one request tells as well
            return _nothing
        try:
            return self._source.whole(_GROWTH * entries + _SOME)
        except (OSError, SourceUnreachable) as error:
            # Whether it is serious shows when the first directory is asked for.
            _LOG.debug("%s: not told at once (%s); asking folder by folder", self.id, error)
            self._failed = True
            return _nothing


def _nothing(_: str) -> Listing | None:
    return None


class _Seen:
    """How many entries directories have, as long as that is worth knowing."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self._waiting = {""}
        self._entries = 0

    def add(self, listing: Listing) -> None:
        """Takes in a directory that was read."""
        if self._entries > MOST:
            return
        self._entries += len(listing.entries)
        if self._entries > MOST or any(entry.file_id is not None for entry in listing.entries):
            # Too many, or a server that has better ways: nothing is to be known.
            self._entries = MOST + 1
            self.sizes.clear()
            self._waiting.clear()
            return
        prefix = f"{listing.directory}/" if listing.directory else ""
        self.sizes[listing.directory] = len(listing.entries)
        self._waiting.discard(listing.directory)
        self._waiting.update(prefix + entry.name for entry in listing.entries if entry.is_directory)

    def result(self) -> Mapping[str, int] | None:
        """The sizes if all directories were read; empty where they are not worth knowing."""
        return None if self._waiting else self.sizes
