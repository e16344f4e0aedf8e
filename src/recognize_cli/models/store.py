"""Where installed models live: ``<root>/<name>/<fingerprint>/`` with model.onnx and manifest.json.

Such a folder appears by one rename, whole or not at all. What is on its way lies in
``<root>/.staging``, so a fetch that was cut off goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from platformdirs import user_data_dir

from recognize_cli.errors import HashMismatch, ModelError, ModelMissing
from recognize_cli.labels import load_labels
from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.hashing import files_digest, fingerprint, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.labels import Label
    from recognize_cli.models.entries import ModelEntry

MODEL = "model.onnx"
MANIFEST = "manifest.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model whose stored bytes were checked a moment ago.

    ``path`` is an ONNX file; ``labels`` are its classes, in the order of its outputs.
    """

    path: Path
    fingerprint: str
    entry: ModelEntry
    labels: tuple[Label, ...]


def default_root() -> Path:
    """Where models live unless somebody says otherwise."""
    return Path(user_data_dir("recognize")) / "models"


class Store:
    """A folder of installed models. Nothing is created before the first model is fetched."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def directory(self, entry: ModelEntry) -> Path:
        """The folder of a model, whether installed or not."""
        return self.root / entry.name / fingerprint(entry)[:16]

    def model_path(self, entry: ModelEntry) -> Path:
        """The ONNX file of a model, whether installed or not."""
        return self.directory(entry) / MODEL

    def installed(self, entry: ModelEntry) -> bool:
        """Whether the model is here. Its bytes are not read: `verify` and `open_model` do that."""
        return self._recorded_sha256(entry) is not None and self.model_path(entry).is_file()

    def verify(self, entry: ModelEntry) -> None:
        """Checks the stored bytes.

        Raises ModelMissing, HashMismatch if they are not what was installed, ModelError if they
        cannot be read.
        """
        expected = self._recorded_sha256(entry)
        path = self.model_path(entry)
        if expected is None or not path.is_file():
            raise ModelMissing(name=entry.name)
        try:
            found = sha256_of(path)
        except OSError as error:
            raise ModelError(message=f"{path} cannot be read: {error.strerror or error}") from error
        if found != expected:
            raise HashMismatch(
                path=path, expected=f"sha256:{expected}", found=f"sha256:{found}", name=entry.name
            )

    def open_model(self, entry: ModelEntry) -> InstalledModel:
        """The verified model; raises ModelMissing, HashMismatch, LockFileError (labels)."""
        self.verify(entry)
        return InstalledModel(
            path=self.model_path(entry),
            fingerprint=fingerprint(entry),
            entry=entry,
            labels=load_labels(entry.labels),
        )

    @contextmanager
    def locked(self, entry: ModelEntry) -> Iterator[None]:
        """Holds back other processes that want to install the same model."""
        locks = self.root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / f"{entry.name}.lock"):
            yield

    def staging(self, entry: ModelEntry) -> Path:
        """The folder where the files of a model are gathered; created if need be."""
        path = self.root / ".staging" / f"{entry.name}-{files_digest(entry)[:16]}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def installing(self, entry: ModelEntry) -> Iterator[Path]:
        """Gives the path at which to write the ONNX file; when the block ends well, it is installed.

        To be used within `locked`.
        """
        staging = self.staging(entry)
        with tempfile.TemporaryDirectory(dir=staging, prefix="new-", ignore_cleanup_errors=True) as name:
            new = Path(name) / "model"
            new.mkdir()
            yield new / MODEL
            self._write_manifest(entry, new)
            self._move_in(new, self.directory(entry))
        shutil.rmtree(staging, ignore_errors=True)

    def _write_manifest(self, entry: ModelEntry, directory: Path) -> None:
        converter = CONVERTERS[entry.format]
        manifest = {
            "schema": _SCHEMA,
            "name": entry.name,
            "fingerprint": fingerprint(entry),
            "converter": {"name": converter.name, "version": converter.version},
            "files": {file.path: file.checksum for file in entry.files},
            "model": {"sha256": sha256_of(directory / MODEL)},
        }
        with (directory / MANIFEST).open("w", encoding="utf-8") as stream:
            json.dump(manifest, stream, indent=2)
            stream.write("\n")
        for name in (MODEL, MANIFEST):
            _flush_to_disk(directory / name)

    def _move_in(self, new: Path, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if directory.exists():
            os.replace(directory, new.with_name("old"))
        os.replace(new, directory)

    def _recorded_sha256(self, entry: ModelEntry) -> str | None:
        """The sha256 that the manifest names; None if there is no manifest of this very model."""
        try:
            manifest = json.loads((self.directory(entry) / MANIFEST).read_bytes())
            recorded, digest = manifest["fingerprint"], manifest["model"]["sha256"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return digest if recorded == fingerprint(entry) and isinstance(digest, str) else None


def _flush_to_disk(path: Path) -> None:
    """So that a power cut after the rename leaves no empty file behind."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
