"""What is fetched and decoded for a file, and when."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.errors import FileFailure, SourceUnreachable
from recognize_cli.records import NOTHING, Kind, Reason, View
from recognize_cli.stages.crew import Condition, Crew
from recognize_cli.stages.intake import Intake
from recognize_cli.stages.items import Job
from tests.sources.memory import MemorySource
from tests.support.recognizers import Shades
from tests.support.records import media_file, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.media.jobs import DecodeJob, DecodeResult
    from recognize_cli.records import MediaFile

SQUARE = View(8, None, "bilinear")
OTHER = View(16, 32, "bicubic")
SECONDS = 20


@dataclass
class Decoders:
    """Decodes at once, or, with ``held``, when it is told to."""

    jobs: list[DecodeJob] = field(default_factory=list)
    held: list[Future[DecodeResult]] | None = None

    def submit(self, job: DecodeJob) -> Future[DecodeResult]:
        future: Future[DecodeResult] = Future()
        self.jobs.append(job)
        if self.held is None:
            future.set_result(picture())
        else:
            self.held.append(future)
        return future


class Remote(MemorySource):
    """Notes what is leased and given back; ``problem`` is raised in the place of a lease."""

    is_local = False

    def __init__(self, problem: Callable[[], Exception | None] = lambda: None) -> None:
        super().__init__()
        self.problem = problem
        self.log: list[tuple[str, str]] = []

    @contextmanager
    def lease(self, file: MediaFile, *, preview: bool = False) -> Iterator[str]:
        if (error := self.problem()) is not None:
            raise error
        self.log.append(("preview" if preview else "original", file.path))
        try:
            yield f"/spool/{file.path}"
        finally:
            self.log.append(("returned", file.path))


def crew(*, conditional: bool = False, **views: View | None) -> Crew:
    """Recognizers of all kinds of image, with a view each."""
    members: dict[str, Any] = {name: Shades(name) for name in views}
    for name, view in views.items():
        members[name].view = view
    conditions = {"landmarks": Condition("objects", frozenset())} if conditional else {}
    return Crew(members, lambda _: (), conditions=conditions)


def job(path: str, *wanted: str, kind: Kind = Kind.IMAGE) -> Job:
    return Job(media_file(path, kind=kind), wanted)


def intake(decoders: Decoders, crew: Crew, **how: Any) -> Intake:
    return Intake(decoders, crew, **{"downloads": 2, "waiting": 2, **how})


def test_a_local_file_is_decoded_where_it_lies() -> None:
    decoders, source = Decoders(), MemorySource()
    source.lease = Remote().lease  # type: ignore[method-assign]
    with intake(decoders, crew(objects=SQUARE)) as hands:
        hands.submit(source, job("a.jpg", "objects")).result()
    assert [(each.path, each.views) for each in decoders.jobs] == [("/spool/a.jpg", (SQUARE,))]


def test_views_are_made_once_and_those_that_may_not_be_wanted_only_where_there_is_no_whole() -> None:
    decoders = Decoders()
    everybody = crew(
        conditional=True, objects=SQUARE, same=SQUARE, faces=None, landmarks=OTHER, places=NOTHING
    )
    with intake(decoders, everybody) as hands:
        for wanted in (("objects", "same", "landmarks"), ("objects", "faces", "landmarks"), ("places",)):
            hands.submit(Remote(), job("a.jpg", *wanted)).result()
    assert [each.views for each in decoders.jobs] == [(SQUARE, OTHER), (SQUARE, None), ()]


@pytest.mark.parametrize(
    ("path", "wanted", "previews", "what"),
    [
        ("a.jpg", ("objects",), True, "preview"),
        ("a.jpg", ("objects",), False, "original"),
        ("a.jpg", ("objects", "places"), True, "original"),
        ("a.gif", ("objects",), True, "original"),
    ],
)
def test_a_preview_will_do_for_a_picture_that_stands_still(
    path: str, wanted: tuple[str, ...], previews: bool, what: str
) -> None:
    source = Remote()
    with intake(Decoders(), crew(objects=SQUARE, places=NOTHING), previews=previews) as hands:
        hands.submit(source, job(path, *wanted)).result()
    assert source.log == [(what, path), ("returned", path)]


def test_a_download_does_not_wait_for_the_decoders_of_others() -> None:
    """With one download at a time: the second one begins while the first file is being decoded."""
    decoders, source = Decoders(held=[]), Remote()
    assert decoders.held is not None
    with intake(decoders, crew(objects=SQUARE), downloads=1, waiting=1) as hands:
        both = [hands.submit(source, job(path, "objects")) for path in ("a.jpg", "b.jpg")]
        deadline = threading.Event()
        while len(decoders.held) < 2:
            assert not deadline.wait(0.01)
        assert ("returned", "a.jpg") not in source.log
        for each in decoders.held:
            each.set_result(picture())
        for each in both:
            each.result(SECONDS)
    assert source.log[2:] != []
    assert {what for what, _ in source.log[2:]} == {"returned"}


def test_no_more_files_are_fetched_at_a_time_than_it_is_told() -> None:
    entered, go_on = threading.Semaphore(0), threading.Event()
    fetching: list[int] = []

    def problem() -> None:
        fetching.append(1)
        most.append(len(fetching))
        entered.release()
        go_on.wait(SECONDS)
        fetching.pop()

    most: list[int] = []
    with intake(Decoders(), crew(objects=SQUARE), downloads=2, waiting=6) as hands:
        source = Remote(problem)
        jobs = [hands.submit(source, job(f"{number}.jpg", "objects")) for number in range(8)]
        assert all(entered.acquire(timeout=SECONDS) for _ in range(2))
        go_on.set()
        for each in jobs:
            each.result(SECONDS)
    assert (len(most), max(most)) == (8, 2)


@pytest.mark.parametrize(
    "error", [FileFailure(Reason.IO, "it is gone"), SourceUnreachable(source="it", problem="it is away")]
)
def test_what_cannot_be_fetched_is_said_unless_the_run_ends(error: Exception) -> None:
    stopping = threading.Event()
    source = Remote(problem=lambda: error)
    with intake(Decoders(), crew(objects=SQUARE), stop=stopping.is_set) as hands:
        with pytest.raises(type(error)):
            hands.submit(source, job("a.jpg", "objects")).result(SECONDS)
        stopping.set()
        with pytest.raises(CancelledError):
            hands.submit(source, job("a.jpg", "objects")).result(SECONDS)
