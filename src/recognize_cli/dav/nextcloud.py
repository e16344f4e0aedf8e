"""A Nextcloud as one account sees it: where it lies at its host, whose files they are, what it can."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.errors import FileRefused, SourceNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from recognize_cli.dav.client import DavClient

OCS: Final = {"OCS-APIRequest": "true", "Accept": "application/json"}
"""Headers without which OCS answers 412."""

_NOT_NAMES = frozenset({"", ".", ".."})
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Nextcloud:
    """A Nextcloud and an account on it; addresses there are decoded paths below the host.

    ``root`` is where it lies: ``""``, or ``/cloud`` for one in a folder. ``uid`` is the account's id, which
    its login name need not be. ``major`` is the version, ``has_tags`` whether system tags are switched on.
    """

    root: str
    uid: str
    major: int
    has_tags: bool

    @property
    def files(self) -> str:
        """The folder of all its files."""
        return f"{self.root}/remote.php/dav/files/{self.uid}"

    @property
    def tags(self) -> str:
        """The list of the server's tags."""
        return f"{self.root}/remote.php/dav/systemtags/"

    @property
    def previews(self) -> str:
        """Where small pictures of files are made."""
        return f"{self.root}/index.php/core/preview"

    def relation(self, file_id: str, tag: int) -> str:
        """Where a tag is put on a file; raises FileRefused for an id that is no number."""
        if not _NUMBER.fullmatch(file_id):
            raise FileRefused("the server calls it by what is no number, and has no tags for such files")
        return f"{self.root}/remote.php/dav/systemtags-relations/files/{file_id}/{tag}"


def find_root(client: DavClient, path: str) -> tuple[str, str]:
    """Where a Nextcloud lies on a path, and what of the path is below it: ``("/cloud", "Photos/2024")``.

    Most lie in the first folder or at the top of their host. The top is not asked first: it may be another
    application, and if that refuses the login, nothing on this host is asked any more.
    Raises SourceNotFound where there is none, and what `DavClient.request` raises.
    """
    names = [name for name in path.split("/") if name]
    if "remote.php" in names:
        raise SourceNotFound(
            source=f"{client.url}{path}",
            problem="leave out remote.php and what belongs to it: after the host, and the folder of the"
            " Nextcloud if it has one, comes the path as its users see it",
        )
    for count in (*range(1, len(names) + 1)[:1], 0, *range(2, len(names) + 1)):
        root = "".join(f"/{name}" for name in names[:count])
        answer = client.request("GET", f"{root}/status.php")
        if answer.status == HTTPStatus.OK and "versionstring" in _json(answer.body):
            return root, "/".join(names[count:])
    raise SourceNotFound(
        source=f"{client.url}{path}",
        problem="no Nextcloud is there; check host and path, or use webdavs:// for a server of another make",
    )


def sign_in(client: DavClient, root: str) -> Nextcloud:
    """Who the account of the client is and what its server can, in two requests.

    Raises LoginRefused, SourceUnreachable and OSError as `DavClient.request` does.
    """
    uid = _ocs(client, root, "cloud/user").get("id")
    if not isinstance(uid, str) or uid in _NOT_NAMES or "/" in uid or "\0" in uid:
        raise failed("the server does not say which account this is")
    told = _ocs(client, root, "cloud/capabilities")
    version, can = _mapping(told.get("version")), _mapping(told.get("capabilities"))
    major = version.get("major")
    return Nextcloud(
        root,
        uid,
        major=major if isinstance(major, int) else 0,
        has_tags=_mapping(can.get("systemtags")).get("enabled") is True,
    )


def _ocs(client: DavClient, root: str, path: str) -> Mapping[str, Any]:
    """The data of an OCS answer."""
    answer = client.request("GET", f"{root}/ocs/v2.php/{path}", query={"format": "json"}, headers=OCS)
    if answer.status != HTTPStatus.OK:
        raise StatusError(answer.status, answer.body)
    return _mapping(_mapping(_json(answer.body).get("ocs")).get("data"))


def _json(body: bytes) -> Mapping[str, Any]:
    """The object in a body, empty where there is none."""
    try:
        return _mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
