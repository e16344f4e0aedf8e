"""Which model a recognizer uses here, and how it comes onto this machine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recognize_cli.cli.progress import byte_progress
from recognize_cli.errors import ModelMissing
from recognize_cli.models.fetch import ensure
from recognize_cli.models.ranking import load_ranking
from recognize_cli.models.select import Backend, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.ranking import Ranking
    from recognize_cli.models.store import Store

_LOG = logging.getLogger(__name__)


def choose(
    name: str,
    lock: Lock,
    store: Store,
    hardware: Hardware,
    backend: str,
    named: Iterable[str] = (),
    *,
    ranking: Ranking | None = None,
) -> ModelEntry:
    """The model that a recognizer is to use here: the last one ``named`` that is its own, else the best.

    What `recognize bench` measured on this machine counts: the ``ranking``, which is read if it is not given.
    Raises NoUsableEngine, and LockFileError for a name that is none.
    """
    own = [entry for entry in map(lock.entry, named) if entry.recognizer == name]
    if own:
        return own[-1]
    ranking = load_ranking(hardware) if ranking is None else ranking
    choice = select(name, lock.models, store.installed, hardware, Backend(backend), ranking=ranking)
    _LOG.info("%s: using %s (%s)", name, choice.entry.name, choice.reason)
    return choice.entry


def fetch_if_missing(entry: ModelEntry, store: Store, *, offline: bool, progress: bool | None) -> None:
    """Installs a model, with a progress bar. Raises ModelError."""
    if not store.installed(entry):
        if offline:
            raise ModelMissing(name=entry.name)
        with byte_progress(entry.name, progress) as report:
            ensure(entry, store, progress=report)
