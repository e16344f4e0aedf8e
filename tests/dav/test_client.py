"""What the client does with servers that are slow, broken, busy, wrong or hostile."""

from __future__ import annotations

import gzip
import io
import logging
import socket
import ssl
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
import trustme

from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.entries import PROPERTIES, entry_of
from recognize_cli.dav.failures import RequestFailed, StatusError
from recognize_cli.dav.patience import Patience
from recognize_cli.errors import ConfigError, ExitCode, LoginRefused, SourceUnreachable
from recognize_cli.secret import Secret
from tests.dav.servers import PASSWORD, USER, Asked, Hostile, WsgiDav, drip, multistatus, raw, status, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Answer = Callable[[Asked, socket.socket], object]

LISTING = multistatus(told("/", directory=True), told("/a.jpg"), told("/b.jpg"))
FOUND = status(207, LISTING)
SHORT = Patience(attempts=4, backoff=1.0, longest_backoff=30.0, longest_wait=100.0)


class Talk:
    """A client and the server that it talks to; ``pauses`` are the seconds that it waited."""

    def __init__(self, url: str, options: Options | None = None) -> None:
        self.pauses: list[float] = []
        self.client = DavClient(
            url,
            Credentials(USER, Secret(PASSWORD)),
            options or Options(patience=SHORT),
            pause=self.pauses.append,  # type: ignore[arg-type]
        )

    def names(self) -> list[str]:
        with self.client as client:
            return [entry.path for entry in client.propfind("/", PROPERTIES, entry_of).items]

    def fetch(self, **wanted: int) -> bytes:
        target = io.BytesIO(b"what an earlier try left")
        with self.client as client:
            client.download("/a.jpg", target, **{"limit": 1000, **wanted})
        return target.getvalue()


def lists(*script: Answer, options: Options | None = None) -> tuple[list[str], Talk, Hostile]:
    with Hostile(list(script)) as server:
        talk = Talk(server.url, options)
        return talk.names(), talk, server


CUT = raw(b"")
HALF = raw(b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTING), LISTING[:200]))


@pytest.mark.parametrize(
    "trouble",
    [
        CUT,
        raw(b"HTT"),
        raw(b"HTTP/1.1 207 X\r\nContent-Le"),
        HALF,
        raw(b"HTTP/1.1 207 X\r\n\r\n" + LISTING[:200]),
        raw(b"HTTP/1.1 207 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<?x\r\n"),
        raw(b"HTTP/1.1 207 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 207 X\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(LISTING)[:-9]),
        raw(b"HTTP/1.1 207 X\r\nContent-Encoding: gzip\r\n\r\n" + b"no gzip at all"),
        raw(b"\x15\x03\x01 this is no HTTP\r\n\r\n"),
        status(502),
        status(504),
    ],
)
def test_what_broke_off_is_asked_again(trouble: Answer) -> None:
    names, talk, server = lists(trouble, trouble, FOUND)
    assert names == ["", "/a.jpg", "/b.jpg"]
    assert len(server.asked) == 3
    assert all(0 <= pause <= ceiling for pause, ceiling in zip(talk.pauses, (1.0, 2.0), strict=True))


SOUND = b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTING), LISTING)


@pytest.mark.parametrize("length", range(0, len(SOUND), 7))
def test_an_answer_cut_at_any_byte_is_asked_for_again(length: int) -> None:
    names, _, server = lists(raw(SOUND[:length]), FOUND)
    assert names == ["", "/a.jpg", "/b.jpg"]
    assert len(server.asked) == 2


def test_patience_ends_with_an_error_of_this_request_only() -> None:
    with Hostile([CUT]) as server:
        talk = Talk(server.url)
        with pytest.raises(RequestFailed, match="broke the connection off"):
            talk.names()
        assert len(server.asked) == len(talk.pauses) + 1 == SHORT.attempts


def test_a_server_that_answers_nothing_any_more_is_given_up() -> None:
    with Hostile([status(502)]) as server, Talk(server.url).client as client:
        for _ in range(4):
            with pytest.raises(StatusError, match="502 Bad Gateway"):
                client.request("GET", "/", repeatable=False)
        with pytest.raises(SourceUnreachable, match="502 Bad Gateway"):
            client.request("GET", "/", repeatable=False)


def test_busy_servers_are_left_alone_as_long_as_they_ask_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        names, talk, server = lists(status(429, Retry_After="7"), status(503, Retry_After="40"), FOUND)
    assert names
    assert talk.pauses == [7.0, 40.0]
    assert len(server.asked) == 3
    assert [each.getMessage().partition(" answers ")[2] for each in caplog.records] == [
        f"429 Too Many Requests; waiting up to {SHORT.longest_wait:.0f} seconds"
    ]


