"""What a listing of a folder says of each file, from WebDAV's own properties; pure."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.names import child_name, decoded
from recognize_cli.dav.xml import DAV, OWNCLOUD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recognize_cli.dav.xml import Answer

_LOG = logging.getLogger(__name__)
_NUMBER = re.compile(r"[0-9]{1,18}")

# As HTTP wants dates (RFC 9110, 5.6.7). A listing may have a hundred thousand of them, and the standard
# library, which reads all others, takes several times as long.
_USUAL_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ETAG: Final = f"{DAV}getetag"
LENGTH: Final = f"{DAV}getcontentlength"
MODIFIED: Final = f"{DAV}getlastmodified"
TYPE: Final = f"{DAV}resourcetype"
FILE_ID: Final = f"{OWNCLOUD}fileid"

PROPERTIES: Final = (TYPE, LENGTH, MODIFIED, ETAG, FILE_ID)
"""What `entry_of` wants to know of a file."""


@dataclass(frozen=True, slots=True)
class DavEntry:
    """A file or folder of a server.

    ``path`` is decoded, from the root of the server; a folder's has no slash at its end. ``modified`` is in
    seconds since 1970. What the server does not tell is None.
    """

    path: str
    is_directory: bool
    size: int | None = None
    etag: str | None = None
    modified: float | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and what lies directly in it, by name."""

    own: DavEntry
    children: dict[str, DavEntry]


def entry_of(answer: Answer) -> DavEntry | None:
    """The entry that an answer describes, None where the server refuses to tell (404, 403 for the whole)."""
    if answer.status is not None and answer.status >= HTTPStatus.BAD_REQUEST:
        return None
    path = decoded(answer.href)
    kind = answer.found.get(TYPE)
    is_directory = path.endswith("/") if kind is None else kind.find(f"{DAV}collection") is not None
    length = answer.text(LENGTH)
    return DavEntry(
        path.rstrip("/"),
        is_directory,
        size=int(length) if length and _NUMBER.fullmatch(length) else None,
        etag=answer.text(ETAG),
        modified=seconds_of(answer.text(MODIFIED)),
        file_id=answer.text(FILE_ID),
    )


def folder_of(path: str, entries: Iterable[DavEntry]) -> Folder | None:
    """The folder at a decoded path, from a PROPFIND with depth 1; None where the answer is not about it.

    Behind a proxy that takes away or adds the start of paths, a server tells other ones than it is asked for:
    then the folder is where its first entry says. What is not directly in it, by its path or a name that no
    file can have, is left out, and so is the second of two entries with one name.
    """
    own: DavEntry | None = None
    children: dict[str, DavEntry] = {}
    strange = 0
    told = list(entries)
    path = _as_told(path.rstrip("/"), told)
    for entry in told:
        name = child_name(path, entry.path)
        if name == "":
            own = own or entry
        elif name is None or name in children:
            strange += 1
        else:
            children[name] = entry
    if strange:
        _LOG.warning("%d entries of the server's listing of %r cannot be in it; left out", strange, path)
    return None if own is None else Folder(own, children)


def _as_told(path: str, entries: list[DavEntry]) -> str:
    """The path under which the entries tell of a folder."""
    if not entries or any(entry.path == path for entry in entries):
        return path
    return entries[0].path if shifted(entries[0], path) else path


def shifted(first: DavEntry, path: str) -> bool:
    """Whether the first entry of an answer may be the folder at a path, behind a proxy that changes paths."""
    return first.is_directory and (path.endswith(first.path) or first.path.endswith(path))


def seconds_of(date: str | None) -> float | None:
    """A date of RFC 5322 in seconds since 1970."""
    if date is None:
        return None
    if usual := _USUAL_DATE.fullmatch(date):
        day, month, year, hour, minute, second = usual.groups()
        with suppress(ValueError):
            number = _MONTHS.index(month) + 1
            at = datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
            return max(0.0, at.timestamp())
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
