"""From a recognizer's name and a model to the recognizer that runs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from recognize_cli.labels import load_labels
from recognize_cli.models.convert import GRAPH
from recognize_cli.models.entries import Classifier, Tagger, Video
from recognize_cli.models.hashing import BFLOAT16, fingerprint
from recognize_cli.models.select import engines_of
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from recognize_cli.engines.places import Gazetteer
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.select import Engine
    from recognize_cli.models.store import Store
    from recognize_cli.protocols import ActionModel, FaceModel, Recognizer, Session
    from recognize_cli.records import Clips

    OpenSession = Callable[[Path], Session]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """How the files of a model are opened: by ``session`` if they are ONNX files, else on ``gpu`` if any."""

    session: OpenSession
    gpu: int | None


def open_session(graph: Path, gpu: int | None = None) -> Session:
    """An ONNX file in ONNX Runtime, on the CPU or an NVIDIA GPU."""
    from recognize_cli.engines.onnx import OrtSession

    return OrtSession(graph, threads=1, gpu=gpu)


def opener(engine: Engine) -> OpenSession:
    """What opens ONNX files in an engine; `open_session` for engines that run other formats."""
    if engine.name != "openvino":
        return partial(open_session, gpu=engine.gpu)

    def open_(graph: Path) -> Session:
        from recognize_cli.engines.openvino import OpenVinoSession

        return OpenVinoSession(graph, bfloat16=engine.precision == BFLOAT16)

    return open_


def build(
    name: str,
    entry: ModelEntry | None,
    store: Store,
    open_: OpenSession = open_session,
    engine: Engine | None = None,
) -> Recognizer:
    """A recognizer, and the model that it runs if any, which is loaded when the first file comes.

    ``open_`` opens the ONNX files of the model, in ``engine`` if that is given; models of other formats are
    opened by their engines.
    """
    if entry is None:
        return WITHOUT_MODEL[name]()
    engine = engine or engines_of(entry)[0]
    return _BUILDERS[name](entry, store, Opening(open_, engine.gpu), fingerprint(entry, engine.precision))


def build_in(engine: Engine, name: str, entry: ModelEntry, store: Store) -> Recognizer:
    """A recognizer whose model runs in an engine."""
    return build(name, entry, store, opener(engine), engine)


def _objects(
    entry: ModelEntry, store: Store, opening: Opening, model: str, clips: Clips | None = None
) -> Recognizer:
    from recognize_cli.recognizers.objects import ObjectsRecognizer

    assert isinstance(entry.task, Classifier)  # as models.lock has it for this recognizer
    return ObjectsRecognizer(
        entry.task.input,
        [(label.key, label.name) for label in load_labels(entry.task.labels)],
        lambda: opening.session(_graph(entry, store)),
        model=model,
        logits=entry.task.scores == "logits",
        clips=clips,
    )


def _video_objects(entry: ModelEntry, store: Store, opening: Opening, model: str) -> Recognizer:
    from recognize_cli.recognizers.objects import STILLS

    return _objects(entry, store, opening, model, STILLS)


def _faces(entry: ModelEntry, store: Store, opening: Opening, model: str) -> Recognizer:
    from recognize_cli.recognizers.faces import FacesRecognizer

    open_model = _FACE_MODELS[entry.format]
    return FacesRecognizer(lambda: open_model(_graphs(entry, store), opening), model=model)


def _music(entry: ModelEntry, store: Store, opening: Opening, model: str) -> Recognizer:
    from recognize_cli.recognizers.music import MusicRecognizer

    assert isinstance(entry.task, Tagger)  # as models.lock has it for this recognizer
    return MusicRecognizer(
        [label.name for label in load_labels(entry.task.labels)],
        lambda: opening.session(_graph(entry, store)),
        model=model,
    )


def _landmarks(entry: ModelEntry, store: Store, opening: Opening, model: str) -> Recognizer:
    from recognize_cli.recognizers.landmarks import Classifiers, LandmarksRecognizer

    return LandmarksRecognizer(
        lambda: Classifiers.open(store.open_model(entry), opening.session), model=model
    )


def _places() -> Recognizer:
    from recognize_cli.recognizers.places import PlacesRecognizer

    def open_gazetteer() -> Gazetteer:
        from recognize_cli.engines.places import Gazetteer

        return Gazetteer()

    version = "-".join(filter(None, map(installed_version, ("reverse-geocode", "babel"))))
    return PlacesRecognizer(open_gazetteer, version=version)


def _actions(entry: ModelEntry, store: Store, opening: Opening, model: str) -> Recognizer:
    from recognize_cli.recognizers.actions import ActionsRecognizer

    assert isinstance(entry.task, Video)  # as models.lock has it for this recognizer
    open_model = _ACTION_MODELS[entry.format]
    return ActionsRecognizer(
        entry.task.view,
        [label.name for label in load_labels(entry.task.labels)],
        lambda: open_model(entry, store, opening),
        model=model,
    )


def _movinet_stream(entry: ModelEntry, store: Store, opening: Opening) -> ActionModel:
    from recognize_cli.actions.movinet_stream import MovinetStream

    return MovinetStream(opening.session(_graph(entry, store)))


def _movinet_base(entry: ModelEntry, store: Store, _opening: Opening) -> ActionModel:
    from recognize_cli.actions.movinet_base import MovinetBase
    from recognize_cli.engines.tensorflow.session import TensorFlowSession
    from recognize_cli.hardware import probe

    assert isinstance(entry.task, Video)  # as models.lock has it for this recognizer
    # Its calls take their turns, so each may have all cores.
    session = TensorFlowSession(store.open_model(entry).folder, threads=probe().cores)
    return MovinetBase(session, entry.task.length)


def _yunet_sface(graphs: Mapping[str, Path], opening: Opening) -> FaceModel:
    from recognize_cli.faces.yunet_sface import YunetSface

    return YunetSface(*_face_sessions(graphs, opening))


def _face_api(graphs: Mapping[str, Path], opening: Opening) -> FaceModel:
    from recognize_cli.faces.faceapi import FaceApi

    return FaceApi(*_face_sessions(graphs, opening))


def _face_sessions(graphs: Mapping[str, Path], opening: Opening) -> Iterable[Session]:
    return (opening.session(graphs[name]) for name in ("detector", "landmarks", "descriptor"))


def _insightface(graphs: Mapping[str, Path], opening: Opening) -> FaceModel:
    from recognize_cli.engines.insightface import InsightFace

    return InsightFace(graphs["detector"], graphs["descriptor"], gpu=opening.gpu)


def _graph(entry: ModelEntry, store: Store) -> Path:
    return _graphs(entry, store)[GRAPH]


def _graphs(entry: ModelEntry, store: Store) -> Mapping[str, Path]:
    _LOG.debug("loading the model %s", entry.name)
    return store.open_model(entry).graphs


_BUILDERS: Mapping[str, Callable[[ModelEntry, Store, Opening, str], Recognizer]] = {
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

_ACTION_MODELS: Mapping[str, Callable[[ModelEntry, Store, Opening], ActionModel]] = {
    "movinet-tflite": _movinet_stream,
    "saved-model": _movinet_base,
}
"""One line a format of models for actions."""

_FACE_MODELS: Mapping[str, Callable[[Mapping[str, Path], Opening], FaceModel]] = {
    "yunet-sface": _yunet_sface,
    "face-api": _face_api,
    "insightface-pack": _insightface,
}
"""One line a format of face models."""
