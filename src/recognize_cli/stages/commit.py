"""Stage: make results safe in the catalogue, a batch at a time, before anybody sees them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeGuard

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
    """Hands everything on, results once they are saved, as ``save`` gives them back.

    They are saved when ``size`` items wait, or when the last save is ``seconds`` ago. What needs no saving
    passes at once, unless results before it wait: the order stays.
    """
    waiting: list[Finished] = []
    due = time.monotonic()
    for item in items:
        if not waiting and not _is_news(item):
            yield item
            continue
        waiting.append(item)
        if len(waiting) >= size or time.monotonic() >= due:
            yield from _saved(waiting, save)
            waiting = []
            due = time.monotonic() + seconds
    yield from _saved(waiting, save)


def _is_news(item: Finished) -> TypeGuard[FileResult]:
    return isinstance(item, FileResult) and not item.unchanged


def _saved(items: list[Finished], save: Callable[[list[FileResult]], list[FileResult]]) -> Iterator[Finished]:
    news = list(filter(_is_news, items))
    saved = iter(save(news) if news else ())
    for item in items:
        yield next(saved) if _is_news(item) else item
