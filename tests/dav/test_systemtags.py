from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.dav.failures import RequestFailed, StatusError
from recognize_cli.errors import (
    FileRefused,
    LoginRefused,
    SourceUnreachable,
    TagRefused,
    TagsSwitchedOff,
)
from tests.dav.clouds import Clouds
from tests.support.nextcloud import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.dav.systemtags import SystemTags
    from tests.support.nextcloud import Cloud, NextcloudServer
    from tests.support.nextcloud.exchange import Request


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


def ready(clouds: Clouds, **settings: Any) -> tuple[NextcloudServer, Cloud, SystemTags, str]:
    """A server, what it knows, alice's tags on it, and the id of a file of hers."""
    server = clouds.start(**settings)
    file = server.cloud.write("alice", "Photos/a.jpg", b"x")
    return server, server.cloud, clouds.tags(server), str(file.id)


def is_relation(request: Request) -> bool:
    return "systemtags-relations" in request.path


@pytest.mark.parametrize("version", ["34", "33", "30"])
def test_a_tag_is_made_once_and_given_once(clouds: Clouds, version: str) -> None:
    _, cloud, tags, file = ready(clouds, version=version, folder="/cloud")
    assert [tags.assign(file, "Cat"), tags.assign(file, "Cat")] == [True, False]
    assert cloud.tags.names_of(int(file)) == {"Cat"}
    assert list(cloud.tags.by_id) == [1]
    assert [tags.unassign(file, "Cat"), tags.unassign(file, "Cat")] == [True, False]
    assert cloud.tags.names_of(int(file)) == set()


def test_names_fit_before_they_are_sent(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds, database="mariadb")
    long = "x" * 63 + "é and more"
    assert tags.assign(file, long)
    assert not tags.assign(file, long)
    assert cloud.tags.names_of(int(file)) == {"x" * 63}


@pytest.mark.parametrize(("version", "names"), [("34", {"cat"}), ("30", {"cat", "Cat"})])
def test_case_counts_as_it_does_on_the_server(clouds: Clouds, version: str, names: set[str]) -> None:
    _, cloud, tags, file = ready(clouds, version=version)
    cloud.tags.create("cat")
    assert tags.assign(file, "Cat")
    assert {tag.name for tag in cloud.tags.by_id.values()} == names
    assert (tags.key("Cat") == tags.key("cat")) is (version == "34")
    assert tags.unassign(file, "Cat")
    assert cloud.tags.of_file(int(file)) == []


