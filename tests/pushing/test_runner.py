from __future__ import annotations

import math
import random
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import Retagged
from recognize_cli.catalogue.outbox_api import State, TagCount
from recognize_cli.errors import CatalogueUnusable, LoginRefused, SourceUnreachable
from recognize_cli.pushing.preview import preview
from recognize_cli.records import Change, Gone, Tag
from tests.catalogue.making import HERE, known
from tests.pushing.making import TARGET, Time, pusher, tagged
from tests.support.command import SECONDS
from tests.support.tag_server import MemoryTagServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.pushing.runner import Pushed
    from tests.support.tag_server import Request


def push(catalogue: SqliteCatalogue, server: MemoryTagServer, **how: object) -> Pushed:
    with pusher(catalogue.outbox, server, **how) as running:
        return running.run()


def states(catalogue: SqliteCatalogue) -> dict[str, tuple[int, int, int, int]]:
    found = catalogue.outbox.counts(TARGET)
    return {each.name: (each.ours, each.foreign, each.waiting, each.refused) for each in found}


def test_tags_are_put_once_and_a_second_run_asks_for_nothing(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", "Photos")
    server.add("2", "Photos", Mine="user")
    catalogue.commit(
        [
            tagged("a.jpg", "Cat", "Animal", file_id="1", folder="Photos"),
            tagged("b.jpg", "Dog", file_id="2", folder="Photos"),
        ]
    )
    done = push(catalogue, server)
    assert (server.names("1"), server.names("2")) == ({"Cat", "Animal"}, {"Dog", "Mine"})
    assert (done.assigned, done.removed, done.foreign) == (3, 0, 0)
    assert server.looked == ["Photos"]
    assert catalogue.outbox.counts(TARGET)[0] == TagCount("Animal", ours=1, foreign=0, waiting=0, refused=0)
    server.asked.clear(), server.looked.clear()
    push(catalogue, server)
    assert (server.asked, server.looked) == ([], [])


def test_only_what_is_ours_is_taken_off(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", Cat="user")
    catalogue.commit([tagged("a.jpg", "Cat", "Animal", file_id="1")])
    assert push(catalogue, server).foreign == 1
    catalogue.commit([tagged("a.jpg", file_id="1", version="2-10")])
    assert push(catalogue, server).removed == 1
    assert server.names("1") == {"Cat"}


def test_what_somebody_took_off_is_not_put_again(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    push(catalogue, server)
    del server.tags["1"]["Cat"]
    catalogue.commit([tagged("a.jpg", "Cat", "Dog", file_id="1", version="2-10")])
    push(catalogue, server)
    assert server.names("1") == {"Dog"}


def test_new_rules_are_pushed_without_a_scan(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    push(catalogue, server)
    retagged = Retagged(
        known(catalogue, directory="/").id, "objects", "r2", (Tag("Tiger", 1, "objects", "c"),)
    )
    catalogue.update_tags([retagged])
    push(catalogue, server)
    assert server.names("1") == {"Tiger"}


def test_an_ignored_file_loses_our_tags_and_gets_them_back(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", Mine="user")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    push(catalogue, server)
    id_ = known(catalogue, directory="/").id
    catalogue.missing([id_], Gone.IGNORED)
    push(catalogue, server)
    assert server.names("1") == {"Mine"}
    catalogue.found([id_])
    push(catalogue, server)
    assert server.names("1") == {"Mine", "Cat"}


def test_nothing_is_asked_of_a_file_that_is_gone(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    catalogue.missing([known(catalogue, directory="/").id], Gone.DELETED)
    push(catalogue, server)
    assert (server.asked, server.looked) == ([], [])


def test_a_file_that_the_server_does_not_show_waits_for_the_next_scan(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", "elsewhere")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1", folder="Photos")])
    refused = push(catalogue, server).refused
    assert (list(refused.values()), server.asked) == ([1], [])
    assert "Photos/a.jpg" in next(iter(refused))
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1", folder="elsewhere")])
    push(catalogue, server)
    assert server.names("1") == {"Cat"}


def test_a_restricted_tag_is_asked_for_once_and_told_once(
    catalogue: SqliteCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    server = MemoryTagServer(restricted={"Secret"})
    for number in range(200):
        server.add(str(number))
    catalogue.commit([tagged(f"{n}.jpg", "Secret", "Cat", file_id=str(n)) for n in range(200)])
    done = push(catalogue, server, workers=1)
    assert done.refused == {"only administrators may use Secret": 200}
    assert server.asked.count(("assign", "0", "Secret")) <= 1
    assert sum(tag == "Secret" for _, _, tag in server.asked) == 1
    assert all(server.names(str(number)) == {"Cat"} for number in range(200))
    assert [record.message for record in caplog.records] == [
        "the tag Secret is left alone: only administrators may use Secret"
    ]
    assert push(catalogue, server).refused == {}
    assert states(catalogue)["Secret"] == (0, 0, 0, 200)
    server.restricted.clear()
    catalogue.outbox.retry(TARGET)
    push(catalogue, server)
    assert states(catalogue)["Secret"] == (200, 0, 0, 0)


def test_a_tag_that_can_have_no_name_there_costs_only_itself(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")
    catalogue.commit([tagged("a.jpg", " ", "Cat", file_id="1")])
    assert push(catalogue, server).refused == {"a tag needs a name": 1}
    assert (server.names("1"), list(preview(catalogue.outbox, server, TARGET))) == ({"Cat"}, [])


def test_a_read_only_file_costs_one_request(
    catalogue: SqliteCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    server = MemoryTagServer(read_only={"1", "2"})
    for id_ in "123":
        server.add(id_, "Shared")
    catalogue.commit([tagged(f"{n}.jpg", "Cat", "Dog", file_id=n, folder="Shared") for n in "123"])
    assert push(catalogue, server).refused == {"it is shared read-only": 4}
    assert sorted(file_id for _, file_id, _ in server.asked) == ["1", "2", "3", "3"]
    assert len(caplog.records) == 1


def failing(times: int, *, after: bool = False) -> Callable[[Request, Callable[[], bool]], bool]:
    """Lets the first requests fail, before or after they have their effect."""
    left = [times]

    def fault(_: Request, act: Callable[[], bool]) -> bool:
        if left[0] <= 0:
            return act()
        left[0] -= 1
        if after:
            act()
        raise OSError(5, "the server answers 500")

    return fault


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("times", [1, 5])
def test_what_fails_is_tried_again_and_stays_ours(
    catalogue: SqliteCatalogue, times: int, after: bool
) -> None:
    server = MemoryTagServer()
    server.add("1")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    server.fault = failing(times, after=after)
    push(catalogue, server)
    assert states(catalogue) == {"Cat": (1, 0, 0, 0)}
    catalogue.commit([tagged("a.jpg", file_id="1", version="2-10")])
    server.fault = failing(times, after=after)
    push(catalogue, server)
    assert (server.names("1"), states(catalogue)) == (set(), {})


def test_a_catalogue_that_takes_no_answer_ends_the_run_before_more_is_asked_for(
    catalogue: SqliteCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MemoryTagServer()
    for number in range(10):
        server.add(str(number))
    catalogue.commit([tagged(f"{n}.jpg", "Cat", "Dog", file_id=str(n)) for n in range(10)])

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("recognize_cli.catalogue.outbox.settle", full)
    with pytest.raises(CatalogueUnusable):
        push(catalogue, server, workers=1)
    assert len(server.asked) == 1


def test_what_goes_on_failing_is_left_to_another_run(
    catalogue: SqliteCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    server = MemoryTagServer()
    server.add("1")
    server.fault = failing(1000)
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    time = Time()
    done = push(catalogue, server, clock=time, sleep=time.sleep)
    assert 4 <= done.retried <= 9
    assert states(catalogue) == {"Cat": (0, 0, 1, 0)}
    assert catalogue.outbox.troubles(TARGET) == [("the server answers 500", 1)]
    assert "a tag waits for another run: the server answers 500" in caplog.text
    due = catalogue.outbox.next_due(TARGET)
    assert due is not None
    assert due > time.now
    server.fault = failing(0)
    push(catalogue, server, clock=lambda: due)
    assert server.names("1") == {"Cat"}


def test_what_was_put_by_a_request_that_failed_is_ours_to_another_run(
    catalogue: SqliteCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MemoryTagServer()
    server.add("1")
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    fail = failing(1000, after=True)
    server.fault = lambda request, act: act() if request[0] == "look" else fail(request, act)
    time = Time()
    with monkeypatch.context() as patch:
        patch.setattr(server, "tags_in", lambda _: {"1": frozenset()})  # it does not show yet
        push(catalogue, server, clock=time, sleep=time.sleep)
    assert server.names("1") == {"Cat"}
    # A killed run that was about to ask again changes nothing of that.
    server.fault = failing(0)
    (file,) = next(catalogue.outbox.pending(TARGET, now=math.inf))
    catalogue.outbox.sent([(file.id, "Cat", State.SENT)])
    push(catalogue, server, clock=lambda: time.now + 7200)
    assert states(catalogue) == {"Cat": (1, 0, 0, 0)}
    catalogue.outbox.withdraw(TARGET)
    push(catalogue, server)
    assert server.names("1") == set()


def test_a_tag_that_comes_between_the_look_and_the_request_is_foreign(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")

    def user_is_faster(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "assign":
            server.tags["1"]["Cat"] = "user"
        return act()

    server.fault = user_is_faster
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    push(catalogue, server)
    assert states(catalogue) == {"Cat": (0, 1, 0, 0)}


def test_a_request_that_arrives_after_its_line_was_cut_is_ours(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")
    late: list[Callable[[], bool]] = []

    def slow_line(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "look":
            return True
        if not late:
            late.append(act)
            raise OSError(104, "cut")
        late[0]()
        return act()

    server.fault = slow_line
    catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
    push(catalogue, server)
    assert states(catalogue) == {"Cat": (1, 0, 0, 0)}


def test_a_server_that_is_gone_is_asked_by_no_more_than_are_asking(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    for number in range(20):
        server.add(str(number))
    catalogue.commit([tagged(f"{n}.jpg", "Cat", "Dog", file_id=str(n)) for n in range(20)])
    both = threading.Barrier(2)

    def gone(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "look":
            return act()
        both.wait(SECONDS)
        raise SourceUnreachable(source="https://cloud.example", problem="it is under maintenance")

    server.fault = gone
    with pytest.raises(SourceUnreachable):
        push(catalogue, server, workers=2)
    assert len(server.asked) == 2
    server.fault = failing(0)
    assert push(catalogue, server).assigned == 40


def test_a_refused_login_ends_the_run_and_loses_nothing(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    for number in range(10):
        server.add(str(number))
    catalogue.commit([tagged(f"{n}.jpg", "Cat", file_id=str(n)) for n in range(10)])

    def expire(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "assign" and len(server.asked) > 5:
            raise LoginRefused(server="https://cloud.example", user="alice")
        return act()

    server.fault = expire
    with pytest.raises(LoginRefused):
        push(catalogue, server)
    server.fault = failing(0)
    push(catalogue, server)
    assert states(catalogue) == {"Cat": (10, 0, 0, 0)}


def test_what_was_never_asked_for_is_not_taken_for_ours(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    files = [str(number) for number in range(20)]
    for file in files:
        server.add(file)
    catalogue.commit([tagged(f"{file}.jpg", "Cat", "Dog", file_id=file) for file in files])
    running = pusher(catalogue.outbox, server, workers=1)

    def expire(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "look":
            return act()
        if len(server.asked) == 1:
            server.tags[request[1]][request[2]] = "user"  # between the look and the request
            return act()
        raise LoginRefused(server="https://cloud.example", user="alice")

    server.fault = expire
    with pytest.raises(LoginRefused), running:
        running.run()
    asked = {(file, tag) for _, file, tag in server.asked[1:]}
    assert len(asked) == 1
    for file in files:
        for tag in {"Cat", "Dog"} - {tag for of, tag in asked if of == file}:
            server.tags[file][tag] = "user"
    server.fault = failing(0)
    push(catalogue, server)
    before = {file: server.owned(file, "user") for file in files}
    catalogue.outbox.withdraw(TARGET)
    push(catalogue, server)
    assert {file: server.names(file) for file in files} == before
    assert sum(map(len, before.values())) == 40 - len(asked)


class Killed(BaseException):
    """The end of a run that comes without a warning."""


def killed_push(
    catalogue: SqliteCatalogue,
    server: MemoryTagServer,
    kill: Callable[[Request, Callable[[], bool]], bool],
) -> None:
    """A run that ends where ``kill`` raises Killed, and does nothing of what follows at the end of others."""
    server.fault = kill
    running = pusher(catalogue.outbox, server, workers=1).__enter__()
    with pytest.raises(Killed):
        running.run()
    running._pool.shutdown(cancel_futures=True)
    running._stack.close()
    server.fault = failing(0)


@pytest.mark.parametrize("arrived", [False, True])
def test_what_a_killed_run_heard_no_answer_to_is_never_taken_off(
    catalogue: SqliteCatalogue, arrived: bool
) -> None:
    server = MemoryTagServer()
    files = [str(number) for number in range(20)]
    for file in files:
        server.add(file)
    catalogue.commit([tagged(f"{file}.jpg", "Cat", file_id=file) for file in files])

    def kill(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "look" or len(server.asked) <= 5:
            return act()
        if arrived and len(server.asked) == 6:
            act()
        raise Killed

    killed_push(catalogue, server, kill)
    assert states(catalogue) == {"Cat": (5, 0, 15, 0)}
    ours = {file for file in files if server.names(file)}
    assert len(ours) == 5 + arrived
    for file in set(files) - ours:
        server.tags[file]["Cat"] = "user"  # before the next run
    push(catalogue, server)
    assert states(catalogue) == {"Cat": (5, 15, 0, 0)}
    catalogue.outbox.withdraw(TARGET)
    push(catalogue, server)
    assert sum(server.owned(file, "user") == {"Cat"} for file in files) == 15 - arrived
    assert sum(bool(server.owned(file, "us")) for file in files) == arrived


def test_what_a_killed_run_may_have_taken_off_is_ours_as_long_as_it_is_there(
    catalogue: SqliteCatalogue,
) -> None:
    server = MemoryTagServer()
    for file in "12":
        server.add(file)
    catalogue.commit([tagged(f"{file}.jpg", "Cat", file_id=file) for file in "12"])
    push(catalogue, server)
    catalogue.commit([tagged(f"{file}.jpg", file_id=file, version="2-10") for file in "12"])

    def kill(request: Request, act: Callable[[], bool]) -> bool:
        if request[1] == "1":
            act()
        raise Killed

    killed_push(catalogue, server, kill)
    assert states(catalogue)["Cat"][0] == 2
    catalogue.commit([tagged("1.jpg", "Cat", file_id="1", version="3-10")])
    push(catalogue, server)
    assert (server.names("1"), server.names("2")) == ({"Cat"}, set())


def test_a_folder_of_many_files_is_looked_at_once(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    for number in range(300):
        server.add(str(number), "Photos", **({"Cat": "user"} if number % 7 == 0 else {}))
    catalogue.commit([tagged(f"{n:03}.jpg", "Cat", file_id=str(n), folder="Photos") for n in range(300)])
    assert push(catalogue, server).assigned == 300 - 43
    assert server.looked == ["Photos"]
    catalogue.commit(
        [tagged(f"{n:03}.jpg", "Dog", file_id=str(n), folder="Photos", version="2-1") for n in range(300)]
    )
    push(catalogue, server)
    assert server.looked == ["Photos", "Photos"]
    assert all(server.owned(str(number), "us") == {"Dog"} for number in range(300))


@pytest.mark.parametrize(("seconds", "looks"), [(1.0, 2), (4.0, 3)])
def test_a_look_that_lacks_a_file_or_is_old_is_not_believed(
    catalogue: SqliteCatalogue, seconds: float, looks: int
) -> None:
    server, time = MemoryTagServer(), Time()
    for number in range(300):
        server.add(str(number), "Photos")
    late = server.files.pop("200")

    def slow(request: Request, act: Callable[[], bool]) -> bool:
        if request[0] == "assign":
            time.now += seconds
            server.files["200"] = late
        return act()

    server.fault = slow
    catalogue.commit([tagged(f"{n:03}.jpg", "Cat", file_id=str(n), folder="Photos") for n in range(300)])
    assert push(catalogue, server, clock=time, sleep=time.sleep, workers=1).assigned == 300
    assert len(server.looked) == looks


def test_a_stopped_run_leaves_the_rest_as_it_was(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    for number in range(100):
        server.add(str(number))
    catalogue.commit([tagged(f"{n:03}.jpg", "Cat", file_id=str(n)) for n in range(100)])
    push(catalogue, server, stop=lambda: len(server.asked) >= 7, workers=1)
    assert len(server.asked) == 7
    assert states(catalogue) == {"Cat": (7, 0, 93, 0)}
    pages = catalogue.outbox.pending(TARGET, now=2e9)
    assert {tag.state for page in pages for file in page for tag in file.tags} == {State.NEW}


def test_a_step_does_not_wait(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1")
    with pusher(catalogue.outbox, server) as running:
        assert not running.step()
        catalogue.commit([tagged("a.jpg", "Cat", file_id="1")])
        assert running.run().assigned == 1


def test_a_preview_asks_for_nothing_and_notes_nothing(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", "Photos", Cat="user")
    server.add("2", "Photos")
    catalogue.commit(
        [
            tagged("a.jpg", "Cat", file_id="1", folder="Photos"),
            tagged("b.jpg", "Cat", "Animal", file_id="2", folder="Photos"),
        ]
    )
    found = [Change(TARGET, "Photos/b.jpg", ("Animal", "Cat"), ())]
    assert list(preview(catalogue.outbox, server, TARGET)) == found
    assert list(preview(catalogue.outbox, server, TARGET)) == found
    assert (server.asked, states(catalogue)["Cat"]) == ([], (0, 0, 2, 0))
    push(catalogue, server)
    catalogue.missing([known(catalogue, "b.jpg", "/Photos").id], Gone.IGNORED)
    assert list(preview(catalogue.outbox, server, TARGET)) == [
        Change(TARGET, "Photos/b.jpg", (), ("Animal", "Cat"))
    ]


def test_a_withdrawn_target_loses_all_that_is_ours(catalogue: SqliteCatalogue) -> None:
    server = MemoryTagServer()
    server.add("1", Mine="user", Cat="user")
    server.add("2")
    catalogue.commit([tagged("a.jpg", "Cat", "Dog", file_id="1"), tagged("b.jpg", "Cat", file_id="2")])
    push(catalogue, server)
    catalogue.outbox.withdraw(TARGET)
    push(catalogue, server)
    assert (server.names("1"), server.names("2")) == ({"Mine", "Cat"}, set())
    assert states(catalogue) == {}
    push(catalogue, server)
    assert catalogue.known(HERE, "/").keys() == {"a.jpg", "b.jpg"}


@pytest.mark.parametrize("seed", range(3))
def test_many_pushes_through_many_faults_end_where_they_should(catalogue: SqliteCatalogue, seed: int) -> None:
    rng = random.Random(seed)
    names = ["Cat", "Dog", "Öl", "Straße", "Beach"]
    server = MemoryTagServer(ignore_case=True)
    wanted: dict[str, set[str]] = {}
    for number in range(300):
        folder = f"f{number % 7}"
        foreign = {name: "user" for name in names if rng.random() < 0.1}
        server.add(str(number), folder, **foreign)
    before = {id_: server.owned(id_, "user") for id_ in server.files}

    def fault(request: Request, act: Callable[[], bool]) -> bool:
        drawn = rng.random()
        if drawn < 0.05:
            raise OSError(5, "the server answers 500")
        result = act()
        if drawn < 0.08:
            raise OSError(104, "cut")
        return result

    server.fault = fault
    for round_ in range(3):
        wanted = {id_: {name for name in names if rng.random() < 0.5} for id_ in server.files}
        catalogue.commit(
            [
                tagged(f"{id_}.jpg", *tags, file_id=id_, folder=server.files[id_], version=f"{round_}-1")
                for id_, tags in wanted.items()
            ]
        )
        push(catalogue, server, workers=3)
    for id_, tags in wanted.items():
        assert server.owned(id_, "user") == before[id_]
        assert server.names(id_) == tags | before[id_]
