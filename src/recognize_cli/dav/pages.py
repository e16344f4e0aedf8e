"""A whole folder from a Nextcloud, page by page where it offers that."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from recognize_cli.dav.client import Multistatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.xml import Answer

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_PAGED: Final = "X-NC-Paginate"
_COUNT: Final = "X-NC-Paginate-Count"
_OFFSET: Final = "X-NC-Paginate-Offset"
_TOKEN: Final = "X-NC-Paginate-Token"
_TOTAL: Final = "X-NC-Paginate-Total"
_NUMBER: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Paging(Generic[T]):
    """How a folder is read: its properties, what to make of each answer, and how many fit into a page.

    Servers that know no pages ignore the headers and answer at once.
    """

    properties: Iterable[str]
    make: Callable[[Answer], T | None]
    size: int = 1000

    def read(self, client: DavClient, path: str) -> Multistatus[T]:
        """The folder at ``path`` and all that lies directly in it, as `DavClient.propfind` gives it.

        A server keeps the pages of a listing for a while. One that loses them in between is asked for the
        whole at once: pages of two listings do not fit together. So is one that names no sane total.
        """
        first, _ = self._page(client, path, {_PAGED: "true", _COUNT: str(self.size)})
        token, total = first.headers.get(_TOKEN), first.headers.get(_TOTAL, "")
        if not token:
            return first
        if not _NUMBER.fullmatch(total):
            return client.propfind(path, self.properties, self.make)
        items = list(first.items)
        for offset in range(self.size, int(total), self.size):
            asked = {_PAGED: "true", _COUNT: str(self.size), _TOKEN: token, _OFFSET: str(offset)}
            page, count = self._page(client, path, asked)
            is_of_it = _PAGED in page.headers and page.headers.get(_TOKEN, token) == token
            if not is_of_it or count != min(self.size, int(total) - offset):
                _LOG.info("the server lost the pages of %r; asking for the whole folder at once", path)
                return client.propfind(path, self.properties, self.make)
            items += page.items
        return Multistatus(first.path, items, first.headers)

    def _page(self, client: DavClient, path: str, headers: Mapping[str, str]) -> tuple[Multistatus[T], int]:
        """A page, and how many answers it has, those that nothing was made of included."""
        count = 0

        def make(answer: Answer) -> T | None:
            nonlocal count
            count += 1
            return self.make(answer)

        page = client.propfind(path, self.properties, make, headers=headers)
        return page, count
