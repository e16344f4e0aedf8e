"""Records as tests need them: only what matters to the test is said."""

from __future__ import annotations

import numpy as np

from recognize_cli.media.jobs import DecodeResult
from recognize_cli.records import ClassScore, Decoded, FileResult, Kind, MediaFile, Scores, Tag


def media_file(path: str = "a.jpg", **changes: object) -> MediaFile:
    """An image of 10 bytes."""
    fields: dict[str, object] = {
        "source": "/data",
        "path": path,
        "kind": Kind.IMAGE,
        "size": 10,
        "version": "1-10",
        "modified": 1_777_629_600.0,
        "file_id": None,
    }
    return MediaFile(**{**fields, **changes})  # type: ignore[arg-type]


def decoded(file: MediaFile, value: int = 0) -> Decoded:
    """A decoded image of 8×8 pixels, all of one value."""
    return Decoded(file, {None: np.full((8, 8, 3), value, np.uint8)}, cpu_seconds=0.01)


def picture(value: int = 0) -> DecodeResult:
    """What a decoder gives: 8×8 pixels, all of one value."""
    return DecodeResult({None: np.full((8, 8, 3), value, np.uint8)}, cpu_seconds=0.01)


def scores(file: MediaFile, *top: tuple[str, float], recognizer: str = "objects") -> Scores:
    """Scores of made classes."""
    return Scores(file, recognizer, "model-1", tuple(ClassScore(name, value) for name, value in top))


def result(path: str = "a.jpg", *, unchanged: bool = False, tags: tuple[str, ...] = ("Cat",)) -> FileResult:
    """A result of the recognizer ``objects``."""
    file = media_file(path)
    return FileResult(
        file,
        recognizers=("objects",),
        tags=tuple(Tag(name, 0.93, "objects", name.lower()) for name in tags),
        scores=(scores(file, ("tabby", 0.93)),),
        unchanged=unchanged,
    )
