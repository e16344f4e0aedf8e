"""Stage: give results back the order of the walk, which those that work side by side have lost.

It stands at two places: `Order.note` remembers in which order items set out, `Order.restore` holds back
what comes too early. While too much is held back, `Order.is_full` says so, and the stages in between
finish what they have in hand before they take more.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeVar

from recognize_cli.records import FileResult, Removed, Unreadable
from recognize_cli.stages.items import Job, Scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recognize_cli.records import Finished

T = TypeVar("T", bound="Finished | Scored | Job")
_Key = tuple[type, str]


class Order:
    """The order of the items of one tree. Only for one thread."""

    def __init__(self, limit: int = 1024) -> None:
        """``limit`` is how many items may be held back before `is_full` asks for those they wait for."""
        self._limit = limit
        self._due: deque[_Key] = deque()
        self._early: defaultdict[_Key, deque[Finished]] = defaultdict(deque)
        self._held = 0

    def is_full(self) -> bool:
        """Whether nothing more should set out before what is on its way has arrived."""
        return self._held >= self._limit

    def note(self, items: Iterable[T]) -> Iterator[T]:
        """Hands everything on, and remembers the order."""
        for item in items:
            self._due.append(_key(item))
            yield item

    def restore(self, items: Iterable[Finished]) -> Iterator[Finished]:
        """Yields the items in the order in which they set out, each as soon as all before it are there.

        What was lost on the way (a run that is stopped drops files) keeps others waiting until the end.
        """
        for item in items:
            self._early[_key(item)].append(item)
            self._held += 1
            while self._due and self._due[0] in self._early:
                yield self._next()
        while self._due:
            if self._due[0] in self._early:
                yield self._next()
            else:
                self._due.popleft()

    def _next(self) -> Finished:
        """The item that is due, which is there."""
        key = self._due.popleft()
        waiting = self._early[key]
        item = waiting.popleft()
        if not waiting:
            del self._early[key]
        self._held -= 1
        return item


def _key(item: Finished | Scored | Job) -> _Key:
    """What tells an item from the others, and stays the same on its way from a job to a result."""
    match item:
        case Job():
            return FileResult, item.file.path
        case Scored():
            return FileResult, item.job.file.path
        case FileResult():
            return FileResult, item.file.path
        case Removed() | Unreadable():
            return type(item), item.path
