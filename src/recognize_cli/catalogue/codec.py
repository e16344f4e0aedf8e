"""How records are written in the columns of the catalogue, but for the vectors of faces (see `vectors`).

Tags are JSON arrays ``[[name, score, class name], ...]``, scores ``[[class name, score, id], ...]``;
numbers are written in full, so that tags made from stored scores are those made from fresh ones.
Names and directories are the bytes of the file system. Landmarks are pairs of little-endian float32.
"""

from __future__ import annotations

import json
import os
import struct
import unicodedata
from typing import TYPE_CHECKING

from recognize_cli.errors import CatalogueUnusable
from recognize_cli.records import ClassScore, Kind, MediaFile, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

DAMAGED = "it is damaged ({detail}); restore it from a backup, or move it away and scan again"


def damaged(catalogue: str, error: Exception) -> CatalogueUnusable:
    """The error for content that this program cannot have written."""
    return CatalogueUnusable(path=catalogue, problem=DAMAGED.format(detail=error))


def encode_path(path: str) -> bytes:
    """A name or directory as it is on disk, also when that is not UTF-8."""
    return os.fsencode(path)


def decode_path(path: bytes) -> str:
    """The inverse of `encode_path`."""
    return os.fsdecode(path)


def encode_message(message: str) -> str:
    r"""A message fit for a text column: the odd bytes of a file name in it are written ``\udcxx``."""
    return message.encode("utf-8", "backslashreplace").decode("utf-8")


def _dump(rows: list[list[object]]) -> str:
    return json.dumps(rows, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode_tags(tags: Iterable[Tag]) -> str:
    """The text of a tags column; raises ValueError for a score that is no number."""
    return _dump([[tag.name, tag.score, tag.class_name] for tag in tags])


def decode_tags(text: str, recognizer: str, catalogue: str) -> tuple[Tag, ...]:
    """The inverse of `encode_tags`; raises CatalogueUnusable for a damaged text."""
    try:
        return tuple(Tag(name, score, recognizer, class_name) for name, score, class_name in json.loads(text))
    except (ValueError, TypeError) as error:
        raise damaged(catalogue, error) from error


def encode_scores(top: Iterable[ClassScore]) -> str:
    """The text of a scores column; raises ValueError for a score that is no number."""
    return _dump([[entry.name, entry.score, entry.id] for entry in top])


def decode_scores(text: str, catalogue: str) -> tuple[ClassScore, ...]:
    """The inverse of `encode_scores`; raises CatalogueUnusable for a damaged text."""
    try:
        return tuple(ClassScore(name, score, id_) for name, score, id_ in json.loads(text))
    except (ValueError, TypeError) as error:
        raise damaged(catalogue, error) from error


def encode_landmarks(points: Iterable[tuple[float, float]]) -> bytes:
    """The bytes of a landmarks column."""
    return b"".join(struct.pack("<2f", *point) for point in points)


def decode_landmarks(data: bytes) -> tuple[tuple[float, float], ...]:
    """The inverse of `encode_landmarks`; raises ValueError for damaged bytes."""
    if len(data) % 8:
        raise ValueError(f"landmarks of {len(data)} bytes")
    return tuple((x, y) for x, y in struct.iter_unpack("<2f", data))


def fold_name(name: str) -> str:
    """What two names have in common that are the same but for case, in any script."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return encode_message(folded)


def decode_file(
    storage: str,
    directory: bytes,
    name: bytes,
    kind: str,
    size: int,
    version: str,
    modified: float,
    file_id: str | None,
) -> MediaFile:
    """A file with the storage for its source, its path relative to the root of that storage.

    Raises ValueError for a kind that there is not.
    """
    return MediaFile(
        source=storage,
        path=decode_path((directory.rstrip(b"/") + b"/" + name).lstrip(b"/")),
        kind=Kind(kind),
        size=size,
        version=version,
        modified=modified,
        file_id=file_id,
    )
