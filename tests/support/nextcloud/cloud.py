"""What the test server knows, and how it is set up; tests change and read it directly."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.support.nextcloud.accounts import Accounts
from tests.support.nextcloud.exchange import Faults
from tests.support.nextcloud.tags import Tags
from tests.support.nextcloud.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.nextcloud.accounts import User
    from tests.support.nextcloud.exchange import Request, Seen
    from tests.support.nextcloud.tree import Node

Version = Literal["34", "33", "30"]
Database = Literal["sqlite", "mariadb"]


@dataclass
class Cloud:
    """One Nextcloud.

    ``folder`` is the path it lies under at its host (``/cloud``). ``lock_rate`` is how often a write that
    meets another one fails on SQLite, ``write_seconds`` how long a write takes. ``previews_as`` is the format
    of previews, ``paging_forgets`` lets every page's token expire. ``before`` is called with each request
    before it is answered, for what happens meanwhile. The clock stands still until `pass_time`.
    """

    version: Version = "34"
    database: Database = "mariadb"
    folder: str = ""
    lock_rate: float = 0.3
    write_seconds: float = 0.0
    maintenance: bool = False
    tags_enabled: bool = True
    previews_as: str = "JPEG"
    paging_forgets: bool = False
    faults: Faults = field(default_factory=Faults)
    before: Callable[[Request], None] = lambda request: None
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._time = float(int(time.time()))
        self.lock = threading.RLock()
        self.accounts = Accounts()
        self.tree = Tree(self.now)
        self.tags = Tags(self.now, ignore_case=self.version != "30", broken_names=self.database == "sqlite")
        self.pages: dict[str, list[str]] = {}
        self.previews_made = 0

    def now(self) -> float:
        """The server's clock, in seconds since 1970."""
        return self._time

    def pass_time(self, seconds: float) -> None:
        self._time += seconds

    @property
    def offers_paging(self) -> bool:
        return self.version == "34"

    @property
    def offers_bulk(self) -> bool:
        return self.version != "30"

    def add_user(
        self, uid: str, password: str, *, login_name: str | None = None, admin: bool = False
    ) -> User:
        """An account with an empty tree."""
        self.tree.add_user(uid)
        return self.accounts.add(uid, password, login_name=login_name, admin=admin)

    def write(self, uid: str, path: str, content: bytes) -> Node:
        """Makes or replaces a file and the folders above it, at a time of its own."""
        with self.lock:
            above = ""
            for name in path.split("/")[:-1]:
                above = f"{above}/{name}".lstrip("/")
                if self.tree.at(uid, above) is None:
                    self.tree.make_folder(uid, above)
            self.pass_time(60)
            node = self.tree.write(uid, path, content)
            self.pass_time(60)
            return node

    def remove(self, uid: str, path: str) -> None:
        """Deletes a file or folder; the tags of what was in it go, too."""
        with self.lock:
            for node in self.tree.remove(uid, path).walk():
                self.tags.forget_file(node.id)

    def asked(self, method: str, within: str = "") -> list[str]:
        """The paths that were asked for with a method, of those that hold ``within``."""
        return [seen.path for seen in self.seen if seen.method == method and within in seen.path]
