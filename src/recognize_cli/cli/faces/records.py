"""Faces and people as JSON, as docs/json.md promises."""

from __future__ import annotations

import codecs
import csv
import json
from functools import cached_property
from typing import TYPE_CHECKING, cast

from recognize_cli.sinks.jsonl import place, rectangle
from recognize_cli.sources.local import LocalSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO

    from recognize_cli.catalogue.people_api import FaceStore, KnownFace, Person
    from recognize_cli.faces.quality import Gates

_COLUMNS = (
    *("face", "source", "path", "path_bytes", "x", "y", "width", "height", "score"),
    *("person", "name", "by_hand", "distance", "flags", "model"),
)


class FaceRecords:
    """Makes records of the faces of a catalogue; ``gates`` says which of them are doubtful."""

    def __init__(self, store: FaceStore, gates: Gates) -> None:
        self._store = store
        self._gates = gates

    @cached_property
    def _top(self) -> str:
        """The directory on this machine that holds all known files: the scanned tree, where there was one."""
        return self._store.top(LocalSource.storage)

    def __call__(self, face: KnownFace) -> dict[str, object]:
        """A ``face`` record."""
        return {
            "type": "face",
            "schema": 1,
            "face": face.id,
            **place(*self._source_and_path(face)),
            "box": rectangle(face.box),
            "score": round(face.score, 4),
            "person": face.person,
            "name": face.name,
            "by_hand": face.by_hand,
            "distance": None if face.distance is None else round(face.distance, 4),
            "flags": list(self._gates.flags(face)),
            "model": face.model,
        }

    def _source_and_path(self, face: KnownFace) -> tuple[str, str]:
        if face.file.source != LocalSource.storage:
            return face.file.source, face.file.path
        path = "/" + face.file.path
        return self._top, path.removeprefix(self._top).lstrip("/")


def absolute(face: KnownFace) -> str:
    """Where a face's file is, for people to read."""
    local = face.file.source == LocalSource.storage
    return f"/{face.file.path}" if local else f"{face.file.source}/{face.file.path}"


def person_record(person: Person) -> dict[str, object]:
    """A ``person`` record."""
    return {
        "type": "person",
        "schema": 1,
        "id": person.id,
        "name": person.name,
        "faces": person.faces,
        "files": person.files,
    }


def write_lines(records: Iterable[Mapping[str, object]], stream: IO[bytes]) -> None:
    """Writes JSON lines, each as soon as it is there."""
    for record in records:
        stream.write(_compact(record) + b"\n")


def write_array(records: Iterable[Mapping[str, object]], stream: IO[bytes]) -> None:
    """Writes one JSON array, an object a line."""
    before = b"[\n"
    for record in records:
        stream.write(before + _compact(record))
        before = b",\n"
    stream.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_rows(records: Iterable[Mapping[str, object]], stream: IO[bytes]) -> None:
    """Writes CSV with a head, in UTF-8; what is null in JSON is empty, flags are joined by spaces."""
    writer = csv.DictWriter(codecs.getwriter("utf-8")(stream), _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records:
        box = cast("dict[str, float]", record["box"])
        flags = " ".join(cast("list[str]", record["flags"]))
        by_hand = str(record["by_hand"]).lower()
        row = {**record, **box, "flags": flags, "by_hand": by_hand}
        writer.writerow({key: value for key, value in row.items() if key in _COLUMNS})


def _compact(record: Mapping[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
