"""Downloads from a server that does everything wrong that servers do."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import urllib3

from recognize_cli.models.download import Downloader, redacted
from recognize_cli.models.entries import Algorithm
from recognize_cli.models.origins.order import Mirrors, Order, OriginFailed
from tests.models.making import locked
from tests.models.web import Server, cut_off, endless, resuming, status, whole

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile
    from tests.models.web import Request

DATA = bytes(range(256)) * 1024
FILE = locked("deep/model.bin", DATA)
CORRUPT = DATA[:1000] + b"!" + DATA[1001:]


class Download:
    """A download of a file, by default FILE, from ``/file`` into a fresh folder."""

    def __init__(self, server: Server, folder: Path, file: LockedFile = FILE) -> None:
        self.url = f"{server.url}/file"
        self.progress: list[int] = []
        self.target = folder / "files" / file.path
        self.part = folder / "parts" / f"{file.digest}.part"
        for name in ("files", "parts"):
            (folder / name).mkdir()
        self._file = file
        self._order = Order((file,), folder / "files", folder / "parts", lambda _: None, Mirrors())

    def run(self) -> bytes:
        with Downloader(backoff=0) as client:
            client.fetch(self.url, self._file, self._order, self.progress.append)
        return self.target.read_bytes()

    def fails(self, message: str) -> None:
        with pytest.raises(OriginFailed, match=message):
            self.run()
        assert not self.target.exists()


@pytest.fixture
def download(server: Server, tmp_path: Path) -> Download:
    return Download(server, tmp_path)


@pytest.fixture
def unsized(server: Server, tmp_path: Path) -> Download:
    """A download of a file whose size is not known."""
    bounded = replace(locked(FILE.path, DATA, Algorithm.GIT), size=2 * len(DATA), at_most=True)
    return Download(server, tmp_path, bounded)


def test_gets_a_file(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(DATA)]
    assert download.run() == DATA
    assert server.seen == [("/file", None)]
    assert download.progress == sorted(download.progress)
    assert download.progress[-1] == len(DATA)
    assert not download.part.exists()


def test_goes_on_where_an_earlier_run_stopped(server: Server, download: Download) -> None:
    server.answers["/file"] = [resuming(DATA)]
    download.part.write_bytes(DATA[:100_000])
    assert download.run() == DATA
    assert server.seen == [("/file", "bytes=100000-")]


def test_goes_on_after_each_break(server: Server, download: Download) -> None:
    server.answers["/file"] = [cut_off(DATA, 1000), cut_off(DATA, 70_000), resuming(DATA)]
    assert download.run() == DATA
    assert server.seen == [("/file", None), ("/file", "bytes=1000-"), ("/file", "bytes=71000-")]


def test_starts_anew_where_the_server_ignores_range(server: Server, download: Download) -> None:
    server.answers["/file"] = [cut_off(DATA, 1000), whole(DATA)]
    assert download.run() == DATA


def test_starts_anew_where_the_server_cannot_resume(server: Server, download: Download) -> None:
    server.answers["/file"] = [cut_off(DATA, 1000), status(416), resuming(DATA)]
    assert download.run() == DATA
    assert [asked for _, asked in server.seen] == [None, "bytes=1000-", None]


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 999-1999/262144", "nonsense", ""])
def test_starts_anew_where_the_server_resumes_elsewhere(
    server: Server, download: Download, content_range: str
) -> None:
    def elsewhere(request: Request) -> None:
        request.head(206, 10, Content_Range=content_range)
        request.wfile.write(b"?" * 10)

    server.answers["/file"] = [cut_off(DATA, 1000), elsewhere, resuming(DATA)]
    assert download.run() == DATA
    assert [asked for _, asked in server.seen] == [None, "bytes=1000-", None]


def test_takes_a_whole_part_without_asking(server: Server, download: Download) -> None:
    download.part.write_bytes(DATA)
    assert download.run() == DATA
    assert server.seen == []


def test_throws_away_a_part_that_is_too_long(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(DATA)]
    download.part.write_bytes(DATA + b"more")
    assert download.run() == DATA


def test_fetches_corrupt_bytes_once_more(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(CORRUPT), resuming(DATA)]
    assert download.run() == DATA
    assert [asked for _, asked in server.seen] == [None, None]


def test_repairs_a_corrupt_part(server: Server, download: Download) -> None:
    server.answers["/file"] = [resuming(DATA)]
    download.part.write_bytes(CORRUPT[:2000])
    assert download.run() == DATA


def test_gives_up_on_bytes_that_stay_corrupt(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(CORRUPT)]
    wrong = locked("x", CORRUPT).digest
    download.fails(f"(?s)not the file that models.lock names.*sha256:{FILE.digest}.*sha256:{wrong}")
    assert len(server.seen) == 2
    assert not download.part.exists()


def test_keeps_what_came_when_it_gives_up(server: Server, download: Download) -> None:
    server.answers["/file"] = [cut_off(DATA, 10)]
    download.fails("no end after 6 attempts; at the last one the connection broke")
    assert download.part.read_bytes() == DATA[:60]


def test_a_file_that_is_too_short(server: Server, download: Download) -> None:
    server.answers["/file"] = [resuming(DATA[:-1])]
    download.fails("no end after 6 attempts")


def test_a_length_that_is_too_small(server: Server, download: Download) -> None:
    server.answers["/file"] = [cut_off(DATA, 500, declared=500), resuming(DATA)]
    assert download.run() == DATA


def test_refuses_a_length_that_is_too_great(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(DATA + b"!")]
    download.fails(f"more than the {len(DATA)} bytes")
    assert not download.part.exists()


def test_cuts_off_an_endless_body(server: Server, download: Download) -> None:
    server.answers["/file"] = [endless]
    download.fails(f"more than the {len(DATA)} bytes")
    assert download.part.stat().st_size <= len(DATA)


def test_tries_again_after_a_temporary_failure(server: Server, download: Download) -> None:
    server.answers["/file"] = [status(500), status(503, Retry_After="0"), whole(DATA)]
    assert download.run() == DATA
    assert len(server.seen) == 3


def test_gives_up_on_a_failure_that_stays(server: Server, download: Download) -> None:
    server.answers["/file"] = [status(503)]
    download.fails("503")
    assert len(server.seen) == 6


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_does_not_repeat_a_request_that_is_refused(server: Server, download: Download, code: int) -> None:
    server.answers["/file"] = [status(code)]
    download.fails(f"/file: HTTP {code}")
    assert len(server.seen) == 1


def test_follows_a_redirect(server: Server, download: Download) -> None:
    server.answers["/file"] = [status(302, Location="/other")]
    server.answers["/other"] = [cut_off(DATA, 1000), resuming(DATA)]
    assert download.run() == DATA


@pytest.mark.parametrize(
    "location", ["/file", "file:///etc/passwd", "http://", "http://[/", "http://\u00fc" * 50]
)
def test_refuses_a_redirect_to_nowhere(server: Server, download: Download, location: str) -> None:
    server.answers["/file"] = [status(302, Location=location)]
    download.fails("/file: ")


def test_does_not_unpack_what_the_server_packed(server: Server, download: Download) -> None:
    packed = gzip.compress(DATA)

    def answer(request: Request) -> None:
        request.head(200, len(packed), Content_Encoding="gzip")
        request.wfile.write(packed)

    server.answers["/file"] = [answer]
    download.fails("no end after 6 attempts")


def test_reports_a_server_that_is_not_there(server: Server, download: Download) -> None:
    download.url = "http://127.0.0.1:1/file"
    download.fails("127.0.0.1")


def test_a_long_retry_after_does_not_hold_us_up(server: Server) -> None:
    with Downloader(backoff=0) as client:
        retries = client._session.get_adapter(server.url).max_retries

        response = urllib3.HTTPResponse(headers={"Retry-After": "86400"})
        assert retries.get_retry_after(response) == 60


def test_secrets_of_an_address_are_not_told() -> None:
    assert redacted("https://user:secret@host/a?token=secret b") == "https://host/a b"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_disk_that_cannot_be_written_is_no_fault_of_the_server(server: Server, download: Download) -> None:
    server.answers["/file"] = [whole(DATA)]
    download.part.parent.chmod(0o500)
    with pytest.raises(PermissionError):
        download.run()


# --- a file whose size is not known ------------------------------------------------------------


def test_gets_a_file_of_any_size_below_the_limit(server: Server, unsized: Download) -> None:
    server.answers["/file"] = [resuming(DATA)]
    assert unsized.run() == DATA
    assert (unsized.progress[-1], len(server.seen)) == (len(DATA), 1)


@pytest.mark.parametrize("length", [len(DATA), None], ids=["announced", "not announced"])
def test_one_that_breaks_off_is_completed(server: Server, unsized: Download, length: int | None) -> None:
    def half(request: Request) -> None:
        request.head(200, length)
        request.wfile.write(DATA[: len(DATA) // 2])
        request.close_connection = True

    server.answers["/file"] = [half, resuming(DATA)]
    assert unsized.run() == DATA
    start = (
        f"bytes={len(DATA) // 2}-" if length else None
    )  # else the half looks like the whole, but for its digest
    assert server.seen == [("/file", None), ("/file", start)]


def test_a_whole_part_is_told_by_its_digest(server: Server, unsized: Download) -> None:
    unsized.part.write_bytes(DATA)
    assert unsized.run() == DATA
    assert server.seen == []


@pytest.mark.parametrize("extra", [b"!", bytes(2 * len(DATA))], ids=["below the limit", "beyond it"])
def test_a_part_that_is_too_long_is_fetched_anew(server: Server, unsized: Download, extra: bytes) -> None:
    unsized.part.write_bytes(DATA + extra)
    server.answers["/file"] = [resuming(DATA)]
    assert unsized.run() == DATA


def test_more_than_the_limit_is_cut_off(server: Server, unsized: Download) -> None:
    server.answers["/file"] = [endless]
    unsized.fails(f"more than the {2 * len(DATA)} bytes")
    assert unsized.part.stat().st_size <= 2 * len(DATA)


@pytest.mark.parametrize("data", [b"", CORRUPT, DATA + b"!"], ids=["nothing", "corrupt", "longer"])
def test_other_bytes_of_a_size_that_may_be_are_refused(
    server: Server, unsized: Download, data: bytes
) -> None:
    server.answers["/file"] = [whole(data)]
    unsized.fails(r"is not the file that models\.lock names")
