from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from recognize_cli.dav.entries import PROPERTIES, entry_of
from recognize_cli.dav.pages import Paging
from tests.dav.clouds import Clouds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.nextcloud import Cloud, NextcloudServer
    from tests.support.nextcloud.exchange import Request

FILES = "/remote.php/dav/files/alice/"


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


def ten_files(clouds: Clouds, **settings: object) -> NextcloudServer:
    server = clouds.start(**settings)
    for number in range(10):
        server.cloud.tree.write("alice", f"{number}.jpg", b"x")
    return server


def names(clouds: Clouds, server: NextcloudServer, size: int) -> list[str]:
    """The names in alice's folder, its own left out, read by pages of a size."""
    found = Paging(PROPERTIES, entry_of, size).read(clouds.client(server), FILES)
    return [entry.path.rpartition("/")[2] for entry in found.items if not entry.is_directory]


@pytest.mark.parametrize(("size", "requests"), [(1, 11), (3, 4), (10, 2), (11, 1), (12, 1)])
def test_pages_of_any_size_make_a_whole(clouds: Clouds, size: int, requests: int) -> None:
    server = ten_files(clouds)
    assert names(clouds, server, size) == [f"{number}.jpg" for number in range(10)]
    assert len(server.cloud.seen) == requests


def test_a_change_between_pages_is_for_the_next_listing(clouds: Clouds) -> None:
    server = ten_files(clouds)
    on_page(server.cloud, 2, lambda: server.cloud.remove("alice", "0.jpg"))
    assert len(names(clouds, server, 3)) == 10


def test_pages_of_two_listings_are_not_put_together(clouds: Clouds) -> None:
    server = ten_files(clouds)

    def lose_and_change() -> None:
        server.cloud.pages.clear()
        server.cloud.remove("alice", "0.jpg")
        server.cloud.write("alice", "10.jpg", b"x")  # as many as before

    on_page(server.cloud, 3, lose_and_change)
    assert names(clouds, server, 3) == [f"{number}.jpg" for number in range(1, 11)]


def test_a_page_that_is_short_is_not_believed(clouds: Clouds) -> None:
    server = ten_files(clouds)

    def lose_some() -> None:
        for page in server.cloud.pages.values():
            del page[-2:]

    on_page(server.cloud, 2, lose_some)
    assert len(names(clouds, server, 3)) == 10


def on_page(cloud: Cloud, number: int, act: Callable[[], None]) -> None:
    """Has something happen right before a page is asked for, the first being 1."""
    asked = 0

    def count(request: Request) -> None:
        nonlocal asked
        asked += 1
        if asked == number:
            act()

    cloud.before = count
