"""The system tags of a Nextcloud: which files bear them, and changes to that.

Tags belong to the whole server, not to an account. Every change in here is one request about one tag on one
file, so nobody else's tags are touched.

Newer servers also take all files of a tag in one PROPPATCH. That is not used, not even for the union with
what is there: the server first takes the tag off all files, those of all users, commits that, and then puts
it on those that were sent (`SystemTagObjectMapper::setObjectIdsForTag`). A server that ends in between, or
finds its database locked, leaves the tag with no files; two such requests at once, or one and a user's click,
lose tags whatever If-Match says (nextcloud/server#62631: a tag of 12,000 files was left with a handful). And
since 32.0.15, 33.0.9 and 34.0.4 the list that a union would be made of lacks what the account cannot see.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.entries import FILE_ID, TYPE, entry_of
from recognize_cli.dav.failures import StatusError, failed
from recognize_cli.dav.pages import Paging
from recognize_cli.dav.taglist import TagList, restricted
from recognize_cli.dav.writing import Writer, Written
from recognize_cli.dav.xml import NEXTCLOUD
from recognize_cli.errors import FileRefused, TagRefused, TagsSwitchedOff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.nextcloud import Nextcloud
    from recognize_cli.dav.taglist import SystemTag
    from recognize_cli.dav.xml import Answer

_OF_FILE: Final = f"{NEXTCLOUD}system-tags"


class SystemTags:
    """The tags of a server as one account may use them; the `TagServer` of a Nextcloud.

    ``client`` is for the account's host, without a path; ``clock`` counts seconds.
    """

    def __init__(
        self,
        client: DavClient,
        cloud: Nextcloud,
        writer: Writer | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises TagsSwitchedOff for a server without tags."""
        if not cloud.has_tags:
            raise TagsSwitchedOff(server=f"{client.url}{cloud.root}")
        self._client = client
        self._cloud = cloud
        self._writer = writer or Writer(client)
        self._list = TagList(client, cloud, clock=clock)

    def key(self, name: str) -> str:
        """What tells tags apart there: names with the same key are one tag. Raises TagRefused for no name."""
        return self._list.key(name)

    def tags_in(self, folder: str) -> Mapping[str, frozenset[str]]:
        """The names of the tags of each file directly in a folder, by the file's id.

        All files are in it, also those without a tag; a folder that does not exist has none. Raises
        RequestFailed where the server does not tell.
        """
        paging = Paging((TYPE, FILE_ID, _OF_FILE), _borne)
        try:
            return dict(paging.read(self._client, f"{self._cloud.files}/{folder}").items)
        except StatusError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise

    def assign(self, file_id: str, tag: str) -> bool:
        """Gives a file a tag, which is made where there is none; False where the file had it before.

        Raises TagRefused or FileRefused where it never may, and RequestFailed where it may have been done or
        not: the file has the tag now, but perhaps from a request of ours whose answer was lost.
        """
        for _ in range(2):
            wanted = self._list.ensure(tag)
            written = self._writer.change("PUT", self._cloud.relation(file_id, wanted.id))
            match written.status:
                case HTTPStatus.CREATED | HTTPStatus.NO_CONTENT:
                    return True
                case HTTPStatus.CONFLICT if written.unsure:
                    raise failed("the answer to the first request was lost; the file has the tag now")
                case HTTPStatus.CONFLICT:
                    return False
                case HTTPStatus.PRECONDITION_FAILED:
                    self._list.forget()
                case _:
                    raise self._refusal(written, wanted)
        raise TagRefused(f"the server lists a tag {tag!r}, and says that there is none")

    def unassign(self, file_id: str, tag: str) -> bool:
        """Takes a tag off a file; False where the file, or the tag, is not there or did not have it.

        Raises TagRefused or FileRefused where it never may.
        """
        found = self._list.find(tag)
        if found is None:
            return False
        written = self._writer.change("DELETE", self._cloud.relation(file_id, found.id))
        match written.status:
            case HTTPStatus.NO_CONTENT | HTTPStatus.OK:
                return True
            case HTTPStatus.NOT_FOUND | HTTPStatus.PRECONDITION_FAILED:
                return False
        raise self._refusal(written, found)

    def _refusal(self, written: Written, tag: SystemTag) -> Exception:
        """What it means that a change was not made."""
        match written.status:
            case HTTPStatus.NOT_FOUND:
                return FileRefused("it is not there any more")
            case HTTPStatus.FORBIDDEN if self._list.is_restricted(tag):
                return restricted(tag)
            case HTTPStatus.FORBIDDEN:
                return FileRefused("this account may only read it, as a share that is read-only")
        return StatusError(written.status, written.body)


def _borne(answer: Answer) -> tuple[str, frozenset[str]] | None:
    """The id of a file and the names of its tags, None for a folder."""
    entry = entry_of(answer)
    if entry is None or entry.is_directory:
        return None
    tags = answer.found.get(_OF_FILE)
    if tags is None or entry.file_id is None:
        raise failed("the server does not tell the tags of files")
    return entry.file_id, frozenset(name for each in tags if (name := (each.text or "").strip()))
