"""System tags: one list for the whole server, and which files bear them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from tests.support.nextcloud.tree import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_NAME = 64  # bytes


@dataclass(eq=False)
class Tag:
    """A tag; a name cut within a character is kept as it came, in surrogates. ``files`` are ids."""

    id: int
    name: str
    etag: str
    visible: bool = True
    assignable: bool = True
    files: set[int] = field(default_factory=set)


class Tags:
    """All tags of the server.

    ``ignore_case`` says whether ``Cat`` and ``cat`` are one tag, ``broken_names`` whether a name may be cut
    within a character (SQLite) or such a cut is an error (MariaDB), ``only_admins`` who may make tags.
    """

    def __init__(self, now: Callable[[], float], *, ignore_case: bool, broken_names: bool) -> None:
        self._now = now
        self._ids = count(1)
        self.ignore_case = ignore_case
        self.broken_names = broken_names
        self.only_admins = False
        self.by_id: dict[int, Tag] = {}

    def create(self, name: str, *, admin: bool = False, visible: bool = True, assignable: bool = True) -> Tag:
        """Makes a tag, with its name cut to 64 bytes; raises Refused."""
        if not (visible and assignable) and not admin:
            raise Refused(400, "Not sufficient permissions")
        if self.only_admins and not admin:
            raise Refused(403, "You don't have permissions to create tags")
        short = name.strip().encode()[:LONGEST_NAME].decode("utf-8", "surrogateescape")
        if not short:
            raise Refused(400, 'Missing "name" attribute')
        if not self.broken_names and any("\udc80" <= character <= "\udcff" for character in short):
            raise Refused(500, "Incorrect string value for column 'name'")
        if any(self._same(short, tag.name) for tag in self.by_id.values()):
            raise Refused(409, "Tag already exists")
        tag = Tag(next(self._ids), short, self._etag(), visible, assignable)
        self.by_id[tag.id] = tag
        return tag

    def assign(self, tag: Tag, file_id: int) -> bool:
        """Whether the file did not bear the tag yet."""
        if file_id in tag.files:
            return False
        tag.files.add(file_id)
        tag.etag = self._etag()
        return True

    def unassign(self, tag: Tag, file_id: int) -> bool:
        """Whether the file bore the tag."""
        if file_id not in tag.files:
            return False
        tag.files.remove(file_id)
        tag.etag = self._etag()
        return True

    def of_file(self, file_id: int) -> list[Tag]:
        return [tag for tag in self.by_id.values() if file_id in tag.files]

    def names_of(self, file_id: int) -> set[str]:
        return {tag.name for tag in self.of_file(file_id)}

    def forget_file(self, file_id: int) -> None:
        """A file that is gone for good takes its tags with it."""
        for tag in self.by_id.values():
            tag.files.discard(file_id)

    def _same(self, one: str, other: str) -> bool:
        return one.casefold() == other.casefold() if self.ignore_case else one == other

    def _etag(self) -> str:
        return str(int(self._now()))  # one second is all it tells
