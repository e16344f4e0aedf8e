"""Paths on a server and their percent-encoded form, both ways; pure.

A path is text as in the records: parts joined by ``/``, UTF-8 with surrogate escapes for bytes that
are not. Servers write escapes in either case, and escape more or less than we do, so addresses are
only ever compared when they are decoded.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

_AUTHORITY = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*|//[^/]*")
_NOT_NAMES = frozenset({"", ".", ".."})


def quoted(path: str) -> str:
    """The path as it stands in a request, slashes kept.

    Raises ValueError for a part ``.`` or ``..``, which HTTP clients and servers resolve, and for a NUL.
    """
    if "\0" in path or not _NOT_NAMES.isdisjoint(part for part in path.split("/") if part):
        raise ValueError(f"no server path: {path!r}")
    return quote_from_bytes(path.encode("utf-8", "surrogateescape"), safe="/~")


def decoded(href: str) -> str:
    """The path that an href of a server means; scheme and host, if any, are not looked at.

    Reverse proxies make hosts and schemes wrong often. A raw ``?`` or ``#`` counts as part of the
    name: no href of a listing has a query, and some servers forget to escape them.
    """
    href = href.strip()
    authority = _AUTHORITY.match(href)
    path = href[authority.end() :] if authority else href
    if "%" not in path and path.isascii():
        return path
    return unquote_to_bytes(path.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")


def child_name(folder: str, path: str) -> str | None:
    """The name of what lies at ``path`` directly in ``folder``; ``""`` is the folder itself, None neither.

    Both are decoded paths; a slash at the end does not matter. A path with ``.`` or ``..`` in it, or a
    name with a slash or NUL, is neither.
    """
    inside = folder.rstrip("/") + "/"
    if path.rstrip("/") == inside.rstrip("/"):
        return ""
    if not path.startswith(inside):
        return None
    name = path[len(inside) :].removesuffix("/")
    return None if name in _NOT_NAMES or "/" in name or "\0" in name else name
