from __future__ import annotations

import tracemalloc
from contextlib import suppress
from itertools import count, islice, pairwise
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.dav.xml import DAV, OWNCLOUD, BadXml, Bounds, EndsEarly, answers, propfind, serialized
from tests.dav.servers import multistatus, told

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = multistatus(
    told("/dav/", directory=True),
    told("/dav/%c3%a4.jpg", more="<oc:fileid>17</oc:fileid>"),
    "<d:response><d:href>/dav/b</d:href>"
    "<d:propstat><d:prop><d:getetag> x </d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    "<d:propstat><d:prop><oc:fileid/></d:prop><d:status>HTTP/2 404 Not Found</d:status></d:propstat>"
    "</d:response>",
    "<d:response><d:href>/dav/c</d:href><d:href>/dav/d</d:href><d:status>HTTP/1.1 403 No</d:status>"
    "</d:response>",
)


def test_each_response_is_told_with_what_it_has_and_what_not() -> None:
    folder, first, second, *refused = answers([BODY])
    assert folder.found[f"{DAV}resourcetype"].find(f"{DAV}collection") is not None
    assert (first.href, first.text(f"{DAV}getetag"), first.text(f"{OWNCLOUD}fileid")) == (
        "/dav/%c3%a4.jpg",
        '"1"',
        "17",
    )
    assert (second.text(f"{DAV}getetag"), second.text(f"{OWNCLOUD}fileid")) == ("x", None)
    assert second.missing == {f"{OWNCLOUD}fileid": 404}
    assert [(each.href, each.status) for each in refused] == [("/dav/c", 403), ("/dav/d", 403)]
    assert second.status is None


@given(st.lists(st.integers(1, len(BODY) - 1), unique=True))
def test_it_does_not_matter_how_an_answer_is_cut_into_pieces(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[start:end] for start, end in pairwise(places)]
    assert [each.href for each in answers(pieces)] == [each.href for each in answers([BODY])]


@given(st.integers(0, len(BODY) - 1))
def test_an_answer_that_is_cut_off_is_never_taken_for_a_short_one(length: int) -> None:
    with pytest.raises(EndsEarly):
        list(answers([BODY[:length]]))


@given(st.integers(0, len(BODY) - 1), st.binary(min_size=1, max_size=4))
def test_garbage_is_refused_or_read_but_no_other_error_comes(place: int, garbage: bytes) -> None:
    with suppress(BadXml):
        list(answers([BODY[:place], garbage, BODY[place:]]))


LAUGHS = "<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{level} '{f'&a{level - 1};' * 10}'>" for level in range(1, 12)
)


@pytest.mark.parametrize(
    "prolog",
    [
        f"<!DOCTYPE d [{LAUGHS}]>",
        "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE d SYSTEM 'http://127.0.0.1:9/evil.dtd'>",
        "<!DOCTYPE d PUBLIC 'a' 'b'>",
        "<!DOCTYPE d>",
        "<!DOCTYPE d [<!ENTITY % p 'x'> %p;]>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused_whatever_is_in_them(prolog: str, encoding: str) -> None:
    text = BODY.decode().partition("?>")[2]
    body = f"<?xml version='1.0' encoding='{encoding}'?>{prolog}{text}".encode(encoding)
    with pytest.raises(BadXml, match="document type"):
        list(answers([body]))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "ends early"),
        (b"<html><body>Please log in</body></html>", "no multistatus but 'html'"),
        (b"<multistatus/>", "no multistatus"),
        (b'{"error": 1}', "not well-formed|no well-formed"),
        (b"\xff\xfe\x00\xd8", "no well-formed|ends early"),
        (multistatus("<d:response/>"), "without a href"),
        (multistatus("&unknown;"), "undefined entity"),
        (multistatus() + b"<more/>", "no well-formed"),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", "no well-formed"),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", "no well-formed"),
        (multistatus("<x>" * 40 + "</x>" * 40), "within each other"),
        (multistatus("<x y='" + "z" * (1 << 20) + "'/>"), "ends early|one response|tag or comment"),
    ],
)
def test_what_is_no_multistatus_is_refused_with_a_reason(body: bytes, problem: str) -> None:
    pieces = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    with pytest.raises(BadXml, match=problem):
        assert list(answers(pieces)) != []


def _endless(start: bytes, each: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield each


@pytest.mark.parametrize(
    ("start", "each"),
    [
        ("<d:response><d:href>", "x" * 65536),
        ("<d:response x='", "x" * 65536),
        ("<!--", "x" * 65536),
        ("<d:response><d:propstat><d:prop>", "<d:x/>" * 8192),
        ("<d:response><d:href>", "<d:x y='z'>" * 8192),
        ("<", "x" * 65536),
        ("<?pi ", "x" * 65536),
        ("<d:response>", "<![CDATA[" + "x" * 65536 + "]]>"),
        ("", "<d:response><d:href>a</d:href></d:response>"),
    ],
)
def test_endless_answers_end_in_bounded_memory(start: str, each: str) -> None:
    bounds = Bounds(elements=20_000, bytes=1 << 20, responses=5000)
    head = multistatus().removesuffix(b"</d:multistatus>") + start.encode()
    tracemalloc.start()
    try:
        with pytest.raises(BadXml):
            for _ in answers(_endless(head, each.encode()), bounds):
                pass
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_kinds_of_elements_without_end_are_refused() -> None:
    def body() -> Iterator[bytes]:
        yield multistatus().removesuffix(b"</d:multistatus>")
        for number in count():
            yield b"<d:response><d:href>a</d:href><kind%d/></d:response>" % number

    with pytest.raises(BadXml, match="too many kinds"):
        list(islice(answers(body()), 50_000))


def test_request_bodies_are_well_formed_whatever_they_hold() -> None:
    root = fromstring(propfind([f"{DAV}getetag", f"{OWNCLOUD}fileid"]))
    assert [each.tag for each in root[0]] == [f"{DAV}getetag", f"{OWNCLOUD}fileid"]
    search = Element(f"{DAV}x")
    SubElement(search, f"{DAV}y", {"z": '<&">'}).text = "]]> & <d:z/> 👍"
    again = fromstring(serialized(search))
    assert (again[0].text, again[0].get("z")) == ("]]> & <d:z/> 👍", '<&">')
    search[0].text = "bell \a"
    with pytest.raises(ValueError, match="control character"):
        serialized(search)
