"""Where the tags of a scanned file are to go: the file itself, or its twin on a server."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from recognize_cli.catalogue.outbox_api import Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from recognize_cli.protocols import Source
    from recognize_cli.records import Entry, MediaFile


class Destination(Protocol):
    """Says of each file of a scan which files on servers are to bear its tags.

    Its methods raise SourceError and LoginError where a server cannot be used at all.
    """

    def remotes(self, source: Source, file: MediaFile) -> tuple[Remote, ...]:
        """The files that the tags of a file go to, none for a file that is not its concern."""
        ...

    def targets(self) -> Collection[str]:
        """The storages of all servers that tags go to."""
        ...


class OwnFiles:
    """For files of the servers that are scanned: their tags go to them."""

    def __init__(self, targets: Collection[str]) -> None:
        """``targets`` are the storages of sources whose files bear tags; more may join meanwhile."""
        self._targets = targets

    def targets(self) -> Collection[str]:
        """See `Destination.targets`."""
        return self._targets

    def remotes(self, source: Source, file: MediaFile) -> tuple[Remote, ...]:
        """The file itself; none where its server has no tags, or gives files no ids."""
        if source.storage not in self._targets or file.file_id is None:
            return ()
        return (Remote(source.storage, file.file_id, f"{source.base}/{file.path}".strip("/")),)


class Twins:
    """For files of this machine that lie on a server, too, as those of its data folder do.

    A file whose twin is not there, or has another size, is left alone: the next scan tries again. ``absent``
    counts them.
    """

    def __init__(self, open_cloud: Callable[[], Source], folders: Mapping[str, str]) -> None:
        """``folders`` maps absolute local folders to those of the server, relative to the root of its source.

        That is opened when the first file needs it.
        """
        self._open = open_cloud
        longest_first = sorted(folders.items(), key=lambda pair: -len(pair[0]))
        self._folders = [(local.rstrip("/"), remote.strip("/")) for local, remote in longest_first]
        self._way: list[str] = []
        self._levels: list[Mapping[str, Entry]] = []
        self.absent = 0

    def targets(self) -> Collection[str]:
        """See `Destination.targets`."""
        return (self._cloud.storage,)

    def remotes(self, source: Source, file: MediaFile) -> tuple[Remote, ...]:
        """The twin of a file, if there is one."""
        path = self._path(f"{source.base.rstrip('/')}/{file.path}") if source.is_local else None
        if path is None:
            return ()
        folder, _, name = path.rpartition("/")
        entry = self._entries(folder).get(name)
        if entry is None or entry.is_directory or entry.file_id is None or entry.size != file.size:
            self.absent += 1
            return ()
        return (Remote(self._cloud.storage, entry.file_id, f"{self._cloud.base}/{path}".strip("/")),)

    @cached_property
    def _cloud(self) -> Source:
        return self._open()

    def _path(self, local: str) -> str | None:
        """The path of the twin, None for a file outside of all folders."""
        for folder, remote in self._folders:
            if local.startswith(f"{folder}/"):
                return f"{remote}/{local[len(folder) + 1 :]}".lstrip("/")
        return None

    def _entries(self, folder: str) -> Mapping[str, Entry]:
        """What a folder of the server holds, by name.

        It is looked for from the root downwards, so that a `RememberedSource` knows what did not change and
        nobody asks for what is not there. As files come in order, each folder is listed once.
        """
        way = folder.split("/") if folder else []
        shared = next(
            (depth for depth, (one, other) in enumerate(zip(way, self._way, strict=False)) if one != other),
            min(len(way), len(self._way)),
        )
        del self._way[shared:], self._levels[shared + 1 :]
        if not self._levels:
            self._levels.append(self._listed(""))
        for name in way[shared:]:
            self._way.append(name)
            entry = self._levels[-1].get(name)
            there = entry is not None and entry.is_directory
            self._levels.append(self._listed("/".join(self._way)) if there else {})
        return self._levels[-1]

    def _listed(self, folder: str) -> Mapping[str, Entry]:
        try:
            return {entry.name: entry for entry in self._cloud.listing(folder).entries}
        except OSError:  # it cannot be read now
            return {}
