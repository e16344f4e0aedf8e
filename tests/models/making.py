"""Made models: their bytes, entries, packages."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

from recognize_cli.models.entries import (
    Algorithm,
    Classifier,
    InputSpec,
    LockedFile,
    ModelEntry,
    Source,
    Tier,
    UrlSource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOWHERE = UrlSource("http://127.0.0.1:1/nothing")
"""A source that refuses every connection at once."""

CLASSIFIER = Classifier(
    "imagenet1k",
    "logits",
    InputSpec(size=8, channels="RGB", layout="NHWC", dtype="uint8", resample="bicubic"),
)


def locked(path: str, data: bytes, algorithm: Algorithm = Algorithm.SHA256) -> LockedFile:
    """What models.lock would say of a file with these bytes."""
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    digest = git if algorithm is Algorithm.GIT else hashlib.sha256(data)
    return LockedFile(path=path, size=len(data), algorithm=algorithm, digest=digest.hexdigest())


def made_entry(*files: LockedFile, sources: tuple[Source, ...] = (NOWHERE,), **changes: object) -> ModelEntry:
    """A model of format ``onnx``, which is stored as it is: any bytes do."""
    fields: dict[str, object] = {
        "name": "made",
        "recognizer": "objects",
        "tier": Tier.PORTABLE,
        "default": True,
        "format": "onnx",
        "licence": "CC0-1.0",
        "task": CLASSIFIER,
        "files": files,
        "sources": sources,
    }
    return ModelEntry(**{**fields, **changes})  # type: ignore[arg-type]


def write_wheel(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tarball(path: Path, members: Mapping[str, bytes]) -> Path:
    """A gzipped tar archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path
