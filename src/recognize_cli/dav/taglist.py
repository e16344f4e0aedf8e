"""The list of a server's tags: found by name, as the server tells names apart, and made where they lack."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.failures import StatusError
from recognize_cli.dav.tagnames import tag_name
from recognize_cli.dav.xml import OWNCLOUD
from recognize_cli.errors import TagRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.dav.client import DavClient, Response
    from recognize_cli.dav.nextcloud import Nextcloud
    from recognize_cli.dav.xml import Answer

_IGNORES_CASE_SINCE: Final = 31  # the first major version where "Cat" and "cat" are one tag
_FRESH: Final = 10.0  # seconds for which a list that was read is believed

_ID: Final = f"{OWNCLOUD}id"
_NAME: Final = f"{OWNCLOUD}display-name"
_ASSIGNABLE: Final = f"{OWNCLOUD}can-assign"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class SystemTag:
    """A tag of the server; ``assignable`` says whether this account may give it to files."""

    id: int
    name: str
    assignable: bool = True


class TagList:
    """The tags of a server that one account can see; threads share it.

    It is read when it is first needed, and again where it may be out of date; ``clock`` counts seconds.
    """

    def __init__(
        self, client: DavClient, cloud: Nextcloud, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._cloud = cloud
        self._clock = clock
        self._lock = threading.RLock()
        self._by_name: dict[str, SystemTag] = {}
        self._by_key: dict[str, SystemTag] = {}
        self._read_at = float("-inf")

    def key(self, name: str) -> str:
        """What tells tags apart there; raises TagRefused for what can be no name."""
        name = tag_name(name)
        return name.lower() if self._cloud.major >= _IGNORES_CASE_SINCE else name

    def read(self) -> list[SystemTag]:
        """All tags, as the server has them now; raises what `DavClient.propfind` raises."""
        with self._lock:
            found = self._client.propfind(self._cloud.tags, (_ID, _NAME, _ASSIGNABLE), _tag_of).items
            self._by_name, self._by_key = {}, {}
            for tag in found:
                self._keep(tag)
            self._read_at = self._clock()
            return found

    def find(self, name: str) -> SystemTag | None:
        """The tag of exactly this name, or else one that is the same to the server; raises TagRefused."""
        with self._lock:
            tag = self._look(name)
            if tag is None and self._refresh():
                tag = self._look(name)
            return tag

    def is_restricted(self, tag: SystemTag) -> bool:
        """Whether this account may not give the tag to files, as far as a list knows that is not old."""
        with self._lock:
            self._refresh()
            now = self._by_name.get(tag.name, tag)
        return not now.assignable

    def ensure(self, name: str) -> SystemTag:
        """The tag of a name, made where there is none.

        Raises TagRefused where this account may not make it, see it or give it to files.
        """
        with self._lock:
            tag = self.find(name) or self._create(tag_name(name))
        if not tag.assignable:
            raise restricted(tag)
        return tag

    def forget(self) -> None:
        """Has the list read anew before it is next used: it does not fit what the server says."""
        with self._lock:
            self._by_name, self._by_key = {}, {}
            self._read_at = float("-inf")

    def _refresh(self) -> bool:
        """Reads the list, unless it was read just now; whether it did."""
        if self._clock() - self._read_at <= _FRESH:
            return False
        self.read()
        return True

    def _create(self, name: str) -> SystemTag:
        answer = self._client.request(
            "POST",
            self._cloud.tags,
            headers={"Content-Type": "application/json"},
            body=json.dumps({"name": name, "userVisible": True, "userAssignable": True}).encode(),
            repeatable=True,  # a second try meets the tag that the first one made
            temporary=lambda answer: answer.status == HTTPStatus.INTERNAL_SERVER_ERROR,
        )
        match answer.status:
            case HTTPStatus.CREATED:
                return self._created(name, answer)
            case HTTPStatus.CONFLICT:
                self.read()
                tag = self._look(name)
                if tag is not None:
                    return tag
                raise TagRefused(
                    f"the server has a tag {name!r} that this account cannot see;"
                    " ask its administrator to make it visible, or give the tag another name in the rules"
                )
            case HTTPStatus.FORBIDDEN:
                raise TagRefused(
                    f"this account may not make the tag {name!r};"
                    " ask the server's administrator to make it, or to let everybody make tags"
                )
            case HTTPStatus.BAD_REQUEST:
                raise TagRefused(f"the server does not let this account make a tag {name!r}")
        raise StatusError(answer.status, answer.body)

    def _created(self, name: str, answer: Response) -> SystemTag:
        number = answer.headers.get("Content-Location", "").rpartition("/")[2]
        if _NUMBER.fullmatch(number):
            tag = SystemTag(int(number), name)
            self._keep(tag)
            return tag
        self.read()
        made = self._look(name)
        if made is None:
            raise TagRefused(f"the server made a tag {name!r}, and does not list it")
        return made

    def _keep(self, tag: SystemTag) -> None:
        self._by_name[tag.name] = tag
        try:
            self._by_key.setdefault(self.key(tag.name), tag)
        except TagRefused:  # nothing of ours can have that name
            return

    def _look(self, name: str) -> SystemTag | None:
        return self._by_name.get(tag_name(name)) or self._by_key.get(self.key(name))


def restricted(tag: SystemTag) -> TagRefused:
    """The error for a tag that this account may not give to files."""
    return TagRefused(
        f"the tag {tag.name!r} is restricted on the server;"
        " ask its administrator to let this account assign it"
    )


def _tag_of(answer: Answer) -> SystemTag | None:
    """The tag that an answer describes, None for the list itself."""
    number, name = answer.text(_ID), answer.text(_NAME)
    if number is None or name is None or not _NUMBER.fullmatch(number):
        return None
    return SystemTag(int(number), name, assignable=answer.text(_ASSIGNABLE) != "false")
