"""The XML of WebDAV: request bodies, and multistatus answers read piece by piece; pure.

Answers come from servers that may be hostile. They are read by expat through defusedxml, which refuses
every DTD, and with it entities and external references; how deep, long and wide an answer may be
is bounded here (`Bounds`). No more of it is in memory than one ``response`` at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, register_namespace, tostring

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
    """What one answer may hold: elements within each other, and per ``response`` elements and characters.

    ``silent`` is how many bytes may go by without any element or text: those of one tag or comment. ``names``
    is how many characters the names of all its elements may have together, each of them counted once.
    """

    depth: int = 32
    elements: int = 500_000
    characters: int = 1 << 24
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
    target = _Responses(bounds)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    silent = 0
    try:
        for chunk in chunks:
            seen = target.events
            parser.feed(chunk)
            yield from target.taken()
            silent = 0 if target.events != seen else silent + len(chunk)
            if silent > bounds.silent:
                raise BadXml(f"a tag or comment of more than {bounds.silent} bytes")
        _finish(parser)
    except DefusedXmlException as error:
        raise BadXml("it has a document type, which no WebDAV answer needs") from error
    except (ParseError, LookupError, ValueError) as error:
        # expat asks Python for encodings that it does not know, which raises the last two.
        raise error if isinstance(error, BadXml) else BadXml(f"no well-formed XML ({error})") from error
    yield from target.taken()


def _finish(parser: DefusedXMLParser) -> None:
    try:
        parser.close()
    except ParseError as error:
        raise EndsEarly("it ends early") from error


class _Responses:
    """Takes what the parser sees; keeps the tree of one response at a time."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._depth = 0
        self._builder: TreeBuilder | None = None
        self._elements = self._characters = self._responses = 0
        self._names: set[str] = set()
        self._letters = 0
        self._ready: list[Answer] = []
        self.events = 0

    def taken(self) -> list[Answer]:
        """The answers that are whole, each given once."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        self._depth += 1
        if self._depth > self._bounds.depth:
            raise BadXml(f"more than {self._bounds.depth} elements within each other")
        if self._depth == _ROOT and tag != _MULTISTATUS:
            raise BadXml(f"no multistatus but {tag[:_SHOWN]!r}")
        if self._depth == _ROOT + 1 and tag == _RESPONSE:
            self._begin()
        if tag not in self._names:
            self._meet(tag)
        if self._builder is not None:
            self._count(1, sum(len(name) + len(attributes[name]) for name in attributes))
            self._builder.start(tag, attributes)

    def data(self, text: str) -> None:
        self.events += 1
        if self._builder is not None:
            self._count(0, len(text))
            self._builder.data(text)

    def end(self, tag: str) -> None:
        self.events += 1
        self._depth -= 1
        if self._builder is None:
            return
        self._builder.end(tag)
        if self._depth == _ROOT:
            self._ready += _read(self._builder.close())
            self._builder = None

    def close(self) -> None:
        """The parser calls it at the end."""

    def _begin(self) -> None:
        self._responses += 1
        if self._responses > self._bounds.responses:
            raise BadXml(f"more than {self._bounds.responses} responses")
        self._elements = self._characters = 0
        self._builder = TreeBuilder()

    def _meet(self, tag: str) -> None:
        """Takes in the name of an element that did not occur before; the parser keeps all of them, too."""
        self._names.add(tag)
        self._letters += len(tag)
        if self._letters > self._bounds.names:
            raise BadXml("it has too many kinds of elements")

    def _count(self, elements: int, characters: int) -> None:
        self._elements += elements
        self._characters += characters
        if self._elements > self._bounds.elements or self._characters > self._bounds.characters:
            raise BadXml("one response of it is too large")


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
