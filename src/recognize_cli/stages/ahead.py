"""Stage: let the walk run ahead in a thread, so that a slow disk or server keeps nobody waiting."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_END: Final = object()


def ahead(items: Iterable[T], *, size: int = 4) -> Iterator[T]:
    """The same items in the same order, of which up to ``size`` are made in advance, one after the other.

    They are made in a thread of their own: what makes them must not use what belongs to another thread (an
    SQLite connection). What it raises is raised after the items that it made before. To close this waits
    for the item in hand.
    """
    iterator = iter(items)
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        coming = deque(pool.submit(next, iterator, _END) for _ in range(size))
        while (item := coming.popleft().result()) is not _END:
            coming.append(pool.submit(next, iterator, _END))
            yield cast("T", item)
    finally:
        pool.shutdown(cancel_futures=True)
