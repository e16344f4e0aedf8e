"""The media that recognizers are measured with: those of a user, which are only read, or made ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.benching.made import make
from recognize_cli.ignore import ALL_KINDS
from recognize_cli.sources.local import LocalSource
from recognize_cli.stages.walk import Visit, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from recognize_cli.protocols import Source
    from recognize_cli.records import Kind, MediaFile


@dataclass(frozen=True, slots=True)
class Material:
    """Files of a source by kind."""

    source: Source
    files: Mapping[Kind, tuple[MediaFile, ...]]


def given(path: str, kinds: Collection[Kind], most: int) -> Material:
    """At most so many files of each of these kinds below a folder, the first of a walk.

    Raises SourceNotFound.
    """
    return _found(LocalSource(path), kinds, most)


def made(folder: Path, kinds: Collection[Kind]) -> Material:
    """Files of these kinds, made in a folder."""
    for kind in kinds:
        make(kind, folder / kind)
    return _found(LocalSource(str(folder)), kinds, 1000)


def _found(source: Source, kinds: Collection[Kind], most: int) -> Material:
    files: dict[Kind, list[MediaFile]] = {kind: [] for kind in ALL_KINDS if kind in kinds}
    for file in _files(walk(source)):
        if file.kind in files and len(files[file.kind]) < most:
            files[file.kind].append(file)
        if all(len(each) == most for each in files.values()):
            break
    return Material(source, {kind: tuple(each) for kind, each in files.items()})


def _files(visits: Iterable[object]) -> Iterable[MediaFile]:
    for visit in visits:
        if isinstance(visit, Visit):
            yield from visit.files
