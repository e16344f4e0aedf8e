from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.records import FileResult
from recognize_cli.stages.commit import commit
from tests.support.records import result

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_nothing_is_handed_on_before_it_is_saved() -> None:
    saved: list[FileResult] = []
    results = [result(f"{index}.jpg") for index in range(10)]

    def save(batch: list[FileResult]) -> list[FileResult]:
        saved.extend(batch)
        return batch

    for item in commit(results, save, size=4, seconds=60):
        assert item in saved
    assert saved == results


def test_what_saving_gives_back_is_handed_on() -> None:
    known = result(unchanged=True)

    def save(batch: list[FileResult]) -> list[FileResult]:
        return [replace(each, timings={"saved": 1.0}) for each in batch]

    items = list(commit([known, result("b.jpg")], save, seconds=60))
    assert [each.timings for each in items if isinstance(each, FileResult)] == [{}, {"saved": 1.0}]


def test_the_first_result_does_not_wait_for_a_batch() -> None:
    saves: list[int] = []

    def save(batch: list[FileResult]) -> list[FileResult]:
        saves.append(len(batch))
        return batch

    first = next(commit((result(f"{index}.jpg") for index in range(10)), save, seconds=60))
    assert (first, saves) == (result("0.jpg"), [1])


def test_unchanged_results_are_not_saved_again() -> None:
    known = result(unchanged=True)
    assert list(commit([known], pytest.fail)) == [known]


def test_what_is_known_does_not_overtake_what_waits_to_be_saved() -> None:
    items = [result(f"{index}.jpg", unchanged=index % 3 != 0) for index in range(20)]
    assert list(commit(items, lambda batch: batch, size=8, seconds=60)) == items


def test_what_is_known_waits_for_few_others() -> None:
    taken = 0

    def counted() -> Iterator[FileResult]:
        nonlocal taken
        for index in range(100):
            taken += 1
            yield result(f"{index}.jpg", unchanged=index > 1)

    stage = commit(counted(), lambda batch: batch, size=8, seconds=60)
    next(stage)
    next(stage)
    assert taken == 9
