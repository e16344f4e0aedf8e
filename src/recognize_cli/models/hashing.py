"""Digests of files, and of what a model is made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.entries import Algorithm, Classifier, Video

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile, ModelEntry

_CHUNK = 1 << 20
FLOAT32, BFLOAT16, INT8 = PRECISIONS = ("float32", "bfloat16", "int8")
"""Those that models may be run in."""

_STORED = (FLOAT32, INT8)
"""Those that they are stored in."""


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_blob_id(path: Path) -> str:
    """The id that git gives to the content of a file: sha1 over ``blob <size>\\0`` and the bytes."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of(path: Path, algorithm: Algorithm) -> str:
    """The digest of a file, in hexadecimal."""
    return sha256_of(path) if algorithm is Algorithm.SHA256 else git_blob_id(path)


def is_the_file(path: Path, file: LockedFile) -> bool:
    """Whether `path` holds the bytes that the lock file names; raises OSError if it cannot be read."""
    return file.fits(path.stat().st_size) and digest_of(path, file.algorithm) == file.digest


def fingerprint(entry: ModelEntry, precision: str = FLOAT32) -> str:
    """What a catalogue remembers a model by: a sha256 over all that decides its outputs.

    These are the digests of its files, the converter with its version, of a classifier the input and the
    kind of scores, of a model for videos what it sees of one, and the precision of the numbers that it is
    run with if that is not the one that it is stored in. It is the same on every machine and in every engine,
    and known before anything is fetched.
    """
    converter = CONVERTERS[entry.format]
    decisive: dict[str, object] = {
        "files": _checksums(entry.files),
        "converter": [converter.name, converter.version],
    }
    if isinstance(entry.task, Classifier):
        decisive |= {"input": asdict(entry.task.input), "scores": entry.task.scores}
    if isinstance(entry.task, Video):
        decisive |= {"view": asdict(entry.task.view)}
    if precision not in _STORED:
        decisive |= {"precision": precision}
    return _digest(decisive)


def files_digest(entry: ModelEntry) -> str:
    """A sha256 over the files alone: two entries that differ in nothing else share their downloads."""
    return _digest(_checksums(entry.files))


def _checksums(files: Iterable[LockedFile]) -> dict[str, str]:
    return {file.path: file.checksum for file in files}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
