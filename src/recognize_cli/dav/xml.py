"""The XML of WebDAV: request bodies, and multistatus answers read piece by piece; pure.

Answers come from servers that may be hostile. defusedxml refuses every DTD, and with it entities and
external references; how deep, long and wide an answer may be is bounded here (`Bounds`). No more of it is in
memory than a piece as it came and one ``response``.

Listings may have a hundred thousand responses. What defusedxml gives is a parser in Python, which calls back
for every tag and text. So it reads only up to the root: after that no document type can come. All the rest
goes to the standard library's parser in C, which builds the elements itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element, SubElement, XMLPullParser, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DAV: Final = "{DAV:}"
OWNCLOUD: Final = "{http://owncloud.org/ns}"
NEXTCLOUD: Final = "{http://nextcloud.org/ns}"

_STATUS_LINE = re.compile(r"HTTP/[0-9.]+\s+([1-5][0-9][0-9])\b")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MULTISTATUS, _RESPONSE, _HREF, _PROPSTAT, _PROP, _STATUS = (
    f"{DAV}{name}" for name in ("multistatus", "response", "href", "propstat", "prop", "status")
)
_OK: Final = 200
_ROOT: Final = 1
_SHOWN: Final = 60

for _prefix, _namespace in (("d", DAV), ("oc", OWNCLOUD), ("nc", NEXTCLOUD)):
    register_namespace(_prefix, _namespace.strip("{}"))


class BadXml(ValueError):
    """An answer is no XML, not well-formed, no multistatus, or hostile; the message says which."""


class EndsEarly(BadXml):
    """An answer is sound as far as it goes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one answer may hold: elements within each other, and per ``response`` elements and bytes.

    ``silent`` is how many bytes may go by without any tag: those of one text, tag or comment. ``names``
    is how many characters the names of all its elements may have together, each of them counted once.
    """

    depth: int = 32
    elements: int = 500_000
    bytes: int = 1 << 24
    responses: int = 1_000_000
    silent: int = 1 << 18
    names: int = 1 << 18


DEFAULT_BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Answer:
    """One ``response`` of a multistatus.

    ``found`` holds the properties that the server has, by ``{namespace}name``; ``missing`` the status of each
    that it has not. ``status`` is that of the whole response, where it has one.
    """

    href: str
    found: Mapping[str, Element] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    status: int | None = None

    def text(self, name: str) -> str | None:
        """The text of a property without space around it, None if it is missing or empty."""
        element = self.found.get(name)
        return None if element is None else (element.text or "").strip() or None


def answers(chunks: Iterable[bytes], bounds: Bounds = DEFAULT_BOUNDS) -> Iterator[Answer]:
    """The responses of a multistatus body as they come; raises BadXml, at the latest at the end."""
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    prolog, responses = _Prolog(), _Responses(bounds)
    try:
        for chunk in chunks:
            prolog.check(chunk)
            parser.feed(chunk)
            yield from responses.read(_events(parser), len(chunk))
        _finish(parser)
        yield from responses.read(_events(parser), 0)
    except DefusedXmlException as error:
        raise BadXml("it has a document type, which no WebDAV answer needs") from error
    except (ParseError, LookupError, ValueError) as error:
        # expat asks Python for encodings that it does not know, which raises the last two.
        raise error if isinstance(error, BadXml) else BadXml(f"no well-formed XML ({error})") from error


def _events(parser: XMLPullParser[Element]) -> Iterable[tuple[str, Element]]:
    return cast("Iterable[tuple[str, Element]]", parser.read_events())


def _finish(parser: XMLPullParser[Element]) -> None:
    try:
        parser.close()
    except ParseError as error:
        raise EndsEarly("it ends early") from error


class _Prolog:
    """Looks at what stands before the root and at its name; a document type can stand nowhere else."""

    def __init__(self) -> None:
        self._parser: DefusedXMLParser | None = DefusedXMLParser(target=self, forbid_dtd=True)

    def check(self, chunk: bytes) -> None:
        """Takes in a piece, as long as the root has not begun; raises DefusedXmlException and BadXml."""
        if self._parser is not None:
            self._parser.feed(chunk)

    def start(self, tag: str, _: dict[str, str]) -> None:
        """The parser calls it at the start of an element."""
        if self._parser is not None and tag != _MULTISTATUS:
            raise BadXml(f"no multistatus but {tag[:_SHOWN]!r}")
        self._parser = None


class _Responses:
    """Takes what the parser sees; no more than one response at a time stays in its tree."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._root: Element | None = None
        self._depth = 0
        self._elements = self._bytes = self._silent = self._responses = 0
        self._names: set[str] = set()
        self._letters = 0

    def read(self, events: Iterable[tuple[str, Element]], size: int) -> Iterator[Answer]:
        """The answers that are whole after a piece of so many bytes."""
        self._bytes += size
        self._silent += size
        for event, element in events:
            self._silent = 0
            if event == "start":
                self._begin(element)
                continue
            self._depth -= 1
            if self._depth == _ROOT and self._root is not None:
                self._elements = self._bytes = 0
                if element.tag == _RESPONSE:
                    yield from self._response(element)
                self._root.clear()
        if self._silent > self._bounds.silent:
            raise BadXml(f"a text, tag or comment of more than {self._bounds.silent} bytes")
        if self._bytes > self._bounds.bytes:
            raise BadXml("one response of it is too large")

    def _begin(self, element: Element) -> None:
        if self._root is None:
            self._root = element
        self._depth += 1
        if self._depth > self._bounds.depth:
            raise BadXml(f"more than {self._bounds.depth} elements within each other")
        self._elements += 1
        if self._elements > self._bounds.elements:
            raise BadXml("one response of it is too large")
        if element.tag not in self._names:
            self._meet(element.tag)

    def _meet(self, tag: str) -> None:
        """Takes in the name of an element that did not occur before; the parser keeps all of them, too."""
        self._names.add(tag)
        self._letters += len(tag)
        if self._letters > self._bounds.names:
            raise BadXml("it has too many kinds of elements")

    def _response(self, element: Element) -> Iterator[Answer]:
        self._responses += 1
        if self._responses > self._bounds.responses:
            raise BadXml(f"more than {self._bounds.responses} responses")
        return _read(element)


