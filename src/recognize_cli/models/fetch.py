"""Brings a model into the store: gathers its verified files, converts them, installs the result."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from recognize_cli.errors import FetchFailed, HashMismatch, ModelMissing
from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.entries import Classifier, Video

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.origins.order import Mirrors
    from recognize_cli.models.store import InstalledModel, Store

    # Told how many bytes of a model are here, and how many it has in all. The first may go down
    # again, when a source turns out to be broken.
    Progress = Callable[[int, int], None]

_LOG = logging.getLogger(__name__)


def _silent(_done: int, _total: int) -> None:
    return


def ensure(
    entry: ModelEntry,
    store: Store,
    *,
    offline: bool = False,
    progress: Progress = _silent,
    mirrors: Mirrors | None = None,
) -> InstalledModel:
    """The model, verified; fetched first if it is not installed.

    Raises ModelMissing (not installed, and `offline`), HashMismatch (installed, and damaged),
    FetchFailed, ConversionFailed, ModelError (cannot be read).
    """
    if store.installed(entry):
        return store.open_model(entry)
    if offline:
        raise ModelMissing(name=entry.name)
    return fetch(entry, store, progress=progress, mirrors=mirrors)


def fetch(
    entry: ModelEntry,
    store: Store,
    *,
    directory: Path | None = None,
    progress: Progress = _silent,
    mirrors: Mirrors | None = None,
) -> InstalledModel:
    """Installs the model and opens it; a model that is installed and whole is left as it is.

    With `directory` its files come from there and the network is not used. Several processes may
    do this at once: one works, the others wait for it. ``mirrors`` are by default those that the
    environment names.

    The notice of a model that has one is logged before anything is fetched.

    Raises FetchFailed with the reason of each source, ConversionFailed.
    """
    try:
        with store.locked(entry):
            if not _is_whole(entry, store):
                if entry.notice:
                    _LOG.warning("%s (licence %s): %s", entry.name, entry.licence, entry.notice)
                _install(entry, store, _gathered(entry, store, directory, progress, mirrors))
    except OSError as error:
        problem = (
            f"{error.strerror or error}: {error.filename or store.root}; name another store with --store DIR"
        )
        raise FetchFailed(name=entry.name, problem=problem) from error
    return store.open_model(entry)


def _is_whole(entry: ModelEntry, store: Store) -> bool:
    try:
        store.verify(entry)
    except ModelMissing:
        return False
    except HashMismatch as error:
        _LOG.warning("%s: it is fetched anew", error)
        return False
    return True


def _gathered(
    entry: ModelEntry, store: Store, directory: Path | None, progress: Progress, mirrors: Mirrors | None
) -> Mapping[str, Path]:
    # Imported here: the HTTP client is loaded only by a run that fetches something.
    from recognize_cli.models.gather import Gathering
    from recognize_cli.models.origins.order import Mirrors

    staging = store.staging(entry)
    gathering = Gathering(entry, staging, progress, mirrors or Mirrors.from_environment())
    _check_space(entry, staging, gathering.missing_size())
    return gathering.from_directory(directory) if directory else gathering.from_sources()


def _check_space(entry: ModelEntry, folder: Path, missing: int) -> None:
    """Raises FetchFailed if the disk cannot hold what is missing, and the converted model beside it."""
    needed, free = missing + entry.download_size, shutil.disk_usage(folder).free
    if free < needed:
        problem = f"{needed / 1e6:.0f} MB are needed, and {folder} has {free / 1e6:.0f} MB free"
        raise FetchFailed(
            name=entry.name, problem=f"{problem}; make room, or name another store with --store DIR"
        )


def _install(entry: ModelEntry, store: Store, files: Mapping[str, Path]) -> None:
    _LOG.info("converting %s", entry.name)
    task = entry.task
    side = task.input.size if isinstance(task, Classifier) else task.side if isinstance(task, Video) else None
    with store.installing(entry) as folder:
        CONVERTERS[entry.format].load()(files, folder, side=side)
