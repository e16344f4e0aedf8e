"""Stage: make results safe in the catalogue, a batch at a time, before anybody sees them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recognize_cli.records import FileResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from recognize_cli.records import Finished


def commit(
    items: Iterable[Finished],
    save: Callable[[list[FileResult]], list[FileResult]],
    *,
    size: int = 64,
    seconds: float = 0.5,
) -> Iterator[Finished]:
    """Hands results on once they are saved, as ``save`` gives them back.

    They are saved when ``size`` of them wait, or when the last save is ``seconds`` ago.
    What is unchanged is saved already and passes.
    """
    batch: list[FileResult] = []
    due = time.monotonic()
    for item in items:
        if not isinstance(item, FileResult) or item.unchanged:
            yield item
            continue
        batch.append(item)
        if len(batch) >= size or time.monotonic() >= due:
            yield from save(batch)
            batch = []
            due = time.monotonic() + seconds
    if batch:
        yield from save(batch)
