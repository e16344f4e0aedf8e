from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.dav.entries import DavEntry, Folder, entry_of, folder_of, seconds_of
from recognize_cli.dav.xml import answers
from tests.dav.servers import multistatus, told


def read(*responses: str) -> list[DavEntry]:
    return [entry for each in answers([multistatus(*responses)]) if (entry := entry_of(each))]


def test_a_file_and_a_folder_are_told_apart() -> None:
    date = "<d:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</d:getlastmodified><oc:fileid>7</oc:fileid>"
    folder, file = read(told("/a%20b/", directory=True), told("/a%20b/%C3%A4", size=12, more=date))
    assert folder == DavEntry("/a b", is_directory=True, etag='"1"')
    assert file == DavEntry("/a b/ä", False, 12, '"1"', 784111777.0, "7")


def test_what_a_server_does_not_tell_or_tells_wrongly_is_unknown() -> None:
    (bare, slash) = read(
        "<d:response><d:href>/a</d:href></d:response>", "<d:response><d:href>/b/</d:href></d:response>"
    )
    assert (bare, slash) == (DavEntry("/a", is_directory=False), DavEntry("/b", is_directory=True))
    for size in ("-1", "1e3", "", "9" * 30, "٣"):
        (wrong,) = read(told("/a", more="").replace(">5<", f">{size}<"))
        assert wrong.size is None
    for date in ("", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "1, 1 1 9999999999 1:1:1", "\ud7ff"):
        assert seconds_of(date) is None
    assert seconds_of("Thu, 01 Jan 1601 00:00:00 GMT") == 0.0


def test_an_entry_that_the_server_refuses_is_none() -> None:
    refused = "<d:response><d:href>/a</d:href><d:status>HTTP/1.1 403 Forbidden</d:status></d:response>"
    assert read(refused) == []


def listed(path: str, *hrefs: str) -> Folder | None:
    return folder_of(path, read(*(told(href, directory=href.endswith("/")) for href in hrefs)))


def test_only_what_lies_directly_in_a_folder_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        folder = listed(
            "/photos/",
            *("/photos/", "/photos/a", "http://inner:80/photos/b%2Fc/", "/photos/%2e%2e", "/photos/%2e%2e/x"),
            *(
                "/etc/passwd",
                "/photos/a",
                "/photos/x%2f..%2fy",
                "/photos/n%00l",
                "/photos/new%0aline",
                "/photos/c/",
            ),
        )
    assert folder is not None
    assert folder.own.is_directory
    assert set(folder.children) == {"a", "new\nline", "c"}
    assert folder.children["c"].is_directory
    assert "7 entries" in caplog.text


def test_an_answer_about_another_folder_is_none() -> None:
    assert listed("/photos") is None
    assert listed("/photos", "/photos/a", "/photos/b") is None
    assert listed("/photos", "/other/", "/other/a") is None


@pytest.mark.parametrize(("asked", "told_as"), [("/dav/photos", "/photos"), ("/photos", "/inner/photos")])
def test_a_proxy_that_moves_paths_does_not_hide_a_folder(asked: str, told_as: str) -> None:
    folder = listed(asked, f"{told_as}/", f"{told_as}/a", f"{told_as}/b/")
    assert folder is not None
    assert set(folder.children) == {"a", "b"}


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_dates_as_http_has_them_are_read_to_the_second(moment: datetime) -> None:
    expected = moment.replace(microsecond=0).timestamp()  # a float has no room for both, a thousand years on
    assert seconds_of(format_datetime(moment, usegmt=True)) == expected
