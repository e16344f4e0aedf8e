"""Faces in photos: where they are, and a vector for each that tells whose they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.loading import OnDemand
from recognize_cli.records import FACES, Kind, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recognize_cli.protocols import FaceModel
    from recognize_cli.records import Batch

_RECIPE = 1
"""Raise it when the same model and photo could give other faces: all photos are then looked at again."""


class FacesRecognizer:
    """Gives the faces of a photo; they have no classes."""

    name = FACES
    kinds = frozenset({Kind.IMAGE})
    view = None

    def __init__(self, open_model: Callable[[], FaceModel], *, model: str) -> None:
        """``open_model`` is called when the first photo comes; ``model`` is its fingerprint."""
        self._model = OnDemand(open_model)
        self.fingerprint = f"{model}.{_RECIPE}"

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        self._model.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The faces of each photo of the batch; raises EngineError. Call `load` first."""
        analyse = self._model.value.analyse
        return [
            Scores(each.file, self.name, self.fingerprint, (), faces=analyse(each.pixels))
            for each in batch.inputs
        ]

    def close(self) -> None:
        """Gives the model's memory back."""
        self._model.close()