def _read(response: Element) -> Iterator[Answer]:
    """The answer for each href of a response (there are several only where a status stands for all)."""
    hrefs: list[str] = []
    found: dict[str, Element] = {}
    missing: dict[str, int] = {}
    status: int | None = None
    for part in response:
        if part.tag == _HREF:
            hrefs.append((part.text or "").strip())
        elif part.tag == _PROPSTAT:
            _sort(part, found, missing)
        elif part.tag == _STATUS:
            status = _code((part.text or "")[:_SHOWN])
    if not hrefs:
        raise BadXml("a response without a href")
    for href in hrefs:
        yield Answer(href, found, missing, status)


def _sort(propstat: Element, found: dict[str, Element], missing: dict[str, int]) -> None:
    """Puts the properties of a propstat to those that are there, or are not."""
    status = _OK
    elements: list[Element] = []
    for part in propstat:
        if part.tag == _PROP:
            elements += part
        elif part.tag == _STATUS:
            status = _code((part.text or "")[:_SHOWN]) or _OK
    for element in elements:
        if status // 100 == _OK // 100:
            found.setdefault(element.tag, element)
        else:
            missing.setdefault(element.tag, status)


@lru_cache(maxsize=64)
def _code(line: str) -> int | None:
    """The number in a status line."""
    match = _STATUS_LINE.match(line.strip())
    return int(match[1]) if match else None


def propfind(properties: Iterable[str]) -> bytes:
    """The body of a PROPFIND for properties ``{namespace}name``."""
    root = Element(f"{DAV}propfind")
    prop = SubElement(root, _PROP)
    for name in properties:
        SubElement(prop, name)
    return serialized(root)


def serialized(root: Element) -> bytes:
    """An XML document as a request body; raises ValueError for characters that XML cannot carry."""
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    if _FORBIDDEN.search(body):
        raise ValueError("a control character cannot stand in XML")
    return body