def test_a_wait_longer_than_patience_is_not_begun() -> None:
    with Hostile([status(429, Retry_After="3600")]) as server:
        talk = Talk(server.url)
        with pytest.raises(SourceUnreachable, match=r"429 Too Many Requests.*wait half an hour") as caught:
            talk.names()
        assert (talk.pauses, len(server.asked)) == ([], 1)
        assert caught.value.exit_code is ExitCode.SOURCE


def test_maintenance_is_waited_for_up_to_a_bound() -> None:
    with Hostile([status(503)]) as server:
        talk = Talk(server.url)
        with pytest.raises(SourceUnreachable, match=r"under maintenance.*run again later"):
            talk.names()
        assert 50 < sum(talk.pauses) <= SHORT.longest_wait


def test_a_folder_that_is_out_of_order_does_not_stop_a_server_that_is_up() -> None:
    def answer(asked: Asked, connection: socket.socket) -> object:
        return (status(503) if asked.target == "/broken/" else FOUND)(asked, connection)

    with Hostile([answer]) as server, Talk(server.url).client as client:
        with pytest.raises(StatusError, match="503 Service Unavailable"):
            client.propfind("/broken/", PROPERTIES, entry_of)
        assert client.propfind("/", PROPERTIES, entry_of).items


def test_a_login_that_was_refused_is_never_sent_again() -> None:
    def slowly(asked: Asked, connection: socket.socket) -> object:
        barrier.wait(5)
        return status(401, WWW_Authenticate="Basic realm=x")(asked, connection)

    barrier = threading.Barrier(2)
    problems: list[Exception] = []
    with Hostile([slowly]) as server, Talk(server.url).client as client:

        def ask() -> None:
            try:
                client.request("GET", "/")
            except LoginRefused as error:
                problems.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        barrier.wait(5)
        for thread in threads:
            thread.join()
        with pytest.raises(LoginRefused, match=f"refuses the login of {USER}") as caught:
            client.request("GET", "/")
        assert caught.value.exit_code is ExitCode.LOGIN
        assert len(problems) == 8
        assert len(server.asked) == 1


def test_methods_that_change_something_are_sent_once_if_they_may_have_done_it() -> None:
    with Hostile([CUT]) as server, Talk(server.url).client as client:
        with pytest.raises(RequestFailed):
            client.request("POST", "/", body=b"{}")
        assert len(server.asked) == 1
    with Hostile([CUT, status(503, Retry_After="1"), status(201)]) as server:
        with Talk(server.url).client as client:
            assert client.request("POST", "/", body=b"{}", repeatable=True).status == 201
        assert [each.body for each in server.asked] == [b"{}"] * 3
    with Hostile([status(503), status(201)]) as server, Talk(server.url).client as client:
        assert client.request("POST", "/").status == 201


def test_the_caller_says_which_answers_are_temporary() -> None:
    locked = status(500, b"database is locked")
    with Hostile([locked, locked, status(201)]) as server, Talk(server.url).client as client:
        answer = client.request("PUT", "/x", temporary=lambda told: b"is locked" in told.body)
        assert answer.status == 201
    with Hostile([locked]) as server, Talk(server.url).client as client:
        assert client.request("PUT", "/x").status == 500
        assert len(server.asked) == 1
        with pytest.raises(StatusError) as caught:
            client.request("PUT", "/x", temporary=lambda told: told.status == 500)
        assert (caught.value.status, caught.value.body) == (500, b"database is locked")
        assert len(server.asked) == 1 + SHORT.attempts


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_within_the_server_are_followed(code: int) -> None:
    names, _, server = lists(status(code, Location="/new%20place/?x=1"), FOUND)
    assert names
    first, second = server.asked
    assert second.target == "/new%20place/?x=1"
    assert (second.method, second.body) == (first.method, first.body) == ("PROPFIND", first.body)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["http:", ""])
def test_credentials_never_follow_a_redirect_to_another_host(code: int, scheme: str) -> None:
    with Hostile([FOUND]) as other:
        elsewhere = status(code, Location=f"{scheme}//{other.host}/")
        with Hostile([elsewhere]) as server:
            with pytest.raises(SourceUnreachable) as caught:
                Talk(server.url).names()
            assert server.url in str(caught.value)
            assert f"http://{other.host}/" in str(caught.value)
            assert len(server.asked) == 1
            with pytest.raises(SourceUnreachable):
                Talk(server.url).fetch()
    assert other.asked == []


