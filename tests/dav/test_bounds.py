"""What a server may cost that answers without end or sense: no memory to speak of, and no other file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from recognize_cli.dav.client import DavClient
from recognize_cli.dav.entries import PROPERTIES, entry_of
from recognize_cli.dav.failures import RequestFailed
from recognize_cli.dav.nextcloud import Nextcloud
from recognize_cli.dav.pages import Paging
from recognize_cli.errors import FileRefused
from tests.dav.servers import Asked, Hostile, multistatus, status, told

if TYPE_CHECKING:
    import socket

PAGE = multistatus(told("/", directory=True), told("/a.jpg"))


@pytest.mark.parametrize("total", ["9" * 5000, "9" * 12, "-1", "٣", ""])
def test_pages_without_a_sane_total_are_asked_for_at_once(total: str) -> None:
    paged = status(
        207,
        PAGE,
        X_NC_Paginate="true",
        X_NC_Paginate_Token="t",
        X_NC_Paginate_Total=total.encode().decode("latin-1"),
    )
    with Hostile([paged, status(207, PAGE)]) as server, DavClient(server.url) as client:
        found = Paging(PROPERTIES, entry_of, 2).read(client, "/")
        assert [entry.path for entry in found.items] == ["", "/a.jpg"]
        assert len(server.asked) == 2


def test_cookies_without_end_are_dropped() -> None:
    def other_cookies(asked: Asked, connection: socket.socket) -> bool:
        number = len(server.asked)
        cookies = {f"Set_Cookie{'_' * each}": f"c{number}-{each}=x" for each in range(1)}
        return bool(status(200, b"", **{"Set-Cookie": cookies["Set_Cookie"]})(asked, connection))

    with Hostile([other_cookies]) as server, DavClient(server.url) as client:
        for _ in range(200):
            client.request("GET", "/")
        sent = [request.headers.get("cookie", "").count("=") for request in server.asked]
    assert sent[1:4] == [1, 2, 3]
    assert max(sent) <= 64


def test_nothing_is_sent_after_a_cut() -> None:
    with Hostile([status(200)]) as server, DavClient(server.url) as client:
        client.request("PUT", "/a")
        client.cut()
        with pytest.raises(RequestFailed, match="no whole answer"):
            client.request("PUT", "/b")
        with pytest.raises(RequestFailed, match="no whole answer"):
            client.download("/c", io.BytesIO(), limit=10)
        assert [request.target for request in server.asked] == ["/a"]


@pytest.mark.parametrize("file_id", ["", "x", "1_0", "٣", "-1", "1/../2", "9" * 5000])
def test_a_file_that_is_called_by_no_number_costs_only_itself(file_id: str) -> None:
    cloud = Nextcloud("", "alice", 34, has_tags=True)
    with pytest.raises(FileRefused, match="no number"):
        cloud.relation(file_id, 1)
    assert cloud.relation("17", 1).endswith("/17/1")
