"""The pushes of a scan: to which servers, and what a server that is away costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.catalogue.outbox_api import Remote
from recognize_cli.errors import LoginRefused, RecognizeError, SourceUnreachable, TagsSwitchedOff
from recognize_cli.pushing.pushes import Pushes
from recognize_cli.stages.reconcile import place
from tests.catalogue.making import outcome
from tests.pushing.making import TARGET, tagged
from tests.sources.memory import MemorySource
from tests.support.records import media_file
from tests.support.tag_server import MemoryTagServer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.protocols import Source
    from recognize_cli.records import MediaFile

AWAY = SourceUnreachable(source="it", problem="it is away")


@dataclass
class Everywhere:
    """All files go to one target; ``error`` keeps it from being asked."""

    error: RecognizeError | None = None
    asked: int = 0

    def remotes(self, source: Source, file: MediaFile) -> tuple[Remote, ...]:
        self.asked += 1
        if self.error:
            raise self.error
        return (Remote(TARGET, "1", file.path),)

    def targets(self) -> Collection[str]:
        if self.error:
            raise self.error
        return (TARGET,)


@dataclass
class Told:
    problems: list[RecognizeError] = field(default_factory=list)
    stopping: bool = False

    def pushes(
        self, catalogue: SqliteCatalogue, server: Callable[[str], Any], *destinations: Everywhere, **how: Any
    ) -> Pushes:
        return Pushes(
            catalogue.outbox,
            destinations or [Everywhere()],
            server,
            people=False,
            stop=lambda: self.stopping,
            problem=self.problems.append,
            **how,
        )


def served(**files: str) -> MemoryTagServer:
    server = MemoryTagServer()
    server.add("1", **files)
    return server


def refusing(error: Exception) -> Callable[[Request, Callable[[], bool]], bool]:
    def fault(_request: Request, _act: Callable[[], bool]) -> bool:
        raise error

    return fault


def test_what_waits_for_a_target_is_pushed_even_if_no_file_of_it_came_by(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server, told = served(), Told()
    with told.pushes(catalogue, lambda _: server) as pushes:
        assert pushes.finish() == {
            "assigned": 1,
            "removed": 0,
            "newly_refused": 0,
            "refused": 0,
            "waiting": 0,
        }
    assert (server.names("1"), told.problems) == ({"Cat"}, [])


def dump(catalogue: SqliteCatalogue) -> dict[str, list[object]]:
    """All that the outbox consists of."""
    tables = ("push_targets", "push_files", "push_links", "push_tags", "push_stale")
    with catalogue._database.reading() as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def test_a_dry_run_tells_and_changes_nothing(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server, told, before = served(), Told(), dump(catalogue)
    with told.pushes(catalogue, lambda _: server, dry_run=True) as pushes:
        assert pushes.remotes(MemorySource(), media_file()) == ()
        pushes.step()
        assert [(each.path, each.assign) for each in pushes.changes()] == [("a.jpg", ("Cat",))]
        told.stopping = True
        assert list(pushes.changes()) == []
    assert (server.asked, len(server.looked)) == ([], 2)
    assert dump(catalogue) == before


def test_a_dry_run_tells_of_files_that_are_not_followed_yet(catalogue: SqliteCatalogue) -> None:
    source, file = MemorySource(), media_file("a.jpg", source="memory")
    found = outcome("a.jpg", storage=source.storage, directory=place(source, ""))
    catalogue.commit([found])
    before, server, told = dump(catalogue), served(), Told()
    for _ in range(2):
        with told.pushes(catalogue, lambda _: server, dry_run=True) as pushes:
            pushes.remotes(source, file)
            assert [(each.path, each.assign) for each in pushes.changes()] == [("a.jpg", ("Cat",))]
        assert dump(catalogue) == before
        assert catalogue.outbox.targets() == []


def test_a_dry_run_with_retry_tells_what_that_would_ask_for(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server, told = served(), Told()
    server.restricted.add("Cat")
    with told.pushes(catalogue, lambda _: server) as pushes:
        assert pushes.finish()["newly_refused"] == 1
    before = dump(catalogue)
    for retry in (False, True):
        with told.pushes(catalogue, lambda _: server, dry_run=True, retry=retry) as pushes:
            assert len(list(pushes.changes())) == retry
    assert dump(catalogue) == before


@pytest.mark.parametrize(
    "error", [TagsSwitchedOff(server="it"), AWAY, LoginRefused(server="it", user="alice")]
)
def test_a_server_without_tags_is_told_once_and_its_files_are_not_followed(
    catalogue: SqliteCatalogue, error: RecognizeError
) -> None:
    def no_tags(_target: str) -> MemoryTagServer:
        raise error

    told = Told()
    with told.pushes(catalogue, no_tags) as pushes:
        for _ in range(3):
            assert pushes.remotes(MemorySource(), media_file()) == ()
        pushes.finish()
    assert told.problems == [error]


def test_a_destination_that_cannot_be_asked_is_told_once_and_left_alone(catalogue: SqliteCatalogue) -> None:
    told, broken, sound = Told(), Everywhere(AWAY), Everywhere()
    with told.pushes(catalogue, lambda _: served(), broken, sound) as pushes:
        for _ in range(3):
            assert len(pushes.remotes(MemorySource(), media_file())) == 1
        pushes.finish()
    assert (told.problems, broken.asked, sound.asked) == ([AWAY], 1, 3)


def test_a_server_that_goes_away_is_told_once_and_what_waits_is_counted(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server, told = served(), Told()
    server.fault = refusing(AWAY)
    with told.pushes(catalogue, lambda _: server) as pushes:
        assert pushes.finish()["waiting"] == 1
        pushes.step()
    assert told.problems == [AWAY]


def test_a_run_that_ends_does_not_complain_of_lines_that_it_cut(catalogue: SqliteCatalogue) -> None:
    told, broken = Told(stopping=True), Everywhere(AWAY)
    with told.pushes(catalogue, lambda _: served(), broken) as pushes:
        pushes.remotes(MemorySource(), media_file())
    assert told.problems == []


def test_what_was_refused_stays_refused_until_somebody_asks_for_it_again(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server, told = served(), Told()
    server.restricted.add("Cat")
    for retry, refused in ((False, 1), (False, 1), (True, 0)):
        with told.pushes(catalogue, lambda _: server, retry=retry) as pushes:
            if retry:
                server.restricted.clear()
            assert pushes.finish()["refused"] == refused
    assert len(server.asked) == 2
    assert server.names("1") == {"Cat"}
