"""From a recognizer's name to the recognizer: the choice of its model, and what it needs to run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recognize_cli.cli.progress import byte_progress
from recognize_cli.labels import load_labels
from recognize_cli.models.fetch import ensure
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.select import Backend, select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.store import Store
    from recognize_cli.protocols import Recognizer, Session

_LOG = logging.getLogger(__name__)


def choose(name: str, lock: Lock, store: Store, hardware: Hardware, backend: str) -> ModelEntry:
    """The model that a recognizer is to use here. Raises NoUsableEngine."""
    choice = select(name, lock.models, store.installed, hardware, Backend(backend))
    _LOG.info("%s: using %s (%s)", name, choice.entry.name, choice.reason)
    return choice.entry


def fetch_if_missing(entry: ModelEntry, store: Store, *, offline: bool, progress: bool | None) -> None:
    """Installs a model, with a progress bar. Raises ModelError."""
    if not store.installed(entry):
        with byte_progress(entry.name, progress) as report:
            ensure(entry, store, offline=offline, progress=report)


def build(entry: ModelEntry, store: Store) -> Recognizer:
    """The recognizer that runs this model; the model is checked and loaded when the first file comes."""
    return _BUILDERS[entry.recognizer](entry, store)


def _objects(entry: ModelEntry, store: Store) -> Recognizer:
    from recognize_cli.recognizers.objects import ObjectsRecognizer

    return ObjectsRecognizer(
        entry.input,
        [(label.id, label.name) for label in load_labels(entry.labels)],
        lambda: _open_session(entry, store),
        model=fingerprint(entry),
        logits=entry.scores == "logits",
    )


def _open_session(entry: ModelEntry, store: Store) -> Session:
    from recognize_cli.engines.onnx import OrtSession

    _LOG.debug("loading the model %s", entry.name)
    return OrtSession(store.open_model(entry).path, threads=1)


_BUILDERS: Mapping[str, Callable[[ModelEntry, Store], Recognizer]] = {"objects": _objects}
"""One line a recognizer; what each needs is imported when it is built."""
