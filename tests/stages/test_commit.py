from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.stages.commit import commit
from tests.support.records import result

if TYPE_CHECKING:
    from recognize_cli.records import FileResult


def test_nothing_is_handed_on_before_it_is_saved() -> None:
    saved: list[FileResult] = []
    results = [result(f"{index}.jpg") for index in range(10)]
    for item in commit(results, saved.extend, size=4, seconds=60):
        assert item in saved
    assert saved == results


def test_the_first_result_does_not_wait_for_a_batch() -> None:
    saves: list[int] = []
    first = next(
        commit(
            (result(f"{index}.jpg") for index in range(10)),
            lambda batch: saves.append(len(batch)),
            seconds=60,
        )
    )
    assert (first, saves) == (result("0.jpg"), [1])


def test_unchanged_results_are_not_saved_again() -> None:
    known = result(unchanged=True)
    assert list(commit([known], pytest.fail)) == [known]