def test_a_tag_that_somebody_made_meanwhile_is_used(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    assert not tags.unassign(file, "Cat")
    cloud.tags.create("Cat")
    assert tags.assign(file, "cat")
    assert cloud.tags.names_of(int(file)) == {"Cat"}


def test_a_tag_that_was_deleted_meanwhile_is_made_again(clouds: Clouds) -> None:
    server, cloud, tags, file = ready(clouds)
    tags.assign(file, "Cat")
    clouds.client(server, "root").request("DELETE", "/remote.php/dav/systemtags/1")
    assert tags.assign(file, "Cat")
    assert cloud.tags.names_of(int(file)) == {"Cat"}


def test_a_tag_that_may_not_be_made_or_given_is_refused_with_the_remedy(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    cloud.tags.create("restricted", admin=True, assignable=False)
    cloud.tags.create("hidden", admin=True, visible=False)
    with pytest.raises(TagRefused, match="make it visible"):
        tags.assign(file, "hidden")
    cloud.tags.only_admins = True
    for name, remedy in (("restricted", "assign it"), ("new", "may not make")):
        with pytest.raises(TagRefused, match=remedy) as caught:
            tags.assign(file, name)
        assert repr(name) in str(caught.value)
    assert cloud.tags.of_file(int(file)) == []


def test_a_tag_that_was_restricted_meanwhile_is_told_from_a_file(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    tags.assign(file, "Cat")
    other = str(cloud.write("alice", "b.jpg", b"x").id)
    cloud.tags.by_id[1].assignable = False
    cloud.pass_time(60)
    with pytest.raises(TagRefused, match="restricted"):
        tags.assign(other, "Cat")
    with pytest.raises(TagRefused, match="restricted"):
        tags.unassign(file, "Cat")


def test_files_that_may_not_be_tagged_are_refused_and_others_are_not(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    shared = cloud.write("bob", "shared.jpg", b"x")
    foreign = cloud.write("bob", "own.jpg", b"x")
    cloud.tree.share("bob", "shared.jpg", "alice", writable=False)
    with pytest.raises(FileRefused, match="only read"):
        tags.assign(str(shared.id), "Cat")
    for gone in (str(foreign.id), "99999"):
        with pytest.raises(FileRefused, match="not there"):
            tags.assign(gone, "Cat")
        assert not tags.unassign(gone, "Cat")
    assert tags.assign(file, "Cat")


def test_a_shared_file_is_tagged_for_both(clouds: Clouds) -> None:
    server, cloud, tags, _ = ready(clouds)
    shared = cloud.write("bob", "trips/a.jpg", b"x")
    cloud.tree.share("bob", "trips", "alice")
    assert tags.assign(str(shared.id), "Cat")
    assert clouds.tags(server, "bob").tags_in("trips") == {str(shared.id): frozenset({"Cat"})}


@pytest.mark.parametrize("version", ["34", "30"])
def test_the_tags_in_a_folder_are_told_for_all_its_files(clouds: Clouds, version: str) -> None:
    _, cloud, tags, file = ready(clouds, version=version)
    other = str(cloud.write("alice", "Photos/b.jpg", b"x").id)
    cloud.write("alice", "Photos/deep/c.jpg", b"x")
    for name in ("a < b & c", "Käse 😀"):
        tags.assign(file, name)
    assert tags.tags_in("Photos") == {file: {"a < b & c", "Käse 😀"}, other: set()}
    assert tags.tags_in("") == {}
    assert tags.tags_in("gone") == {}


def test_the_tags_of_a_large_folder_come_in_pages(clouds: Clouds) -> None:
    _, cloud, tags, _ = ready(clouds)
    files = [cloud.tree.write("alice", f"{number}.jpg", b"x").id for number in range(1200)]
    cloud.tags.create("Cat").files.add(files[-1])
    told = tags.tags_in("")
    assert len(told) == 1200
    assert told[str(files[-1])] == {"Cat"}
    assert len(cloud.asked("PROPFIND", "/files/")) == 2


def test_a_server_without_tags_is_told_so(clouds: Clouds) -> None:
    with pytest.raises(TagsSwitchedOff, match="Collaborative tags"):
        ready(clouds, tags_enabled=False)


def test_tags_that_are_not_told_are_not_taken_for_none(clouds: Clouds) -> None:
    _, cloud, tags, _ = ready(clouds)
    cloud.tags_enabled = False
    with pytest.raises(RequestFailed, match="does not tell"):
        tags.tags_in("Photos")


def test_a_list_that_is_broken_is_no_empty_list(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds, database="sqlite")
    cloud.tags.create("x" * 63 + "é")
    for _ in range(2):
        with pytest.raises(RequestFailed):
            tags.assign(file, "Cat")
    assert cloud.asked("POST") == []


def test_a_locked_database_is_waited_for(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    cloud.faults = Faults(only=is_relation, script=[Fault.LOCKED] * 4)
    assert tags.assign(file, "Cat") is True
    cloud.faults = Faults({Fault.LOCKED: 1.0}, only=is_relation)
    with pytest.raises(StatusError):
        tags.assign(file, "Dog")


def test_parallel_writes_to_sqlite_all_arrive(clouds: Clouds) -> None:
    _, cloud, tags, _ = ready(clouds, database="sqlite", lock_rate=0.5, write_seconds=0.001)
    files = [str(cloud.tree.write("alice", f"{number}.jpg", b"x").id) for number in range(30)]
    pairs = list(itertools.product(files, ("Cat", "Dog", "Käse")))
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda pair: tags.assign(*pair), pairs))
    assert done == [True] * len(pairs)
    assert len(cloud.tags.by_id) == 3
    assert sum(len(tag.files) for tag in cloud.tags.by_id.values()) == len(pairs)


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_AFTER])
def test_what_a_lost_answer_did_is_no_news_and_no_certainty(clouds: Clouds, fault: Fault) -> None:
    _, cloud, tags, file = ready(clouds)
    cloud.faults = Faults(only=is_relation, script=[fault])
    with pytest.raises(RequestFailed, match="answer"):
        tags.assign(file, "Cat")
    assert cloud.tags.names_of(int(file)) == {"Cat"}
    cloud.faults = Faults(only=is_relation, script=[fault])
    assert not tags.unassign(file, "Cat")
    assert cloud.tags.names_of(int(file)) == set()


def test_a_tag_is_made_once_even_if_the_answer_is_lost(clouds: Clouds) -> None:
    _, cloud, tags, file = ready(clouds)
    for name, fault in (("Cat", Fault.CUT_AFTER), ("Dog", Fault.ERROR_AFTER)):
        cloud.faults = Faults(only=lambda request: request.method == "POST", script=[fault])
        assert tags.assign(file, name)
    assert [tag.name for tag in cloud.tags.by_id.values()] == ["Cat", "Dog"]


def test_a_refused_login_and_maintenance_are_errors_of_the_run(clouds: Clouds) -> None:
    server, cloud, tags, file = ready(clouds)
    cloud.maintenance = True
    with pytest.raises(SourceUnreachable):
        tags.assign(file, "Cat")
    cloud.maintenance = False
    with pytest.raises(LoginRefused):
        clouds.client(server, password="wrong").request("GET", "/ocs/v2.php/cloud/user")


FAULTY = {
    Fault.ERROR: 0.1,
    Fault.ERROR_AFTER: 0.05,
    Fault.LOCKED: 0.2,
    Fault.CUT_BEFORE: 0.05,
    Fault.CUT_AFTER: 0.05,
}


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2), st.sampled_from(["Cat", "cat", "Dog"])), max_size=20
    ),
    seed=st.integers(0, 2**16),
    version=st.sampled_from(["34", "30"]),
)
def test_whatever_fails_the_answers_agree_with_the_server(
    steps: list[tuple[bool, int, str]], seed: int, version: str
) -> None:
    """An answer is right, or there is none; what nobody asked to change stays as it is."""
    with ExitStack() as stack:
        clouds = Clouds(stack)
        _, cloud, tags, _ = ready(clouds, version=version)
        files = [cloud.tree.write("alice", f"{number}.jpg", b"x").id for number in range(3)]
        theirs = cloud.tags.create("theirs")
        theirs.files |= set(files)
        cloud.faults = Faults(FAULTY, seed=seed, only=is_relation)
        for is_to_have, number, name in steps:
            file, key = files[number], tags.key(name)
            had = key in {tags.key(each) for each in cloud.tags.names_of(file)}
            act: Callable[[str, str], bool] = tags.assign if is_to_have else tags.unassign
            try:
                changed = act(str(file), name)
            except OSError:
                continue
            except SourceUnreachable:  # too many failures in a row
                return
            has = key in {tags.key(each) for each in cloud.tags.names_of(file)}
            assert has is is_to_have
            assert changed in ({had != has} if is_to_have else {had != has, False})
        assert theirs.files == set(files)