def test_redirects_that_lead_nowhere_good_are_errors() -> None:
    for location in (
        "http://[",
        "mailto:x",
        "\x7f\x1b[2J//",
        "http://host:99999/",
        f"http://x@127.0.0.1:1/{PASSWORD}",
    ):
        with Hostile([status(302, Location=location)]) as server, pytest.raises(SourceUnreachable) as caught:
            Talk(server.url).names()
        assert str(caught.value).isprintable()
    with (
        Hostile([status(302, Location="/again")]) as server,
        pytest.raises(SourceUnreachable, match="circle"),
    ):
        Talk(server.url).names()
    with Hostile([status(307, Location="/x")]) as server, pytest.raises(SourceUnreachable, match="PUT"):
        Talk(server.url).client.request("PUT", "/y")


def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login mallory password stolen\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Hostile([FOUND]) as server, DavClient(server.url) as client:
        client.propfind("/", PROPERTIES, entry_of)
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (status(207, b"<html/>"), "no multistatus"),
        (status(207, b"<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>"), "document type"),
        (status(200, LISTING), "200 OK"),
        (status(404, b"x" * 5_000_000), "404 Not Found"),
        (status(599), "599"),
        (status(207, b"<x", Content_Encoding="br"), "packed as"),
    ],
)
def test_what_is_no_listing_is_an_error_that_says_so(answer: Answer, problem: str) -> None:
    with Hostile([answer]) as server, pytest.raises(RequestFailed, match=problem):
        Talk(server.url).names()


def test_packed_answers_are_unpacked_within_bounds() -> None:
    packed = status(207, gzip.compress(LISTING), Content_Encoding="gzip")
    assert lists(packed)[0] == ["", "/a.jpg", "/b.jpg"]
    bomb = status(207, gzip.compress(multistatus(*[told("/x")] * 100_000)), Content_Encoding="gzip")
    options = Options(longest_xml=1 << 20, patience=SHORT)
    with Hostile([bomb]) as server, pytest.raises(RequestFailed, match="more than 1048576 bytes"):
        Talk(server.url, options).names()
    assert len(server.asked) == 1


def test_endless_answers_end() -> None:
    stop = threading.Event()
    endless = drip(b"HTTP/1.1 200 X\r\n\r\n", b"x" * 100_000, stop)
    for ask in (Talk.fetch, lambda talk: talk.client.request("GET", "/", limit=1000)):
        with Hostile([endless]) as server, pytest.raises(RequestFailed, match="more than 1000 bytes"):
            ask(Talk(server.url))
        stop.set()
        stop.clear()


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 207 X\r\nX: ",
        b"HTTP/1.1 207 X\r\n\r\n",
        b"HTTP/1.1 207 X\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_server_that_drips_is_left_in_time(start: bytes) -> None:
    stop = threading.Event()
    options = Options(deadline=0.3, patience=SHORT)
    with Hostile([drip(start, b" ", stop)]) as server:
        with pytest.raises(RequestFailed, match="no whole answer within"):
            Talk(server.url, options).names()
        stop.set()
    assert len(server.asked) == 1


def test_a_download_that_was_cut_for_its_slowness_is_not_taken_for_whole() -> None:
    stop = threading.Event()
    options = Options(deadline=0.3, slowest=1 << 30, patience=SHORT)
    with Hostile([drip(b"HTTP/1.1 200 X\r\n\r\n", b"x", stop)]) as server:
        with pytest.raises(RequestFailed, match="no whole answer within"):
            Talk(server.url, options).fetch()
        stop.set()


def test_a_server_that_falls_silent_is_asked_again() -> None:
    stop = threading.Event()
    silence: Answer = lambda _asked, _connection: stop.wait(5)  # noqa: E731
    options = Options(read_timeout=0.2, patience=SHORT)
    with Hostile([silence, FOUND]) as server:
        assert Talk(server.url, options).names()
        stop.set()
    assert len(server.asked) == 2


def test_a_download_replaces_what_an_earlier_try_left() -> None:
    cut = raw(b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nXX")
    with Hostile([cut, status(200, b"whole", ETag='"7"')]) as server:
        assert Talk(server.url).fetch(expected_size=5) == b"whole"
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "problem", "asked"),
    [
        (status(200, b"longer"), "sends more than", 1),
        (status(200, b"less"), "4 bytes, not 5: it changed", 1),
        (raw(b"HTTP/1.1 200 X\r\n\r\nless"), "4 of 5 bytes", 4),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nless"), "broke the connection off", 4),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwhole!"), "contradict", 4),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: -5\r\n\r\nwhole!"), "sends more than", 1),
        (status(404), "404 Not Found", 1),
        (status(206, b"whole"), "206 Partial Content", 1),
    ],
)
def test_a_download_of_another_length_is_an_error(answer: Answer, problem: str, asked: int) -> None:
    with Hostile([answer]) as server, pytest.raises(RequestFailed, match=problem):
        Talk(server.url).fetch(expected_size=5, limit=5)
    assert len(server.asked) == asked


