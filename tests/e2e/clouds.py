"""A user of the command who has an account on a test Nextcloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from tests.support.command import Ended, Recognize
    from tests.support.nextcloud import Cloud, NextcloudServer
    from tests.support.nextcloud.exchange import Request
    from tests.support.nextcloud.tree import Node

PASSWORD = 'correct "horse" & bättery'
_WRITES = {"DELETE", "POST", "PROPPATCH", "PUT"}


@dataclass
class Alice:
    """Her command knows her password; her photos are in the folder Photos of her account."""

    recognize: Recognize
    server: NextcloudServer

    @property
    def cloud(self) -> Cloud:
        return self.server.cloud

    def address(self, folder: str = "Photos") -> str:
        return f"nextcloud://alice@{self.server.host}/{folder}"

    def scan(self, *arguments: object) -> Ended:
        """Scans her photos for objects, unless told otherwise; the log of requests begins anew."""
        return self.scan_of(self.address(), *arguments)

    def scan_of(self, *arguments: object) -> Ended:
        """Scans what she names."""
        self.cloud.seen.clear()
        return self.recognize(*self._words(arguments))

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Starts a scan of her photos."""
        return self.recognize.start(*self._words((self.address(), *arguments)))

    def write(self, path: str, content: bytes) -> Node:
        """Puts a file among her photos."""
        return self.cloud.write("alice", f"Photos/{path}", content)

    @property
    def tags(self) -> dict[str, set[str]]:
        """The tags of each of her photos that has any, by its path."""
        photos = self.cloud.tree.at("alice", "Photos")
        assert photos
        places = [each for each in self.cloud.tree.everything("alice", photos) if not each.node.is_folder]
        tags = {each.path.removeprefix("Photos/"): self.cloud.tags.names_of(each.node.id) for each in places}
        return {path: names for path, names in tags.items() if names}

    def give(self, path: str, tag: str) -> None:
        """She puts a tag on a photo by herself."""
        place = self.cloud.tree.at("alice", f"Photos/{path}")
        assert place
        known = {each.name: each for each in self.cloud.tags.by_id.values()}
        self.cloud.tags.assign(known.get(tag) or self.cloud.tags.create(tag), place.node.id)

    @property
    def writes(self) -> list[str]:
        """The requests of the last scan that may change something."""
        return [f"{each.method} {each.path}" for each in self.cloud.seen if each.method in _WRITES]

    @property
    def fetched(self) -> list[str]:
        """What the last scan fetched: the paths of files, and ``preview``."""
        asked = self.cloud.asked("GET", "/remote.php/dav/files/alice/Photos/")
        previews = ["preview"] * len(self.cloud.asked("GET", "/core/preview"))
        return sorted(path.removeprefix("/remote.php/dav/files/alice/Photos/") for path in asked) + previews

    def _words(self, arguments: tuple[object, ...]) -> list[str]:
        words = [str(each) for each in arguments]
        return ["scan", *words, *([] if "-r" in words else ["-r", "objects"])]


def is_download(request: Request) -> bool:
    return request.method == "GET" and ("/files/" in request.path or "/preview" in request.path)
