from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from recognize_cli.errors import FileFailure
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
