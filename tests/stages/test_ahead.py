from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.stages.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(items=st.lists(st.integers()), size=st.integers(1, 5))
def test_the_same_items_in_the_same_order(items: list[int], size: int) -> None:
    assert list(ahead(items, size=size)) == items


def test_what_is_raised_comes_after_the_items_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    stage = ahead(failing())
    assert next(stage) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(stage)


def test_it_runs_ahead_so_far_and_no_farther() -> None:
    made: list[int] = []
    enough = threading.Event()

    def counted() -> Iterator[int]:
        for item in range(100):
            made.append(item)
            if len(made) == 4:
                enough.set()
            yield item

    stage = ahead(counted(), size=3)
    assert next(stage) == 0
    assert enough.wait(10)  # while nobody asks for more
    stage.close()
    assert made == [0, 1, 2, 3]


def test_the_items_are_all_made_in_one_other_thread() -> None:
    def where() -> Iterator[int]:
        for _ in range(20):
            yield threading.get_ident()

    threads = set(ahead(where(), size=2))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    stage = ahead(range(100), size=2)
    next(stage)
    stage.close()
    assert threading.active_count() == before