def test_a_full_disk_is_not_the_servers_fault() -> None:
    with Hostile([status(200, b"x" * 10)]) as server, open("/dev/full", "r+b", buffering=0) as full:
        with Talk(server.url).client as client, pytest.raises(OSError, match=r".") as caught:
            client.download("/a", full, limit=100)
        assert not isinstance(caught.value, RequestFailed)
    assert len(server.asked) <= 1


def test_connections_are_kept() -> None:
    with Hostile([FOUND]) as server, Talk(server.url).client as client:
        for _ in range(5):
            client.propfind("/", PROPERTIES, entry_of)
        assert client.request("GET", "/missing").status == 207
        assert len(server.asked) == 6
        assert len(server._threads) == 2


def test_stopping_ends_the_wait() -> None:
    with Hostile([CUT]) as server:
        client = DavClient(server.url, pause=lambda _: True)
        with client, pytest.raises(RequestFailed):
            client.request("GET", "/")
        assert len(server.asked) == 1


def test_no_connection_is_an_error_of_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    talk = Talk(f"http://127.0.0.1:{port}")
    with pytest.raises(SourceUnreachable, match="Connection refused"):
        talk.names()
    assert len(talk.pauses) == SHORT.attempts - 1
    with pytest.raises(SourceUnreachable, match="its name has no address"):
        Talk("http://no-such-host.invalid").names()


class TlsServer:
    """Speaks TLS with a certificate of an authority that only the test knows."""

    def __init__(self, authority: trustme.CA) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)

    def __call__(self, asked: Asked, connection: socket.socket) -> object:
        return FOUND(asked, connection)

    def wrap(self, listener: socket.socket) -> socket.socket:
        return self._context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)


def test_certificates_are_always_checked(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(pem)
    with Hostile([FOUND], tls=TlsServer(authority).wrap) as server:
        url = f"https://{server.host}"
        talk = Talk(url)
        with pytest.raises(SourceUnreachable, match="certificate is not to be trusted"):
            talk.names()
        assert talk.pauses == []
        assert Talk(url, Options(ca=pem)).names()
        assert len(server.asked) == 1
    with pytest.raises(ConfigError, match=r"nothing\.pem"):
        Talk("https://127.0.0.1", Options(ca=tmp_path / "nothing.pem"))
    with WsgiDav(tmp_path) as plain, pytest.raises(SourceUnreachable, match="speaks TLS"):
        Talk(f"https://{plain.host}").names()
    (tmp_path / "wrong.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"wrong\.pem: no certificate"):
        Talk("https://127.0.0.1", Options(ca=tmp_path / "wrong.pem"))


def test_certificates_of_the_environment_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with Hostile([FOUND], tls=TlsServer(authority).wrap) as server:
        assert Talk(f"https://{server.host}").names()


def test_a_server_that_needs_no_proxy_is_asked_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile([FOUND]) as server, Hostile([status(407)]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert Talk(server.url).names()
        assert proxy.asked == []


def test_a_redirect_out_of_encryption_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(pem)
    with Hostile([FOUND]) as plain:
        away = status(301, Location=f"{plain.url}/")
        with (
            Hostile([away], tls=TlsServer(authority).wrap) as server,
            pytest.raises(SourceUnreachable, match="not encrypted"),
        ):
            Talk(f"https://{server.host}", Options(ca=pem)).names()
    assert plain.asked == []


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile([FOUND]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert Talk("http://dav.example").names()
        assert proxy.asked[0].target == "http://dav.example/"
    with Hostile([status(407)]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(SourceUnreachable, match="proxy asks for a login"):
            Talk("http://dav.example").names()


@pytest.mark.parametrize(
    "answer",
    [CUT, HALF, status(401), status(403, b"no"), status(429), status(302, Location="http://x.example/")],
)
def test_no_error_or_log_line_shows_the_password(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        Hostile([answer]) as server,
        pytest.raises(Exception, match=r".") as caught,
    ):
        Talk(server.url, Options(patience=Patience(attempts=2, longest_wait=1.0))).names()
    header = server.asked[0].headers["authorization"].removeprefix("Basic ")
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.__dict__)
    for secret in (PASSWORD, header, PASSWORD.replace(" ", "%20")):
        assert secret not in shown
    error: BaseException | None = caught.value
    while error is not None:
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


def test_what_is_under_way_can_be_cut_off_and_nothing_comes_after() -> None:
    wait = threading.Event()
    hanging = drip(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000000\r\n\r\n", b" ", wait)
    with Hostile([FOUND, hanging]) as server, Talk(server.url).client as client:
        client.propfind("/", PROPERTIES, entry_of)
        threading.Timer(0.2, client.cut).start()
        for _ in range(2):
            with pytest.raises(RequestFailed):
                client.propfind("/", PROPERTIES, entry_of)
        wait.set()
