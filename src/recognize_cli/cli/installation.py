"""From a recognizer's name to the recognizer: the choice of its model, and what it needs to run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recognize_cli.cli.progress import byte_progress
from recognize_cli.errors import ModelMissing
from recognize_cli.labels import load_labels
from recognize_cli.models.convert import GRAPH
from recognize_cli.models.entries import Classifier, Tagger, Video
from recognize_cli.models.fetch import ensure
from recognize_cli.models.hashing import BFLOAT16, FLOAT32, fingerprint
from recognize_cli.models.ranking import load_ranking
from recognize_cli.models.select import Backend, select
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from recognize_cli.engines.places import Gazetteer
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.ranking import Ranking
    from recognize_cli.models.select import Engine
    from recognize_cli.models.store import Store
    from recognize_cli.protocols import ActionModel, FaceModel, Recognizer, Session
    from recognize_cli.records import Clips

    OpenSession = Callable[[Path], Session]

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


def open_session(graph: Path) -> Session:
    """An ONNX file in ONNX Runtime."""
    from recognize_cli.engines.onnx import OrtSession

    return OrtSession(graph, threads=1)


def opener(engine: Engine) -> OpenSession:
    """What opens ONNX files in an engine; `open_session` for engines that run other formats."""
    if engine.name != "openvino":
        return open_session

    def open_(graph: Path) -> Session:
        from recognize_cli.engines.openvino import OpenVinoSession

        return OpenVinoSession(graph, bfloat16=engine.precision == BFLOAT16)

    return open_


def build(
    name: str,
    entry: ModelEntry | None,
    store: Store,
    open_: OpenSession = open_session,
    precision: str = FLOAT32,
) -> Recognizer:
    """A recognizer, and the model that it runs if any, which is loaded when the first file comes.

    ``open_`` opens the ONNX files of the model, to be run in that precision; models of other engines are
    opened by those.
    """
    if entry is None:
        return WITHOUT_MODEL[name]()
    return _BUILDERS[name](entry, store, open_, fingerprint(entry, precision))


def build_in(engine: Engine, name: str, entry: ModelEntry, store: Store) -> Recognizer:
    """A recognizer whose model runs in an engine."""
    return build(name, entry, store, opener(engine), engine.precision)


def _objects(
    entry: ModelEntry, store: Store, open_: OpenSession, model: str, clips: Clips | None = None
) -> Recognizer:
    from recognize_cli.recognizers.objects import ObjectsRecognizer

    assert isinstance(entry.task, Classifier)  # as models.lock has it for this recognizer
    return ObjectsRecognizer(
        entry.task.input,
        [(label.key, label.name) for label in load_labels(entry.task.labels)],
        lambda: open_(_graph(entry, store)),
        model=model,
        logits=entry.task.scores == "logits",
        clips=clips,
    )


def _video_objects(entry: ModelEntry, store: Store, open_: OpenSession, model: str) -> Recognizer:
    from recognize_cli.recognizers.objects import STILLS

    return _objects(entry, store, open_, model, STILLS)


def _faces(entry: ModelEntry, store: Store, open_: OpenSession, model: str) -> Recognizer:
    from recognize_cli.recognizers.faces import FacesRecognizer

    open_model = _FACE_MODELS[entry.format]
    return FacesRecognizer(lambda: open_model(_graphs(entry, store), open_), model=model)


def _music(entry: ModelEntry, store: Store, open_: OpenSession, model: str) -> Recognizer:
    from recognize_cli.recognizers.music import MusicRecognizer

    assert isinstance(entry.task, Tagger)  # as models.lock has it for this recognizer
    return MusicRecognizer(
        [label.name for label in load_labels(entry.task.labels)],
        lambda: open_(_graph(entry, store)),
        model=model,
    )


def _landmarks(entry: ModelEntry, store: Store, open_: OpenSession, model: str) -> Recognizer:
    from recognize_cli.recognizers.landmarks import Classifiers, LandmarksRecognizer

    return LandmarksRecognizer(lambda: Classifiers.open(store.open_model(entry), open_), model=model)


def _places() -> Recognizer:
    from recognize_cli.recognizers.places import PlacesRecognizer

    def open_gazetteer() -> Gazetteer:
        from recognize_cli.engines.places import Gazetteer

        return Gazetteer()

    version = "-".join(filter(None, map(installed_version, ("reverse-geocode", "babel"))))
    return PlacesRecognizer(open_gazetteer, version=version)


def _actions(entry: ModelEntry, store: Store, open_: OpenSession, model: str) -> Recognizer:
    from recognize_cli.recognizers.actions import ActionsRecognizer

    assert isinstance(entry.task, Video)  # as models.lock has it for this recognizer
    open_model = _ACTION_MODELS[entry.format]
    return ActionsRecognizer(
        entry.task.view,
        [label.name for label in load_labels(entry.task.labels)],
        lambda: open_model(entry, store, open_),
        model=model,
    )


def _movinet_stream(entry: ModelEntry, store: Store, open_: OpenSession) -> ActionModel:
    from recognize_cli.actions.movinet_stream import MovinetStream

    return MovinetStream(open_(_graph(entry, store)))


def _movinet_base(entry: ModelEntry, store: Store, _open: OpenSession) -> ActionModel:
    from recognize_cli.actions.movinet_base import MovinetBase
    from recognize_cli.engines.tensorflow.session import TensorFlowSession
    from recognize_cli.hardware import probe

    assert isinstance(entry.task, Video)  # as models.lock has it for this recognizer
    # Its calls take their turns, so each may have all cores.
    session = TensorFlowSession(store.open_model(entry).folder, threads=probe().cores)
    return MovinetBase(session, entry.task.length)


def _yunet_sface(graphs: Mapping[str, Path], open_: OpenSession) -> FaceModel:
    from recognize_cli.faces.yunet_sface import YunetSface

    return YunetSface(*_face_sessions(graphs, open_))


def _face_api(graphs: Mapping[str, Path], open_: OpenSession) -> FaceModel:
    from recognize_cli.faces.faceapi import FaceApi

    return FaceApi(*_face_sessions(graphs, open_))


def _face_sessions(graphs: Mapping[str, Path], open_: OpenSession) -> Iterable[Session]:
    return (open_(graphs[name]) for name in ("detector", "landmarks", "descriptor"))


def _insightface(graphs: Mapping[str, Path], _open: OpenSession) -> FaceModel:
    from recognize_cli.engines.insightface import InsightFace

    return InsightFace(graphs["detector"], graphs["descriptor"])


def _graph(entry: ModelEntry, store: Store) -> Path:
    return _graphs(entry, store)[GRAPH]


def _graphs(entry: ModelEntry, store: Store) -> Mapping[str, Path]:
    _LOG.debug("loading the model %s", entry.name)
    return store.open_model(entry).graphs


_BUILDERS: Mapping[str, Callable[[ModelEntry, Store, OpenSession, str], Recognizer]] = {
    "objects": _objects,
    "faces": _faces,
    "music": _music,
    "actions": _actions,
    "landmarks": _landmarks,
    "video_objects": _video_objects,
}
"""One line a recognizer; what each needs is imported when it is built. The text is a model's fingerprint."""

WITHOUT_MODEL: Mapping[str, Callable[[], Recognizer]] = {
    "places": _places,
}
"""The same for those that run no model."""

_ACTION_MODELS: Mapping[str, Callable[[ModelEntry, Store, OpenSession], ActionModel]] = {
    "movinet-tflite": _movinet_stream,
    "saved-model": _movinet_base,
}
"""One line a format of models for actions."""

_FACE_MODELS: Mapping[str, Callable[[Mapping[str, Path], OpenSession], FaceModel]] = {
    "yunet-sface": _yunet_sface,
    "face-api": _face_api,
    "insightface-pack": _insightface,
}
"""One line a format of face models."""
