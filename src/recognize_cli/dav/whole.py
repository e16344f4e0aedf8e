"""A whole tree from one answer, to a PROPFIND with ``Depth: infinity``.

Servers may refuse that (RFC 4918, 9.1), and some go one level down and say nothing of it. So an answer that
is broken, refuses a part or does not hang together is an error; and a folder in which it names nothing may be
empty, or the server did not look into it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.client import Limits
from recognize_cli.dav.entries import ETAG, LENGTH, MODIFIED, TYPE, Folder, entry_of, seconds_of, shifted
from recognize_cli.dav.failures import failed
from recognize_cli.dav.names import child_name
from recognize_cli.dav.patience import Patience
from recognize_cli.dav.tree import below

if TYPE_CHECKING:
    from recognize_cli.dav.client import DavClient, Multistatus
    from recognize_cli.dav.entries import DavEntry
    from recognize_cli.dav.xml import Answer

_PROPERTIES: Final = (TYPE, LENGTH, MODIFIED, ETAG)  # no file ids: servers that give them need no such answer
_SECONDS: Final = 120.0
_BYTES: Final = 2048  # for each entry
_ONCE: Final = Patience(attempts=1, longest_wait=0.0)


class Whole:
    """The folders of a tree with what lies directly in them, each to be taken out once.

    ``now`` is when the server began to look, by its own clock, in seconds since 1970; None if it tells no
    date.
    """

    def __init__(
        self,
        root: str,
        directories: dict[str, DavEntry],
        children: dict[str, dict[str, DavEntry]],
        now: float | None,
    ) -> None:
        self._root = root
        self._directories = directories
        self._children = children
        self.now = now

    def take(self, directory: str) -> Folder | None:
        """The folder at a path relative to the root, None where the answer names nothing in it."""
        path = below(self._root, directory)
        own, children = self._directories.pop(path, None), self._children.pop(path, None)
        return Folder(own, children) if own and children else None


def ask(client: DavClient, path: str, most: int) -> Whole:
    """The tree at a decoded path without a slash at its end, if it has no more than ``most`` entries.

    It is asked for once, and the answer bounded in time and bytes, too. Raises RequestFailed where it cannot
    be had in this way, LoginRefused and SourceUnreachable as `DavClient` does.
    """
    limits = Limits(_SECONDS, most * _BYTES, most, _ONCE)
    told = _Told()
    started = time.monotonic()
    answer: Multistatus[None] = client.propfind(
        f"{path}/", _PROPERTIES, told.take, depth="infinity", limits=limits
    )
    seconds = time.monotonic() - started
    date = seconds_of(answer.headers.get("Date"))
    # It may be of the end of the answer, and a file have changed since the server looked at it.
    return told.tree(answer.path.rstrip("/"), None if date is None else date - seconds)


class _Told:
    """Sorts entries by their folders, in whatever order they come."""

    def __init__(self) -> None:
        self._first: DavEntry | None = None
        self._directories: dict[str, DavEntry] = {}
        self._children: dict[str, dict[str, DavEntry]] = {}

    def take(self, answer: Answer) -> None:
        """Takes in one entry."""
        entry = entry_of(answer)
        if entry is None:
            raise failed("the server does not tell the whole tree at once")
        self._first = self._first or entry
        if entry.is_directory:
            self._directories[entry.path] = entry
        above, slash, _ = entry.path.rpartition("/")
        siblings = self._children.setdefault(above, {})
        name = child_name(above, entry.path) if slash else ""
        if name is None or name in siblings:
            raise failed("the server tells of names that no folder can hold")
        siblings[name] = entry

    def tree(self, path: str, now: float | None) -> Whole:
        """The tree at a path, as of `ask`."""
        root = self._directories.get(path)
        if root is None and self._first is not None and shifted(self._first, path):
            root = self._first
        if root is None:
            raise failed("the server's answer is not about the folder that it was asked for")
        above, slash, name = root.path.rpartition("/")
        siblings = self._children[above]
        del siblings[name if slash else ""]
        if not siblings:
            del self._children[above]
        if not self._children.keys() <= self._directories.keys():
            raise failed("the server tells of files whose folder it does not tell of")
        return Whole(root.path, self._directories, self._children, now)
