from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from recognize_cli.dav.failures import RequestFailed
from recognize_cli.dav.nextcloud import Nextcloud, find_root, sign_in
from recognize_cli.errors import SourceNotFound
from tests.dav.clouds import Clouds

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


@pytest.mark.parametrize(
    ("folder", "path", "below"),
    [
        ("", "", ""),
        ("", "/Photos/2024", "Photos/2024"),
        ("/cloud", "/cloud", ""),
        ("/cloud/one", "/cloud/one/Käse 😀/b", "Käse 😀/b"),
    ],
)
def test_the_root_is_found_on_the_path(clouds: Clouds, folder: str, path: str, below: str) -> None:
    server = clouds.start(folder=folder)
    assert find_root(clouds.client(server), path) == (folder, below)


@pytest.mark.parametrize(("folder", "requests"), [("", 2), ("/cloud", 1)])
def test_few_requests_find_the_root(clouds: Clouds, folder: str, requests: int) -> None:
    server = clouds.start(folder=folder)
    find_root(clouds.client(server), f"{folder}/Photos/2024")
    assert len(server.cloud.seen) == requests


def test_an_address_that_was_copied_from_the_settings_is_told_the_remedy(clouds: Clouds) -> None:
    server = clouds.start()
    with pytest.raises(SourceNotFound, match="leave out remote"):
        find_root(clouds.client(server), "/remote.php/dav/files/alice")
    assert server.cloud.seen == []


def test_no_root_is_an_error_with_the_address(clouds: Clouds) -> None:
    server = clouds.start(folder="/cloud")
    with pytest.raises(SourceNotFound, match="/Photos"):
        find_root(clouds.client(server), "/Photos")


def test_an_account_is_its_uid_and_what_its_server_can(clouds: Clouds) -> None:
    server = clouds.start(version="30", folder="/cloud", tags_enabled=False)
    cloud = sign_in(clouds.client(server, "alice@example.org"), "/cloud")
    assert cloud == Nextcloud("/cloud", "alice", major=30, has_tags=False)
    assert cloud.files == "/cloud/remote.php/dav/files/alice"


@pytest.mark.parametrize("uid", ["", "..", "a/b", "a\0b"])
def test_an_account_that_is_no_name_is_refused(clouds: Clouds, uid: str) -> None:
    server = clouds.start()
    server.cloud.accounts.users["alice"].uid = uid
    with pytest.raises((RequestFailed, OSError)):
        sign_in(clouds.client(server, "alice@example.org"), "")
