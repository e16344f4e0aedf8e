"""What the files of folders bear at a server, asked for ahead and kept while pages go on in one folder."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    Look = Mapping[str, frozenset[str]]

KEPT: Final = 300.0
"""Seconds for which a look is believed; a folder of many files would be listed anew for each page of them."""


class Looks:
    """The folders of one page; ``ask`` begins to list one, ``clock`` gives seconds.

    A look that is older than the page will do as long as each file is planned for once with it: a tag that
    came since is told when it is asked for, and counts as foreign.
    """

    def __init__(self, ask: Callable[[str], Future[Look]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._looks: dict[str, tuple[float, Future[Look]]] = {}

    def begin(self, files: Mapping[str, set[str]]) -> None:
        """Asks for folders, unless it is known what they hold and these files (by their ids) are there."""
        self._looks = {
            folder: self._looks[folder]
            if self._is_known(folder, files[folder])
            else (self._clock(), self._ask(folder))
            for folder in sorted(files)
        }

    def forget(self) -> None:
        """Has every folder looked at again: files come a second time."""
        self._looks = {}

    @property
    def are_there(self) -> bool:
        """Whether all answers are."""
        return all(look.done() for _, look in self._looks.values())

    def wait(self) -> None:
        """Waits for them."""
        wait(look for _, look in self._looks.values())

    def names(self, folder: str, file_id: str) -> frozenset[str] | None:
        """The tags of a file, None where nobody looked or it is not there; raises what the look raised."""
        look = self._looks.get(folder)
        return None if look is None else look[1].result().get(file_id)

    def _is_known(self, folder: str, ids: set[str]) -> bool:
        if folder not in self._looks:
            return False
        since, look = self._looks[folder]
        if self._clock() - since > KEPT or not look.done() or look.exception():
            return False
        return look.result().keys() >= ids
