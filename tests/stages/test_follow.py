from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.catalogue.outbox_api import Followed, Remote
from recognize_cli.records import Gone, Removed
from recognize_cli.stages.follow import follow
from tests.sources.memory import MemorySource
from tests.support.records import result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.protocols import Source
    from recognize_cli.records import MediaFile


def remotes(source: Source, file: MediaFile) -> tuple[Remote, ...]:
    return (Remote("cloud", "7", file.path),) if file.name.startswith("a") else ()


def test_everything_passes_and_what_is_unchanged_is_remembered() -> None:
    remembered: list[Followed] = []
    items = [result("x/a.jpg", unchanged=True), result("a1.jpg"), Removed("/data", "old.jpg", Gone.DELETED)]
    items += [result("b.jpg", unchanged=True), result("a2.jpg", unchanged=True)]
    assert list(follow(items, MemorySource(), remotes, remembered.extend)) == items
    assert remembered == [
        Followed("memory", "/tree/x", "a.jpg", Remote("cloud", "7", "x/a.jpg")),
        Followed("memory", "/tree", "a2.jpg", Remote("cloud", "7", "a2.jpg")),
    ]


def test_it_remembers_many_at_a_time_and_each_before_it_is_told() -> None:
    batches: list[int] = []

    def remember(files: Sequence[Followed]) -> None:
        batches.append(len(files))

    items = [result(f"a{number}.jpg", unchanged=True) for number in range(5)]
    told = follow(items, MemorySource(), remotes, remember, size=2)
    assert (next(told), batches) == (items[0], [])
    assert (next(told), batches) == (items[1], [2])
    assert len(list(told)) == 3
    assert batches == [2, 2, 1]
