from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.records import FileResult, Gone, Removed, Unreadable
from recognize_cli.stages.items import Job, Scored
from recognize_cli.stages.ordered import Order
from tests.support.records import media_file, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.records import Finished


def job(index: int) -> Job:
    return Job(media_file(f"{index}.jpg"), ("objects",))


def items(count: int) -> list[Finished | Scored | Job]:
    """Jobs, results that are known already, and other news, all in turn."""
    made: list[Finished | Scored | Job] = []
    for index in range(count):
        made.append(
            [
                job(index),
                result(f"{index}.jpg", unchanged=True),
                Scored(job(index)),
                Removed("/data", f"{index}.jpg", Gone.DELETED),
                Unreadable("/data", f"{index}.jpg", "Permission denied"),
            ][index % 5]  # type: ignore[arg-type]
        )
    return made


def done(item: Finished | Scored | Job) -> Finished:
    match item:
        case Job():
            return FileResult(item.file)
        case Scored():
            return FileResult(item.job.file)
    return item


@given(data=st.data(), count=st.integers(0, 30))
def test_any_order_of_completion_becomes_that_of_the_walk(data: st.DataObject, count: int) -> None:
    order, walked = Order(), items(count)
    finished = data.draw(st.permutations([done(item) for item in order.note(walked)]))
    assert list(order.restore(finished)) == [done(item) for item in walked]


@given(data=st.data(), count=st.integers(0, 20))
def test_what_was_lost_on_the_way_costs_nothing_else(data: st.DataObject, count: int) -> None:
    order = Order()
    walked = [done(item) for item in order.note(items(count))]
    kept = data.draw(st.lists(st.sampled_from(walked), unique_by=id)) if walked else []
    assert list(order.restore(kept)) == [item for item in walked if item in kept]


@given(data=st.data(), limit=st.integers(1, 8), in_hand=st.integers(1, 6), count=st.integers(0, 60))
def test_no_more_is_held_back_than_the_limit_and_what_was_in_hand(
    data: st.DataObject, limit: int, in_hand: int, count: int
) -> None:
    order, walked = Order(limit), items(count)
    held = 0

    def work() -> Iterator[Finished]:
        """Has some items in hand and finishes any of them; all of them before it takes more than it may."""
        nonlocal held
        pending: list[Finished] = []
        for item in order.note(walked):
            held += 1
            pending.append(done(item))
            while pending and (len(pending) >= in_hand or order.is_full()):
                yield pending.pop(data.draw(st.integers(0, len(pending) - 1)))
        yield from pending

    told = []
    for item in order.restore(work()):
        assert held <= limit + in_hand
        held -= 1
        told.append(item)
    assert told == [done(item) for item in walked]


def test_what_is_next_passes_at_once() -> None:
    order = Order()
    walked = items(10)
    taken = 0

    def work() -> Iterator[Finished]:
        nonlocal taken
        for item in order.note(walked):
            taken += 1
            yield done(item)

    for index, item in enumerate(order.restore(work())):
        assert item == done(walked[index])
        assert taken == index + 1
