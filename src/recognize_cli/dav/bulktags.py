"""Many files given one tag in one request, for Nextcloud 33 and later; off unless the user asks for it.

The request replaces the whole set of files that bear the tag, those of all users. So what is sent is the set
that was read and ours together, and only on condition that nobody changed the tag since. A tag's etag is a
date in whole seconds: the set is only taken for settled when two readings over a second apart are the same.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement

from recognize_cli.dav.entries import ETAG
from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.dav.xml import DAV, NEXTCLOUD, serialized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.nextcloud import Nextcloud
    from recognize_cli.dav.taglist import SystemTag
    from recognize_cli.dav.xml import Answer

OFFERED_SINCE: Final = 33
"""The first major version that answers."""

_OBJECTS: Final = f"{NEXTCLOUD}object-ids"
_ID: Final = f"{NEXTCLOUD}id"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_SETTLES: Final = 1.1  # seconds
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class _Bearers:
    """The files that bear a tag, and the etag of that."""

    etag: str
    files: frozenset[int]


class BulkTags:
    """Gives tags to many files at once. ``pause`` sleeps, and tells whether the run is to stop."""

    def __init__(
        self, client: DavClient, cloud: Nextcloud, *, pause: Callable[[float], bool | None] = time.sleep
    ) -> None:
        self._client = client
        self._cloud = cloud
        self._pause = pause

    @property
    def is_offered(self) -> bool:
        """Whether the server is of a version that can do this."""
        return self._cloud.major >= OFFERED_SINCE

    def assign(self, tag: SystemTag, files: Iterable[str]) -> frozenset[str]:
        """Gives a tag to all these files, by their ids; those of them that had it before.

        Nobody else's files lose the tag. Raises StatusError where one of the files may not be tagged (then
        none is), and RequestFailed where others change the tag all the time.
        """
        wanted = {int(file) for file in files}
        had: set[int] = set()
        sent: frozenset[int] | None = None
        for _ in range(_ATTEMPTS):
            bearers = self._settled(tag)
            if bearers is None:
                continue
            if bearers.files != sent:  # else a request whose answer was lost did this
                had = wanted & bearers.files
            if wanted <= bearers.files or self._replace(tag, bearers, wanted):
                return frozenset(map(str, had))
            sent = bearers.files | wanted
        raise failed(f"others give and take the tag {tag.name!r} all the time; try it without bulk requests")

    def _path(self, tag: SystemTag) -> str:
        return f"{self._cloud.tags}{tag.id}/files"

    def _settled(self, tag: SystemTag) -> _Bearers | None:
        """The files that bear a tag, None where that changed just now."""
        before = self._read(tag)
        if self._pause(_SETTLES):
            raise failed("the run is to stop")
        return before if self._read(tag) == before else None

    def _read(self, tag: SystemTag) -> _Bearers:
        found = self._client.propfind(self._path(tag), (ETAG, _OBJECTS), _bearers, depth="0").items
        if len(found) != 1:
            raise failed(f"the server does not tell which files bear the tag {tag.name!r}")
        return found[0]

    def _replace(self, tag: SystemTag, bearers: _Bearers, wanted: set[int]) -> bool:
        """Sends the set that was read and ours; False where somebody changed the tag since."""
        try:
            done = self._client.multistatus(
                "PROPPATCH",
                self._path(tag),
                _change(bearers.files | wanted),
                lambda answer: _OBJECTS in answer.found,
                headers={"If-Match": bearers.etag},
            )
        except StatusError as error:
            if error.status == HTTPStatus.PRECONDITION_FAILED:
                return False
            raise
        if not all(done.items):
            raise failed(
                f"the server does not let this account give the tag {tag.name!r} to all of the files"
            )
        return True


def _bearers(answer: Answer) -> _Bearers | None:
    etag, objects = answer.text(ETAG), answer.found.get(_OBJECTS)
    if etag is None or objects is None:
        return None
    numbers = [(each.text or "").strip() for each in objects.iter(_ID)]
    if not all(map(_NUMBER.fullmatch, numbers)):
        raise failed("the server's list of files that bear a tag cannot be read")
    return _Bearers(etag, frozenset(map(int, numbers)))


def _change(files: Iterable[int]) -> bytes:
    """The body that says which files are to bear the tag: these, and no others."""
    root = Element(f"{DAV}propertyupdate")
    objects = SubElement(SubElement(SubElement(root, f"{DAV}set"), f"{DAV}prop"), _OBJECTS)
    for file in sorted(files):
        each = SubElement(objects, f"{NEXTCLOUD}object-id")
        SubElement(each, _ID).text = str(file)
        SubElement(each, f"{NEXTCLOUD}type").text = "files"
    return serialized(root)
