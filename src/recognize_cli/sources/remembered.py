"""A server's tree without asking for directories that did not change since they were last asked for.

For servers that give a directory another version (etag) whenever anything below it changes, at any depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from recognize_cli.protocols import Listings, Source
    from recognize_cli.records import Listing, MediaFile


class RememberedSource:
    """Another source, whose listings are remembered. The root is always asked for.

    ``is_settled`` says of a listing whether what it holds can no longer change unnoticed: a server may give
    a file the same version twice within a second. Only a settled one is remembered.
    """

    is_local = False

    def __init__(self, source: Source, listings: Listings, is_settled: Callable[[Listing], bool]) -> None:
        self._source = source
        self._listings = listings
        self._is_settled = is_settled
        self._versions: dict[str, str] = {}  # of directories that were told and not asked for yet

    @property
    def id(self) -> str:
        return self._source.id

    @property
    def storage(self) -> str:
        return self._source.storage

    @property
    def base(self) -> str:
        return self._source.base

    def listing(self, directory: str) -> Listing:
        """What a directory holds, see `Source.listing`."""
        place = f"{self.base.rstrip('/')}/{directory}"
        version = self._versions.pop(directory, "")
        known = self._listings.get(self.storage, place, version) if version else None
        listing = known or self._source.listing(directory)
        if not known and version and self._is_settled(listing):
            self._listings.put(self.storage, place, version, listing)
        prefix = f"{directory}/" if directory else ""
        self._versions.update(
            (prefix + entry.name, entry.version) for entry in listing.entries if entry.is_directory
        )
        return listing

    def lease(self, file: MediaFile, *, preview: bool = False) -> AbstractContextManager[str]:
        """See `Source.lease`."""
        return self._source.lease(file, preview=preview)

    def id_at(self, path: str) -> str | None:
        """See `Source.id_at`."""
        return self._source.id_at(path)
