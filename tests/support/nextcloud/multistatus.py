"""The XML of WebDAV, as this server writes and reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.support.nextcloud.exchange import Answer
from tests.support.nextcloud.tree import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAV = "{DAV:}"
OC = "{http://owncloud.org/ns}"
NC = "{http://nextcloud.org/ns}"

_PREFIXES = {"DAV:": "d", "http://owncloud.org/ns": "oc", "http://nextcloud.org/ns": "nc"}
_OPENING = (
    '<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"'
    ' xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">'
)
_CLOSING = "</d:multistatus>"


def escape(text: str) -> str:
    """Text as it stands in XML; quotes too."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def href(path: str) -> str:
    """A path with its escapes, in lower case."""
    return re.sub(rb"[^A-Za-z0-9_\-.~()/]", lambda each: b"%%%02x" % each[0][0], path.encode()).decode()


def response(path: str, values: Mapping[str, str | None], *, minimal: bool) -> str:
    """One ``d:response``: ``values`` are ready XML by the property's name, None for what is not there."""
    there = "".join(_element(name, value) for name, value in values.items() if value is not None)
    missing = "".join(_element(name, "") for name, value in values.items() if value is None)
    parts = [_propstat(there, "200 OK")] if there or not missing else []
    if missing and not (minimal and there):
        parts.append(_propstat(missing, "404 Not Found"))
    return f"<d:response><d:href>{escape(href(path))}</d:href>{''.join(parts)}</d:response>"


def multistatus(responses: Sequence[str], **headers: str) -> Answer:
    """The answer of status 207. A name that is no UTF-8 makes it one that no parser takes."""
    body = (_OPENING + "".join(responses) + _CLOSING).encode("utf-8", "surrogateescape")
    return Answer(207, body, {"Content-Type": "application/xml; charset=utf-8"} | headers)


def error(status: int, message: str) -> Answer:
    """What an error of the DAV side looks like."""
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"<s:exception>Sabre\\DAV\\Exception</s:exception><s:message>{escape(message)}</s:message></d:error>"
    )
    return Answer(status, body.encode(), {"Content-Type": "application/xml; charset=utf-8"})


def parsed(body: bytes) -> ElementTree.Element:
    """The root of a request's body; raises Refused for what is no XML."""
    try:
        return ElementTree.fromstring(body)
    except ElementTree.ParseError as problem:
        raise Refused(400, f"invalid XML: {problem}") from problem


def asked(body: bytes) -> list[str]:
    """The properties that a PROPFIND or REPORT asks for, in ``{namespace}name``; those of sabre for none."""
    if not body:
        return [f"{DAV}getlastmodified", f"{DAV}getcontentlength", f"{DAV}resourcetype", f"{DAV}getetag"]
    prop = parsed(body).find(f"{DAV}prop")
    return [] if prop is None else [each.tag for each in prop]


def _element(name: str, value: str) -> str:
    namespace, _, local = name.removeprefix("{").partition("}")
    if namespace in _PREFIXES:
        tag = opening = f"{_PREFIXES[namespace]}:{local}"
    else:
        tag, opening = f"x1:{local}", f'x1:{local} xmlns:x1="{escape(namespace)}"'
    return f"<{opening}>{value}</{tag}>" if value else f"<{opening}/>"


def _propstat(props: str, status: str) -> str:
    return f"<d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 {status}</d:status></d:propstat>"
