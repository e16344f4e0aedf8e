"""A server of tags in memory, which fails as it is told and remembers who put each tag on a file."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from recognize_cli.errors import FileRefused, TagRefused

if TYPE_CHECKING:
    from collections.abc import Callable

Owner = Literal["us", "user"]
Request = tuple[str, str, str]


@dataclass
class MemoryTagServer:
    """`files` gives each file's folder by its id, `tags` who owns each of its tags.

    ``fault`` is asked for each request; what it raises is raised, before the change or after it as it wishes:
    it is given the request and a function that makes the change.
    """

    ignore_case: bool = False
    files: dict[str, str] = field(default_factory=dict)
    tags: dict[str, dict[str, Owner]] = field(default_factory=dict)
    restricted: set[str] = field(default_factory=set)
    read_only: set[str] = field(default_factory=set)
    fault: Callable[[Request, Callable[[], bool]], bool] = lambda _, act: act()
    asked: list[Request] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def add(self, file_id: str, folder: str = "", **tags: Owner) -> None:
        self.files[file_id] = folder
        self.tags[file_id] = dict(tags)

    def names(self, file_id: str) -> set[str]:
        return set(self.tags[file_id])

    def owned(self, file_id: str, owner: Owner) -> set[str]:
        return {name for name, each in self.tags[file_id].items() if each == owner}

    def key(self, name: str) -> str:
        if not name.strip():
            raise TagRefused("a tag needs a name")
        return name.casefold() if self.ignore_case else name

    def tags_in(self, folder: str) -> dict[str, frozenset[str]]:
        self.looked.append(folder)
        self.fault(("look", folder, ""), lambda: True)
        with self._lock:
            return {id_: frozenset(self.tags[id_]) for id_, where in self.files.items() if where == folder}

    def assign(self, file_id: str, tag: str) -> bool:
        return self._change("assign", file_id, tag, self._put)

    def unassign(self, file_id: str, tag: str) -> bool:
        return self._change("unassign", file_id, tag, self._take)

    def _change(self, what: str, file_id: str, tag: str, act: Callable[[str, str], bool]) -> bool:
        with self._lock:
            self.asked.append((what, file_id, tag))
        self.key(tag)
        if tag in self.restricted:
            raise TagRefused(f"only administrators may use {tag}")
        if file_id in self.read_only:
            raise FileRefused("it is shared read-only")
        return self.fault((what, file_id, tag), lambda: act(file_id, tag))

    def _put(self, file_id: str, tag: str) -> bool:
        with self._lock:
            if self._same(file_id, tag) is not None:
                return False
            self.tags[file_id][tag] = "us"
            return True

    def _take(self, file_id: str, tag: str) -> bool:
        with self._lock:
            same = self._same(file_id, tag) if file_id in self.files else None
            if same is None:
                return False
            assert self.tags[file_id].pop(same) == "us", f"{tag} of {file_id} is not ours"
            return True

    def _same(self, file_id: str, tag: str) -> str | None:
        return next((name for name in self.tags[file_id] if self.key(name) == self.key(tag)), None)
