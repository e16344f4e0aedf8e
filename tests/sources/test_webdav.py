from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.dav.address import Address
from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.patience import Patience
from recognize_cli.dav.spool import Spool
from recognize_cli.errors import FileFailure, LoginRefused, SourceNotFound, SourceUnreachable, UserError
from recognize_cli.records import Kind, MediaFile
from recognize_cli.secret import Secret
from recognize_cli.sources.webdav import WebDavSource
from recognize_cli.stages.walk import Visit, walk
from tests.contracts.source_contract import SourceContract, Tree
from tests.dav.servers import PASSWORD, USER, Hostile, WsgiDav, multistatus, raw, status, told
from tests.sources.folder import FolderTree

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.dav.servers import Asked


class TestWebDavSource(SourceContract):
    keeps_ids: ClassVar[bool] = False
    awkward_names: ClassVar[tuple[str, ...]] = (*SourceContract.awkward_names, "new\nline.jpg", "...")

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Iterator[Tree]:
        served = tmp_path / "served"
        root = served / "my photos %"
        root.mkdir(parents=True)
        (tmp_path / "spool").mkdir()
        with WsgiDav(served) as server:
            address = Address.of(f"webdav://{USER}@{server.host}/dav/my photos %25/")
            credentials = Credentials(USER, Secret(PASSWORD))
            with DavClient(address.server, credentials) as client, Spool(tmp_path / "spool") as spool:
                yield FolderTree(root, WebDavSource(address, client, spool))


Make = Callable[[str], WebDavSource]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    (tmp_path / "spool").mkdir()
    with Spool(tmp_path / "spool", limit=1 << 20, keep_free=0) as opened:
        yield opened


@pytest.fixture
def source_at(spool: Spool) -> Iterator[Make]:
    """Makes sources for addresses ``HOST/PATH``; their clients wait for nothing."""
    with ExitStack() as clients:

        def make(place: str) -> WebDavSource:
            address = Address.of(f"webdav://{USER}@{place}")
            options = Options(patience=Patience(attempts=3, longest_wait=1.0))
            client = DavClient(
                address.server, Credentials(USER, Secret(PASSWORD)), options, pause=lambda _: None
            )
            return WebDavSource(address, clients.enter_context(client), spool)

        yield make


def media_file(source: WebDavSource, path: str, size: int) -> MediaFile:
    return MediaFile(source.id, path, Kind.IMAGE, size, "1", 0.0)


def folder(*names: str, at: str = "/dav") -> bytes:
    return multistatus(
        told(f"{at}/", directory=True),
        *(told(f"{at}/{name}", directory=name.endswith("/"), etag=f"&quot;{name}&quot;") for name in names),
    )


@pytest.mark.parametrize(
    ("given", "shown", "storage", "base"),
    [
        ("webdav://h", "webdav://h", "webdav://h", "/"),
        (
            "webdavs://Alice@H.Example:443//a//b/",
            "webdavs://Alice@h.example/a/b",
            "webdavs://Alice@h.example",
            "/a/b",
        ),
        ("webdav://h:8080/caf%E9", "webdav://h:8080/caf%E9", "webdav://h:8080", "/caf\udce9"),
        ("webdav://a%40b@h/%C3%A4 %25?#x", "webdav://a%40b@h/ä %25%3F%23x", "webdav://a%40b@h", "/ä %?#x"),
        ("webdav://h/new%0Aline", "webdav://h/new%0Aline", "webdav://h", "/new\nline"),
    ],
)
def test_an_address_names_server_user_and_folder(
    spool: Spool, given: str, shown: str, storage: str, base: str
) -> None:
    address = Address.of(given)
    with DavClient(address.server) as client:
        source = WebDavSource(address, client, spool)
    assert (source.id, source.storage, source.base) == (shown, storage, base)
    assert Address.of(source.id) == address


@pytest.mark.parametrize(
    "given", ["webdav://alice:geheim@h/x", "webdav:///x", "ftp://h/x", "webdav://h/a/../b"]
)
def test_what_is_no_address_is_refused_and_never_shows_a_password(given: str) -> None:
    with pytest.raises(UserError) as caught:
        Address.of(given)
    assert "geheim" not in str(caught.value)


