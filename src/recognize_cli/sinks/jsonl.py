"""Results as JSON: one object a line, or one array of the same objects.

The objects are the documented interface of the program (docs/json.md): fields are only ever added.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from recognize_cli.naming import raw, readable
from recognize_cli.records import FACES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import IO

    from recognize_cli.records import Box, Change, Face, FileResult, Removed, Skipped, Unreadable

_SCHEMA = 1


class JsonSink:
    """Writes each record at once; unchanged files are buffered, anything new is flushed."""

    def __init__(self, stream: IO[bytes], *, lines: bool = True, scores: bool = False) -> None:
        """``lines``: JSON lines rather than one array; ``scores``: add the raw classes to each file."""
        self._stream = stream
        self._lines = lines
        self._scores = scores
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the array of a run that ended without a summary, so that it stays readable."""
        if self._count and not self._lines and not (kind and issubclass(kind, BrokenPipeError)):
            self._stream.write(b"\n]\n")
            self._stream.flush()

    def result(self, result: FileResult) -> None:
        """A ``file`` record unless the file itself could not be read, and an ``error`` for each failure."""
        if not any(not failure.recognizer for failure in result.failures):
            self._write(_file(result, scores=self._scores), flush=not result.unchanged)
        for failure in result.failures:
            self._write(_error(failure, unchanged=result.unchanged), flush=not result.unchanged)

    def removed(self, removed: Removed) -> None:
        """A ``removed`` record."""
        self._write({**_head("removed", removed.source, removed.path), "why": str(removed.why)}, flush=False)

    def unreadable(self, unreadable: Unreadable) -> None:
        """An ``error`` record for a directory, or for a listed path that is not there."""
        record = {
            **_head("error", unreadable.source, unreadable.path),
            "reason": "io",
            "message": readable(unreadable.message),
            "unchanged": False,
        }
        self._write(record, flush=True)

    def change(self, change: Change) -> None:
        """A ``push`` record: what would be put on a file of a server, and taken off it."""
        record = {
            "type": "push",
            "schema": _SCHEMA,
            "target": change.target,
            "path": readable(change.path),
            "assign": list(change.assign),
            "unassign": list(change.unassign),
        }
        self._write(record, flush=True)

    def summary(self, summary: Mapping[str, object]) -> None:
        """The ``summary`` record: the last one."""
        self._write({"type": "summary", "schema": _SCHEMA, **summary}, flush=True)

    def _write(self, record: Mapping[str, object], *, flush: bool) -> None:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        if self._lines:
            self._stream.write(text + b"\n")
        else:
            self._stream.write((b",\n" if self._count else b"[\n") + text)
        self._count += 1
        if flush:
            self._stream.flush()


def _head(type_: str, source: str, path: str) -> dict[str, object]:
    return {"type": type_, "schema": _SCHEMA, **place(source, path)}


def place(source: str, path: str) -> dict[str, object]:
    """Where a file is, as every record about one tells it."""
    fields: dict[str, object] = {"source": readable(source), "path": readable(path)}
    if fields["path"] != path:
        fields["path_bytes"] = base64.b64encode(raw(path)).decode()
    return fields


def _timestamp(seconds: float) -> str | None:
    """UTC in ISO 8601; None for a clock that no calendar holds (a damaged file system has such)."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return None


def _file(result: FileResult, *, scores: bool) -> dict[str, object]:
    file = result.file
    record = {
        **_head("file", file.source, file.path),
        "kind": str(file.kind),
        "size": file.size,
        "modified": _timestamp(file.modified),
        "unchanged": result.unchanged,
        "recognizers": list(result.recognizers),
        "tags": [
            {
                "name": tag.name,
                "score": round(tag.score, 4),
                "recognizer": tag.recognizer,
                "class": tag.class_name,
            }
            for tag in result.tags
        ],
    }
    if FACES in result.recognizers:
        record["faces"] = [_face(face) for face in result.faces]
    if scores:
        record["scores"] = {
            each.recognizer: [[top.name, round(top.score, 6)] for top in each.top]
            for each in result.scores
            if each.recognizer != FACES
        }
    return record


def _face(face: Face) -> dict[str, object]:
    return {
        "id": face.id,
        "box": rectangle(face.box),
        "score": round(face.score, 4),
        "person": face.person,
        "name": None if face.name is None else readable(face.name),
    }


def rectangle(box: Box) -> dict[str, float]:
    """A box as every record tells it."""
    sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    return {name: round(value, 5) for name, value in sides.items()}


def _error(failure: Skipped, *, unchanged: bool) -> dict[str, object]:
    record = {
        **_head("error", failure.file.source, failure.file.path),
        "kind": str(failure.file.kind),
        "reason": str(failure.reason),
        "message": readable(failure.message),
        "unchanged": unchanged,
    }
    if failure.recognizer:
        record["recognizer"] = failure.recognizer
    return record
