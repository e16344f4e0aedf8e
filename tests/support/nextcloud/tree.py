"""The files of a Nextcloud: a tree a user, shares between them, lasting ids, etags that reach the root."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_NAME = 250  # characters, as the file cache has it
READ_ONLY = "SRG"

_TYPES = {
    "bmp": "image/bmp",
    "flac": "audio/flac",
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mkv": "video/x-matroska",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "png": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webp": "image/webp",
}
_UNKNOWN = "application/octet-stream"


class Refused(Exception):
    """A change that the server does not make; ``status`` says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(eq=False)
class Node:
    """A file or, with no ``content``, a folder. ``mtime`` is in whole seconds."""

    id: int
    name: str
    owner: str
    mtime: int
    etag: str
    content: bytes | None = None
    parent: Node | None = None
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return self.content is None

    @property
    def size(self) -> int:
        """Its bytes; of a folder those of all files below."""
        if self.content is not None:
            return len(self.content)
        return sum(child.size for child in self.children.values())

    @property
    def media_type(self) -> str:
        """What the extension says, and nothing else."""
        return _TYPES.get(self.name.rpartition(".")[2].lower(), _UNKNOWN)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(frozen=True)
class Share:
    """A node of one user in the root of another, under a name there."""

    node: Node
    name: str
    writable: bool


@dataclass(frozen=True)
class Place:
    """Where a user sees a node, and with which share; ``path`` is relative to the user's root."""

    node: Node
    path: str
    share: Share | None = None

    @property
    def permissions(self) -> str:
        if self.share is not None and not self.share.writable:
            return READ_ONLY
        return ("S" if self.share else "") + ("RGDNVCK" if self.node.is_folder else "RGDNVW")

    @property
    def writable(self) -> bool:
        return self.share is None or self.share.writable