def test_one_request_lists_a_folder(tmp_path: Path, source_at: Make) -> None:
    (tmp_path / "served/a/b").mkdir(parents=True)
    with WsgiDav(tmp_path / "served") as server:
        source = source_at(f"{server.host}/dav")
        for directory in ("", "a", "a/b"):
            source.listing(directory)
        assert server.seen == [("PROPFIND", "/dav/"), ("PROPFIND", "/dav/a/"), ("PROPFIND", "/dav/a/b/")]


def test_etags_dates_and_sizes_make_the_version(source_at: Make) -> None:
    def versions(*responses: str) -> list[str]:
        body = multistatus(told("/dav/", directory=True), *responses)
        with Hostile([status(207, body, Date="Sun, 06 Nov 1994 08:50:00 GMT")]) as server:
            return [each.version for each in source_at(f"{server.host}/dav").listing("").entries]

    def date(time: str) -> str:
        return f"<d:getlastmodified>Sun, 06 Nov 1994 {time} GMT</d:getlastmodified>"

    assert versions(told("/dav/a", etag="x", size=1), told("/dav/b", etag="", size=2)) == ["x 1", " 2"]
    assert versions(told("/dav/a", etag="", more=date("08:49:37"))) == ["784111777 5"]
    assert versions(told("/dav/a", etag="x", more=date("08:49:57"))) == ["x 5"]
    assert versions(told("/dav/a", etag="x", more=date("08:49:58"))) == ["x 5 fresh"]


def test_only_a_folder_whose_etag_tells_of_all_below_it_has_a_version(source_at: Make) -> None:
    plain = told("/dav/a/", directory=True, etag="x")
    deep = told("/dav/b/", directory=True, etag="x", more="<oc:fileid>17</oc:fileid>")
    with Hostile([status(207, multistatus(told("/dav/", directory=True), plain, deep))]) as server:
        listing = source_at(f"{server.host}/dav").listing("")
    assert [entry.version for entry in listing.entries] == ["", "x"]


def test_ids_that_a_server_gives_files_are_used(source_at: Make) -> None:
    body = multistatus(told("/dav/", directory=True), told("/dav/a", more="<oc:fileid>17</oc:fileid>"))
    alone = multistatus(told("/dav/a", more="<oc:fileid>17</oc:fileid>"))
    with Hostile([status(207, body), status(207, alone), status(404), status(403)]) as server:
        source = source_at(f"{server.host}/dav")
        assert source.listing("").entries[0].file_id == "17"
        assert source.id_at("/dav/a") == "17"
        assert source.id_at("/dav/b") is None
        with pytest.raises(OSError, match="403"):
            source.id_at("/dav/c")


def test_names_that_would_leave_the_folder_are_left_out(source_at: Make) -> None:
    names = ("a.jpg", "..%2f..%2fetc%2fpasswd", "%2e%2e/", "%00.jpg", "x/../../y", "caf%e9.jpg", "a.jpg")
    with Hostile([status(207, folder(*names))]) as server:
        listing = source_at(f"{server.host}/dav").listing("")
    assert [entry.name for entry in listing.entries] == ["a.jpg", "caf\udce9.jpg"]


@pytest.mark.parametrize("path", ["..", "a/../../b", "./a", "a/.."])
def test_paths_that_would_leave_the_tree_are_never_asked_for(source_at: Make, path: str) -> None:
    with Hostile([status(207, folder())]) as server:
        with pytest.raises(FileNotFoundError):
            source_at(f"{server.host}/dav").listing(path)
        assert server.asked == []


def test_an_answer_about_something_else_is_not_an_empty_folder(source_at: Make) -> None:
    for body in (multistatus(), folder(at="/other"), multistatus(told("/dav/sub/x"))):
        with Hostile([status(207, body)]) as server:
            source = source_at(f"{server.host}/dav")
            with pytest.raises(OSError, match="not about the folder"):
                source.listing("sub")
            with pytest.raises(SourceNotFound, match="not about the folder"):
                source.listing("")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (status(403), "403 Forbidden"),
        (status(404), "check the path"),
        (status(405), "405 Method Not Allowed.*is that of a WebDAV folder"),
        (status(200, b"<html>welcome</html>"), "200 OK.*is that of a WebDAV folder"),
        (raw(b""), "broke the connection off"),
    ],
)
def test_a_root_that_cannot_be_listed_says_why(source_at: Make, answer: Any, problem: str) -> None:
    with Hostile([answer]) as server, pytest.raises(SourceNotFound, match=problem) as caught:
        source_at(f"{server.host}/dav").listing("")
    assert f"webdav://{USER}@{server.host}/dav" in str(caught.value)


