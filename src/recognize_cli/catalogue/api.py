"""What a catalogue knows and does, without a word on how it keeps it.

Places. A file is known by its storage (`Source.storage`), the absolute directory within that storage
and its name, so scanning ``/data`` and later ``/data/trip`` finds the same files. A directory is
written with a leading ``/`` and without a trailing one, save for the root ``/`` itself.

Files that vanish are not forgotten: they become *missing* and keep all that is known of them until
`Catalogue.purge` finds them older than the grace period. They come back by `Catalogue.found`, by
`Catalogue.commit`, or by `Catalogue.move` when they turn up at another place.

A catalogue is used from the main thread only. Every method raises CatalogueError (or Locked, when
another program holds the database), and a write that raises has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, Self

from recognize_cli.catalogue.codec import decode_tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType

    from recognize_cli.catalogue.outbox_api import Outbox, Remote
    from recognize_cli.protocols import Listings
    from recognize_cli.records import ClassScore, Face, FileResult, Gone, Kind, Reason, Scores, Tag

DECODING: Final = ""
"""The stage before any recognizer, reading and decoding; also `Skipped.recognizer` of its failures."""

GRACE: Final = timedelta(days=30)
"""How long a missing file is remembered."""


@dataclass(frozen=True, slots=True)
class KnownResult:
    """What one recognizer found in a file of this `version`.

    `model` and `rules` are the fingerprints of the model that scored it and of the rules that made
    its tags. `tags_json` is the tags as stored; `catalogue` is the path that messages name.
    """

    recognizer: str
    version: str
    model: str
    rules: str
    tags_json: str
    catalogue: str

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags, parsed at each call; raises CatalogueUnusable when the stored text is damaged."""
        return decode_tags(self.tags_json, self.recognizer, self.catalogue)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a stage (a recognizer, or `DECODING`) has no result for a file of this `version`.

    `decoder` is the fingerprint of the software that failed: with another one a new try is worth it.
    """

    stage: str
    version: str
    reason: Reason
    message: str
    decoder: str


@dataclass(frozen=True, slots=True)
class Known:
    """A file in the catalogue; `id` stays with it for life, also when it moves.

    `missing` says why it is not part of its tree at present, None when it is. `faces` are those of its
    present version, in the order of their ids.
    """

    id: int
    kind: Kind
    size: int
    version: str
    file_id: str | None
    modified: float
    missing: Gone | None
    results: tuple[KnownResult, ...] = ()
    failures: tuple[Failure, ...] = ()
    faces: tuple[Face, ...] = ()

    def result(self, recognizer: str) -> KnownResult | None:
        """The result of a recognizer, None when there is none."""
        return next((result for result in self.results if result.recognizer == recognizer), None)

    def failure(self, stage: str) -> Failure | None:
        """The failure of a stage, None when there is none."""
        return next((failure for failure in self.failures if failure.stage == stage), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run learned of a file, for `Catalogue.commit`.

    A recognizer counts as run when `result.scores` holds its Scores (also when it saw nothing). What
    the result does not mention stays as it was, as long as the file's version is the same.
    `rules` gives each recognizer's rules fingerprint, `decoder` the fingerprint of the software that
    read the file, `remotes` the files on servers that its tags are to be pushed to.
    """

    result: FileResult
    storage: str
    directory: str
    rules: Mapping[str, str] = field(default_factory=dict)
    decoder: str = ""
    remotes: tuple[Remote, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A known file that may be one that turned up at another place.

    `path` is where it was, absolute within the storage; None when another file has taken that place.
    """

    path: str | None
    known: Known


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A known file in a directory that this run did not come by."""

    id: int
    directory: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredScores:
    """The stored scores of a file, and the tags that the rules `rules` made of them.

    `scores.file` has the storage for its source and is relative to the root of that storage.
    """

    id: int
    scores: Scores
    tags: tuple[Tag, ...]
    rules: str
    missing: Gone | None


@dataclass(frozen=True, slots=True)
class Retagged:
    """The tags that the rules `rules` make of a recognizer's stored scores of the file `id`."""

    id: int
    recognizer: str
    rules: str
    tags: tuple[Tag, ...]


class Catalogue(Protocol):
    """Remembers files, results and failures between runs. A context manager that closes at its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def close(self) -> None: ...

    @property
    def outbox(self) -> Outbox | None:
        """What is to be pushed to servers, while the catalogue is open; None if it remembers nothing."""
        ...

    @property
    def listings(self) -> Listings | None:
        """What folders of servers held, while the catalogue is open; None if it remembers nothing."""
        ...

    def known(self, storage: str, directory: str) -> dict[str, Known]:
        """All files known in one directory (not below it) by name, missing ones among them."""
        ...

    def scores(self, id: int, recognizer: str) -> tuple[ClassScore, ...]:
        """The raw scores behind a known result, best first; empty when there is no such result."""
        ...

    def commit(self, outcomes: Sequence[Outcome]) -> list[tuple[Face, ...]]:
        """Stores a batch, all of it or, on an error, nothing; returns the faces of each outcome's file now.

        A file whose version changed loses what was known of its old version, except that its faces are
        only set aside until faces are looked for again. A result replaces the older one of its recognizer
        and deletes the failures of that stage and of decoding. A missing file is no longer missing.

        `Scores.faces` replaces the faces of the file, None leaves them as they are. A new face that is the
        same as an old one (`catalogue.sameness`) keeps its id, its person and what was decided of it by
        hand.
        """
        ...

    def found(self, ids: Collection[int]) -> None:
        """These missing files are there again."""
        ...

    def missing(self, ids: Collection[int], why: Gone) -> list[int]:
        """These files are gone from their tree; returns those that were not missing before."""
        ...

    def find_moved(self, storage: str, file_id: str, version: str, size: int) -> list[Moved]:
        """Known files that could be this one at its old place; the caller checks that it is gone there.

        Of one with very many links only some.
        """
        ...

    def move(self, id: int, storage: str, directory: str, name: str) -> None:
        """A known file is at a new place; it keeps its id and results and is no longer missing.

        A file known at the new place becomes missing, and can still be found by `find_moved`.
        """
        ...

    def visit(self, storage: str, directory: str) -> None:
        """Notes that this run has seen the listing of a directory. Forgotten at `close`."""
        ...

    def unvisited(
        self, storage: str, base: str, *, except_below: Collection[str] = ()
    ) -> Iterator[Unvisited]:
        """The files at and below `base`, not missing yet, in directories without a `visit`.

        Directories in `except_below` and all below them are left out. Marking files while iterating
        is fine.
        """
        ...

    def iter_scores(self, recognizer: str, *, except_rules: str | None = None) -> Iterator[StoredScores]:
        """All stored scores of a recognizer, without those whose tags the rules `except_rules` made.

        Updating tags while iterating is fine.
        """
        ...

    def update_tags(self, batch: Sequence[Retagged]) -> None:
        """Replaces tags, all of the batch or, on an error, none. A result that is gone stays gone."""
        ...

    def tags(self) -> dict[str, int]:
        """Each tag and how many files that are not missing have it, most frequent first, then by name.

        The names of people are tags of the files that their faces are in.
        """
        ...

    def purge(self, grace: timedelta = GRACE) -> int:
        """Forgets files that have been missing for longer than `grace`; returns how many."""
        ...
