from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from recognize_cli.dav.spool import SpoolClosed
from recognize_cli.errors import FileFailure, SourceError, SourceUnreachable
from recognize_cli.records import Reason
from recognize_cli.stages.decode import decode
from recognize_cli.stages.items import Job, Ready, Scored
from tests.support.records import media_file, picture, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.records import MediaFile


def jobs(count: int) -> list[Job]:
    return [Job(media_file(f"{index}.jpg"), ("objects",)) for index in range(count)]


def never() -> bool:
    return False


def test_every_job_comes_out_once_and_failures_carry_their_reason() -> None:
    def work(file: MediaFile) -> DecodeResult:
        if file.path == "3.jpg":
            raise FileFailure(Reason.DECODE, "cut off")
        return picture()

    with ThreadPoolExecutor(2) as pool:
        out = list(
            decode(jobs(10), lambda job: pool.submit(work, job.file), look_ahead=4, stop=never, troubles=[])
        )
    assert sorted(item.job.file.path for item in out if isinstance(item, Ready)) == [
        f"{index}.jpg" for index in range(10) if index != 3
    ]
    (failed,) = (item for item in out if isinstance(item, Scored))
    assert [(each.reason, each.message) for each in failed.failures] == [(Reason.DECODE, "cut off")]


def test_what_is_finished_passes_through() -> None:
    known = result(unchanged=True)

    def submit(job: Job) -> Future[DecodeResult]:
        raise AssertionError

    assert list(decode([known], submit, look_ahead=1, stop=never, troubles=[])) == [known]


def test_it_looks_no_farther_ahead_than_it_may() -> None:
    taken = 0

    def counted() -> Iterator[Job]:
        nonlocal taken
        for job in jobs(50):
            taken += 1
            yield job

    with ThreadPoolExecutor(1) as pool:
        stage = decode(counted(), lambda job: pool.submit(picture), look_ahead=5, stop=never, troubles=[])
        next(stage)
        assert taken <= 5
        stage.close()


def test_a_stop_drops_what_has_not_begun_and_keeps_what_has() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(file: MediaFile) -> DecodeResult:
        begun.set()
        go_on.wait(10)
        return picture()

    def stop() -> bool:
        begun.wait(10)
        threading.Timer(0.05, go_on.set).start()
        return True

    with ThreadPoolExecutor(1) as pool:
        out = list(
            decode(jobs(4), lambda job: pool.submit(work, job.file), look_ahead=10, stop=stop, troubles=[])
        )
    assert [item.job.file.path for item in out if isinstance(item, Ready)] == ["0.jpg"]


def test_a_source_that_breaks_down_costs_what_waits_and_not_what_is_in_hand() -> None:
    broken = SourceUnreachable(source="it", problem="it is away")
    begun, go_on = threading.Event(), threading.Event()
    troubles: list[SourceError] = []
    taken = 0

    def work(file: MediaFile) -> DecodeResult:
        if file.path == "1.jpg":
            raise broken
        begun.set()
        go_on.wait(10)
        return picture()

    def items() -> Iterator[Job]:
        nonlocal taken
        for job in jobs(50):
            taken += 1
            yield job
            begun.wait(10)
            if taken == 4:
                go_on.set()

    with ThreadPoolExecutor(2) as pool:
        stage = decode(
            items(),
            lambda job: pool.submit(work, job.file),
            look_ahead=4,
            stop=never,
            troubles=troubles,  # type: ignore[arg-type]
        )
        out = [item.job.file.path for item in stage if isinstance(item, Ready)]
    assert "0.jpg" in out
    assert troubles == [broken]
    assert taken <= 4


def test_what_was_cut_short_by_a_stop_is_dropped() -> None:
    def work(file: MediaFile) -> DecodeResult:
        raise CancelledError

    with ThreadPoolExecutor(1) as pool:
        submit = lambda job: pool.submit(work, job.file)  # noqa: E731
        assert list(decode(jobs(3), submit, look_ahead=2, stop=never, troubles=[])) == []


def test_what_a_closed_spool_has_no_room_for_is_dropped() -> None:
    def submit(job: Job) -> Future[DecodeResult]:
        future: Future[DecodeResult] = Future()
        future.set_exception(SpoolClosed())
        return future

    assert list(decode(jobs(3), submit, look_ahead=2, stop=never, troubles=[])) == []


def test_in_a_hurry_it_finishes_what_it_has_before_it_takes_more() -> None:
    taken = 0
    hurried = False

    def items() -> Iterator[Job]:
        nonlocal taken
        for job in jobs(20):
            taken += 1
            yield job

    with ThreadPoolExecutor(2) as pool:
        stage = decode(
            items(),
            lambda job: pool.submit(picture),
            look_ahead=8,
            stop=never,
            troubles=[],
            hurry=lambda: hurried,
        )
        next(stage)
        hurried = True
        for told, _ in enumerate(stage, start=2):
            assert taken <= max(told, 9)
    assert taken == 20