def test_a_server_that_is_gone_and_a_login_that_is_refused_end_the_scan(source_at: Make) -> None:
    with Hostile([status(401)]) as server, pytest.raises(LoginRefused):
        source_at(f"{server.host}/dav").listing("sub")
    with pytest.raises(SourceUnreachable):
        source_at(f"{server.host}/dav").listing("sub")
    with (
        Hostile([status(503, Retry_After="9999")]) as busy,
        pytest.raises(SourceUnreachable, match="maintenance"),
    ):
        source_at(f"{busy.host}/dav").listing("sub")


def test_a_download_is_there_for_the_lease_only(tmp_path: Path, source_at: Make, spool: Spool) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/ä ?.JPG").write_bytes(b"content")
    with WsgiDav(tmp_path / "served") as server:
        source = source_at(f"{server.host}/dav")
        with source.lease(media_file(source, "ä ?.JPG", 7), preview=True) as path:
            assert Path(path).read_bytes() == b"content"
            assert Path(path).suffix == ".JPG"
            assert spool.held == 7
        assert not Path(path).exists()
        with source.lease(media_file(source, "ä ?.JPG", 0)) as path:
            assert Path(path).read_bytes() == b"content"
        assert server.seen == [("GET", "/dav/ä ?.JPG")] * 2


@pytest.mark.parametrize(
    ("answer", "size", "problem"),
    [
        (status(200, b"content"), 8, "7 bytes, not 8: it changed"),
        (status(200, b"content"), 6, "more than 6 bytes"),
        (status(404), 7, "404 Not Found"),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 7\r\n\r\ncon"), 7, "broke the connection off"),
        (raw(b"HTTP/1.1 200 X\r\n\r\ncon"), 7, "3 of 7 bytes"),
        (status(200), 2 << 20, "2 MiB are more than the 1 MiB"),
    ],
)
def test_a_download_that_fails_costs_its_file_only(
    source_at: Make, spool: Spool, answer: Any, size: int, problem: str
) -> None:
    with Hostile([answer]) as server:
        source = source_at(f"{server.host}/dav")
        with pytest.raises(FileFailure, match=problem), source.lease(media_file(source, "a.jpg", size)):
            pass
        assert spool.held == 0


def test_several_files_are_fetched_at_a_time(source_at: Make) -> None:
    together = threading.Barrier(4)

    def answer(asked: Asked, connection: socket.socket) -> object:
        if asked.method == "GET":
            together.wait(10)
        return (status(200, b"content") if asked.method == "GET" else status(207, folder()))(
            asked, connection
        )

    with Hostile([answer]) as server:
        source = source_at(f"{server.host}/dav")
        source.listing("")

        def fetch(number: int) -> bytes:
            with source.lease(media_file(source, f"{number}.jpg", 7)) as path:
                return Path(path).read_bytes()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(fetch, range(4))) == [b"content"] * 4


@given(cuts=st.lists(st.integers(0, 2000), min_size=1, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_anywhere_a_walk_gives_the_whole_tree_or_an_error(source_at: Make, cuts: list[int]) -> None:
    tree = {"/dav/": folder("a.jpg", "sub/"), "/dav/sub/": folder("b.jpg", "c.jpg", at="/dav/sub")}
    waiting = list(cuts)

    def answer(asked: Asked, connection: socket.socket) -> object:
        body = tree[asked.target]
        whole = b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        connection.sendall(whole[: waiting.pop(0)] if waiting else whole)
        return False

    with Hostile([answer]) as server:
        source = source_at(f"{server.host}/dav")
        visits = list(walk(source))
    files = [file for visit in visits if isinstance(visit, Visit) for file in visit.files]
    assert [file.path for file in files] == ["a.jpg", "sub/b.jpg", "sub/c.jpg"]


def test_a_wide_folder_takes_about_a_kilobyte_of_memory_a_file(source_at: Make) -> None:
    files = 10_000
    body = folder(*(f"IMG_{number:06d}%20x.jpg" for number in range(files)))
    with Hostile([status(207, body)]) as server:
        source = source_at(f"{server.host}/dav")
        source.listing("")
        tracemalloc.start()
        try:
            listing = source.listing("")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(listing.entries) == files
    assert peak < 1500 * files
