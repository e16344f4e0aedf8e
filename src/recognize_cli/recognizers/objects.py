"""Objects, animals, food and scenes in photos: an ImageNet classifier.

The preprocessing is that of the model's own reference, as models.lock says it: the central square of
a photo whose short side is scaled to so many pixels, or the whole photo squeezed into a square.

Heavy imports are inside of functions: a run that finds nothing new needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.loading import OnDemand
from recognize_cli.records import ClassScore, Kind, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.models.entries import InputSpec
    from recognize_cli.protocols import Session
    from recognize_cli.records import Batch, Decoded, View

NAME = "objects"
TOP = 10
"""How many classes are kept of each photo: the rules look at seven."""

_RECIPE = 1
"""Raise it when the same model and photo could give other scores: all photos are then looked at again."""


class ObjectsRecognizer:
    """Gives the most probable classes of a photo."""

    name = NAME
    kinds = frozenset({Kind.IMAGE})

    def __init__(
        self,
        spec: InputSpec,
        labels: Sequence[tuple[str, str]],
        open_session: Callable[[], Session],
        *,
        model: str,
        logits: bool = True,
    ) -> None:
        """``labels`` are (id, name) in the order of the model's output; ``model`` is its fingerprint.

        ``open_session`` is called when the first photo comes.
        """
        self._spec = spec
        self._labels = labels
        self._logits = logits
        self._session = OnDemand(open_session)
        self.fingerprint = f"{model}.{_RECIPE}"
        self.view = spec.view

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        self._session.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The `TOP` classes of each photo of the batch; raises EngineError. Call `load` first."""
        import numpy as np

        session = self._session.value
        images = np.stack([prepare(each, self._spec) for each in batch.inputs])
        scores = session.run({session.inputs[0]: images})[session.outputs[0]].reshape(len(batch.inputs), -1)
        return [
            self._top(decoded, row)
            for decoded, row in zip(batch.inputs, softmax(scores) if self._logits else scores, strict=True)
        ]

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()

    def _top(self, decoded: Decoded, probabilities: NDArray[np.floating]) -> Scores:
        best = (-probabilities).argsort(kind="stable")[:TOP]
        top = tuple(
            ClassScore(self._labels[index][1], float(probabilities[index]), self._labels[index][0])
            for index in best
        )
        return Scores(decoded.file, NAME, self.fingerprint, top)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of each row (N×C), in double precision."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def prepare(decoded: Decoded, spec: InputSpec) -> NDArray[np.uint8] | NDArray[np.float32]:
    """An image as the model takes it: square, in its channel order, layout and range."""
    import numpy as np

    array = decoded.pixels if decoded.view == spec.view else _rendered(decoded.pixels, spec.view)
    if spec.channels == "BGR":
        array = array[:, :, ::-1]
    if spec.layout == "NCHW":
        array = array.transpose(2, 0, 1)
    if spec.mean is None or spec.std is None:
        return array
    shape = (3, 1, 1) if spec.layout == "NCHW" else (1, 1, 3)
    mean, std = (np.asarray(each, np.float32).reshape(shape) for each in (spec.mean, spec.std))
    return np.asarray((array.astype(np.float32) - mean) / std)


def _rendered(pixels: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    from recognize_cli.media.views import render

    return np.asarray(render(Image.fromarray(pixels), view))
