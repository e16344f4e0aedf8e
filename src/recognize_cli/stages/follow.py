"""Stage: have the tags of results that are known already pushed to the servers that hold the files.

Those of new results are followed in the transaction that saves them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.catalogue.outbox_api import Followed
from recognize_cli.records import FileResult
from recognize_cli.stages.reconcile import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recognize_cli.catalogue.outbox_api import Remote
    from recognize_cli.protocols import Source
    from recognize_cli.records import Finished, MediaFile

    Remotes = Callable[[Source, MediaFile], tuple[Remote, ...]]


def follow(
    items: Iterable[Finished],
    source: Source,
    remotes: Remotes,
    remember: Callable[[Sequence[Followed]], None],
    *,
    size: int = 256,
) -> Iterator[Finished]:
    """Hands everything on; of unchanged results, ``remember`` is told where their tags are to go."""
    batch: list[Followed] = []
    for item in items:
        if isinstance(item, FileResult) and item.unchanged:
            directory = place(source, item.file.directory)
            batch += (
                Followed(source.storage, directory, item.file.name, remote)
                for remote in remotes(source, item.file)
            )
            if len(batch) >= size:
                remember(batch)
                batch = []
        yield item
    if batch:
        remember(batch)
