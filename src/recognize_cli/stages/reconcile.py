"""Stage: compare what a tree holds with what the catalogue knows of it.

What is known passes as a finished result, what is new becomes a job for the recognizers that have not
seen it, what only has other rules goes straight to tagging, and what is gone is withdrawn.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from recognize_cli.media.kinds import kind_of
from recognize_cli.records import FileResult, Gone, Removed, Unreadable
from recognize_cli.stages.items import Job, Scored
from recognize_cli.stages.judging import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from recognize_cli.catalogue.api import Catalogue, Known, Unvisited
    from recognize_cli.protocols import Source
    from recognize_cli.records import Finished, Kind, MediaFile
    from recognize_cli.stages.judging import Policy
    from recognize_cli.stages.walk import Visit

_PAGE = 500
"""How many files are marked as gone in one transaction."""


def place(source: Source, directory: str) -> str:
    """The absolute path, within the storage of a source, of a directory of it."""
    base = source.base.rstrip("/")
    return f"{base}/{directory}" if directory else base or "/"


def reconcile(
    visits: Iterable[Visit | Unreadable],
    source: Source,
    catalogue: Catalogue,
    policy: Policy,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Finished | Scored | Job]:
    """Yields, for every media file of the visited directories, what is known of it or what is to be done.

    A directory that could not be listed passes as it is, and what lies below it keeps what is known.
    Once all are visited, what lies in directories that are gone is withdrawn; not where a visit was
    partial. ``stop`` is asked before each file and ends the stage.
    """
    reconciler = _Reconciler(source, catalogue, policy, stop)
    unread: list[str] = []
    pruned: dict[str, frozenset[Kind]] = {}
    whole = True
    for visit in visits:
        if isinstance(visit, Unreadable):
            unread.append(place(source, visit.path))
            yield visit
            continue
        whole = whole and not visit.partial
        pruned.update((each.directory, each.kinds) for each in visit.pruned)
        yield from reconciler.directory(visit)
    if whole and not stop():
        yield from reconciler.gone_directories(unread, pruned)


class _Reconciler:
    """One source against the catalogue."""

    def __init__(
        self, source: Source, catalogue: Catalogue, policy: Policy, stop: Callable[[], bool]
    ) -> None:
        self._stop = stop
        self._source = source
        self._catalogue = catalogue
        self._judge = Judge(catalogue, policy)

    def directory(self, visit: Visit) -> Iterator[Finished | Scored | Job]:
        """The files of one directory, then what is gone from it."""
        where = place(self._source, visit.directory)
        known = self._catalogue.known(self._source.storage, where)
        back = [known[file.name].id for file in visit.files if _is_missing(known.get(file.name))]
        if back:
            self._catalogue.found(back)
        elsewhere: set[int] = set()
        for file in visit.files:
            if self._stop():
                return
            found = known.get(file.name)
            if found is not None and found.version == file.version:
                yield self._judge.judge(file, found)
            elif (moved := self._moved(file, where)) is not None:
                elsewhere.add(moved[0].id)
                yield from self._arrived(file, *moved)
            else:
                yield self._judge.judge(file, found)
        known = {name: each for name, each in known.items() if each.id not in elsewhere}
        yield from self._withdraw(visit, known, visit.ignored, Gone.IGNORED)
        if not visit.partial:
            self._catalogue.visit(self._source.storage, where)
            there = {file.name for file in visit.files}.union(visit.ignored, visit.filtered)
            yield from self._withdraw(visit, known, known.keys() - there, Gone.DELETED)

    def gone_directories(self, unread: list[str], pruned: Mapping[str, frozenset[Kind]]) -> Iterator[Removed]:
        """Withdraws what lies in directories that this run did not come by."""
        base = place(self._source, "")
        unvisited = self._catalogue.unvisited(self._source.storage, base, except_below=unread)
        while page := list(islice(unvisited, _PAGE)):
            for why in (Gone.DELETED, Gone.IGNORED):
                paths: dict[int, str] = {}
                for each in page:
                    directory = self._relative(each.directory) or ""
                    if _why_unvisited(each, directory, pruned) is why:
                        paths[each.id] = _join(directory, each.name)
                yield from self._mark(paths, why)

    def _moved(self, file: MediaFile, where: str) -> tuple[Known, str | None] | None:
        """A known file that is this one and no longer at its old place, moved here.

        Also gives the old path, if it is known as that of a file and nothing is there now.
        """
        storage, id_ = self._source.storage, file.file_id
        for each in self._catalogue.find_moved(storage, id_, file.version, file.size) if id_ else ():
            try:
                now = self._source.id_at(each.path) if each.path else None
            except OSError:
                continue
            if now == id_ or each.known.kind is not file.kind:
                continue
            self._catalogue.move(each.known.id, storage, where, file.name)
            return each.known, each.path if now is None and not each.known.missing else None
        return None

    def _arrived(
        self, file: MediaFile, known: Known, left: str | None
    ) -> Iterator[Removed | FileResult | Scored | Job]:
        """What is known of a moved file, told as news of its new path; ``left`` is where it was."""
        if left is not None and (relative := self._relative(left)) is not None:
            yield Removed(self._source.id, relative, Gone.MOVED)
        judged = self._judge.judge(file, known)
        if isinstance(judged, FileResult) and judged.recognizers:
            yield Scored(Job(file, (), self._judge.scores(file, known, judged.recognizers)))
        else:
            yield judged

    def _withdraw(
        self, visit: Visit, known: Mapping[str, Known], names: Iterable[str], why: Gone
    ) -> Iterator[Removed]:
        """Marks files of one directory as gone; tells those that were not yet."""
        gone = {known[name].id: _join(visit.directory, name) for name in sorted(names) if name in known}
        yield from self._mark(gone, why)

    def _mark(self, paths: Mapping[int, str], why: Gone) -> Iterator[Removed]:
        for id_ in self._catalogue.missing(list(paths), why) if paths else ():
            yield Removed(self._source.id, paths[id_], why)

    def _relative(self, path: str) -> str | None:
        """An absolute path as the source names it; None outside of it."""
        base = place(self._source, "")
        below = base.rstrip("/") + "/"
        if path == base:
            return ""
        return path.removeprefix(below) if path.startswith(below) else None


def _is_missing(known: Known | None) -> bool:
    return known is not None and known.missing is not None


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _why_unvisited(file: Unvisited, directory: str, pruned: Mapping[str, frozenset[Kind]]) -> Gone | None:
    """Why a file in a directory that was not visited is gone; None where options of this run hide it."""
    while directory:
        if directory in pruned:
            return None if kind_of(file.name) in pruned[directory] else Gone.IGNORED
        directory = directory.rpartition("/")[0]
    return Gone.DELETED