class Tree:
    """All files of all users. Paths are relative to a user's root, which is ``""``."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ids = count(1)
        self._changes = count(1)
        self.roots: dict[str, Node] = {}
        self.shares: dict[str, list[Share]] = {}
        self.by_id: dict[int, Node] = {}
        self.external: set[int] = set()  # folders that lie on foreign storage

    def add_user(self, uid: str) -> None:
        self.roots[uid] = self._new(None, "", uid, None)
        self.shares[uid] = []

    def at(self, uid: str, path: str) -> Place | None:
        """What a user finds under a path."""
        place: Place | None = Place(self.roots[uid], "")
        for name in path.split("/"):
            if name and place is not None:
                place = self._child(uid, place, name)
        return place

    def below(self, uid: str, place: Place) -> list[Place]:
        """What a user finds in a folder, what others share with them at the end of the root."""
        prefix = f"{place.path}/" if place.path else ""
        found = [Place(child, prefix + child.name, place.share) for child in place.node.children.values()]
        if not place.path:
            found += [Place(each.node, each.name, each) for each in self.shares[uid]]
        return found

    def everything(self, uid: str, place: Place) -> Iterator[Place]:
        """A place and all that lies below it, folders before what they hold."""
        yield place
        for below in self.below(uid, place):
            yield from self.everything(uid, below)

    def place_of(self, uid: str, file_id: int) -> Place | None:
        """Where a user sees the file with this id, None for one of somebody else."""
        root = Place(self.roots[uid], "")
        node = self.by_id.get(file_id)
        if node is None:
            return None
        names: list[str] = []
        above: Node | None = node
        while above is not None:
            share = next((each for each in self.shares[uid] if each.node is above), None)
            if share is not None:
                return Place(node, "/".join([share.name, *reversed(names)]), share)
            if above is root.node:
                return Place(node, "/".join(reversed(names)))
            names.append(above.name)
            above = above.parent
        return None

    def is_external(self, node: Node | None) -> bool:
        """Whether a node lies on storage that others than the server may change."""
        while node is not None:
            if node.id in self.external:
                return True
            node = node.parent
        return False

    def etag(self, uid: str, place: Place) -> str:
        """The etag of a node as a user sees it: that of a root changes with what is mounted in it."""
        mounted = [share.node.etag for share in self.shares[uid]] if not place.path else []
        if not mounted:
            return place.node.etag
        return hashlib.md5("".join([place.node.etag, *mounted]).encode()).hexdigest()

    def write(self, uid: str, path: str, content: bytes, *, mtime: int | None = None) -> Node:
        """Makes or replaces a file; the folder above must be there."""
        parent, name = self._parent(uid, path)
        node = parent.children.get(name)
        if node is None:
            node = self._new(parent, name, parent.owner, content)
        elif node.is_folder:
            raise Refused(409, "that is a folder")
        node.content = content
        node.mtime = int(self._now()) if mtime is None else mtime
        node.etag = hashlib.md5(f"{node.id}-{node.mtime}".encode()).hexdigest()  # hides what a second hides
        self._touch(parent)
        return node

    def make_folder(self, uid: str, path: str) -> Node:
        parent, name = self._parent(uid, path)
        if name in parent.children:
            raise Refused(405, "it is there already")
        node = self._new(parent, name, parent.owner, None)
        self._touch(parent)
        return node

    def remove(self, uid: str, path: str) -> Node:
        """Takes a node out of the tree; below it everything goes, too. Gives what was removed."""
        place = self._existing(uid, path)
        parent = place.node.parent
        if not place.writable or parent is None:
            raise Refused(403, "you may not delete this")
        del parent.children[place.node.name]
        for node in place.node.walk():
            del self.by_id[node.id]
        self._touch(parent)
        return place.node

    def move(self, uid: str, old: str, new: str) -> None:
        """Renames or moves; id and etag stay."""
        place = self._existing(uid, old)
        parent, name = self._parent(uid, new)
        before = place.node.parent
        if not place.writable or before is None:
            raise Refused(403, "you may not move this")
        del before.children[place.node.name]
        place.node.name, place.node.parent = name, parent
        parent.children[name] = place.node
        self._touch(before)
        self._touch(parent)

    def share(self, owner: str, path: str, recipient: str, *, writable: bool = True) -> None:
        """Puts a node of one user into the root of another."""
        node = self._existing(owner, path).node
        self.shares[recipient].append(Share(node, node.name, writable))

    def _child(self, uid: str, place: Place, name: str) -> Place | None:
        child = place.node.children.get(name)
        if child is not None:
            return Place(child, f"{place.path}/{name}".lstrip("/"), place.share)
        if place.path:
            return None
        return next((Place(each.node, name, each) for each in self.shares[uid] if each.name == name), None)

    def _existing(self, uid: str, path: str) -> Place:
        place = self.at(uid, path)
        if place is None:
            raise Refused(404, f"File with name {path} could not be located")
        return place

    def _parent(self, uid: str, path: str) -> tuple[Node, str]:
        """The folder that a path leads into and the name in it, as the server keeps it."""
        above, _, name = path.strip("/").rpartition("/")
        place = self.at(uid, above)
        if place is None or not place.node.is_folder:
            raise Refused(409, "Parent node does not exist")
        if not place.writable:
            raise Refused(403, "the share is read-only")
        if not name or "\\" in name or len(name) > LONGEST_NAME:
            raise Refused(400, "the name is not valid")
        return place.node, unicodedata.normalize("NFC", name)

    def _new(self, parent: Node | None, name: str, owner: str, content: bytes | None) -> Node:
        node = Node(next(self._ids), name, owner, int(self._now()), "", content, parent)
        self.by_id[node.id] = node
        self._mark(node)
        if parent is not None:
            parent.children[name] = node
        return node

    def _touch(self, node: Node | None) -> None:
        """A change below reaches every folder above it, and nobody else."""
        while node is not None:
            self._mark(node)
            node.mtime = max(node.mtime, int(self._now()))
            node = node.parent

    def _mark(self, node: Node) -> None:
        node.etag = f"{next(self._changes):013x}"
