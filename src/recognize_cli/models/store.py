"""Where installed models live: ``<root>/<name>/<fingerprint>/`` with their files and manifest.json.

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
from recognize_cli.models.convert import CONVERTERS, GRAPH, graph_file
from recognize_cli.models.hashing import files_digest, fingerprint, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recognize_cli.models.entries import ModelEntry

MANIFEST = "manifest.json"
_SCHEMA = 2  # 1 had one graph, as "model": {"sha256": ...} in place of "graphs"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model whose stored bytes were checked a moment ago.

    ``graphs`` are its ONNX files by name; the one graph of a classifier is called ``model``. In ``folder``
    lie also the other files that its converter names.
    """

    folder: Path
    graphs: Mapping[str, Path]
    fingerprint: str
    entry: ModelEntry


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

    def graphs(self, entry: ModelEntry) -> dict[str, Path]:
        """The ONNX files of a model by the names of the graphs, whether installed or not."""
        return _graph_files(entry, self.directory(entry))

    def files(self, entry: ModelEntry) -> tuple[Path, ...]:
        """All files that make up a model, whether installed or not: its ONNX files, then the others."""
        return _all_files(entry, self.directory(entry))

    def installed(self, entry: ModelEntry) -> bool:
        """Whether the model is here. Its bytes are not read: `verify` and `open_model` do that."""
        return self._recorded_digests(entry) is not None and all(path.is_file() for path in self.files(entry))

    def verify(self, entry: ModelEntry) -> None:
        """Checks the stored bytes.

        Raises ModelMissing, HashMismatch if they are not what was installed, ModelError if they
        cannot be read.
        """
        recorded = self._recorded_digests(entry)
        if recorded is None:
            raise ModelMissing(name=entry.name)
        for path, digest in recorded.items():
            try:
                found = sha256_of(path)
            except FileNotFoundError as error:
                raise ModelMissing(name=entry.name) from error
            except OSError as error:
                raise ModelError(message=f"{path} cannot be read: {error.strerror or error}") from error
            if found != digest:
                checksums = {"expected": f"sha256:{digest}", "found": f"sha256:{found}"}
                raise HashMismatch(path=path, **checksums, name=entry.name)

    def open_model(self, entry: ModelEntry) -> InstalledModel:
        """The verified model; raises as `verify` does."""
        self.verify(entry)
        return InstalledModel(self.directory(entry), self.graphs(entry), fingerprint(entry), entry)

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
        """Gives the folder in which to write the model's files; when the block ends well, they are installed.

        To be used within `locked`.
        """
        staging = self.staging(entry)
        with tempfile.TemporaryDirectory(dir=staging, prefix="new-", ignore_cleanup_errors=True) as name:
            new = Path(name) / "model"
            new.mkdir()
            yield new
            _write_manifest(entry, new)
            self._move_in(new, self.directory(entry))
        shutil.rmtree(staging, ignore_errors=True)

    def _move_in(self, new: Path, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if directory.exists():
            os.replace(directory, new.with_name("old"))
        os.replace(new, directory)

    def _recorded_digests(self, entry: ModelEntry) -> dict[Path, str] | None:
        """The sha256 of each file; None if there is no manifest of this very model."""
        folder, converter = self.directory(entry), CONVERTERS[entry.format]
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            graphs = manifest["graphs"] if "graphs" in manifest else {GRAPH: manifest["model"]}
            digests = {graph_file(folder, graph): graphs[graph]["sha256"] for graph in converter.graphs}
            digests |= {folder / path: manifest["others"][path]["sha256"] for path in converter.others}
            recorded = manifest["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return digests if recorded == fingerprint(entry) else None


def _graph_files(entry: ModelEntry, directory: Path) -> dict[str, Path]:
    return {graph: graph_file(directory, graph) for graph in CONVERTERS[entry.format].graphs}


def _all_files(entry: ModelEntry, directory: Path) -> tuple[Path, ...]:
    others = (directory / path for path in CONVERTERS[entry.format].others)
    return (*_graph_files(entry, directory).values(), *others)


def _write_manifest(entry: ModelEntry, directory: Path) -> None:
    converter, graphs = CONVERTERS[entry.format], _graph_files(entry, directory)
    manifest = {
        "schema": _SCHEMA,
        "name": entry.name,
        "fingerprint": fingerprint(entry),
        "converter": {"name": converter.name, "version": converter.version},
        "files": {file.path: file.checksum for file in entry.files},
        "graphs": {graph: {"sha256": sha256_of(path)} for graph, path in graphs.items()},
        "others": {path: {"sha256": sha256_of(directory / path)} for path in converter.others},
    }
    with (directory / MANIFEST).open("w", encoding="utf-8") as stream:
        json.dump(manifest, stream, indent=2)
        stream.write("\n")
    for path in (*_all_files(entry, directory), directory / MANIFEST):
        _flush_to_disk(path)


def _flush_to_disk(path: Path) -> None:
    """So that a power cut after the rename leaves no empty file behind."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
