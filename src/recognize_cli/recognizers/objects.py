"""Objects, animals, food and scenes in photos, and in videos: an ImageNet classifier.

The preprocessing is that of the model's own reference, as models.lock says it: the central square of
a photo whose short side is scaled to so many pixels, or the whole photo squeezed into a square.

Heavy imports are inside of functions: a run that finds nothing new needs none of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recognize_cli.loading import OnDemand
from recognize_cli.media.views import seen
from recognize_cli.records import ClassScore, Clips, Kind, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.models.entries import InputSpec
    from recognize_cli.protocols import Session
    from recognize_cli.records import Batch, Decoded

NAME = "objects"
NAME_IN_VIDEOS = "video_objects"
TOP = 10
"""How many classes are kept of each photo: the rules look at seven."""

STILLS = Clips(count=8, length=1, rate=1.0)
"""What is looked at of a video: eight moments."""

_AGREEING = 2
"""How many moments of a video must show something: a class that one of them shows may be a mistake."""

STILLS_AT_ONCE = 4
"""Moments of videos that go through the model together: its memory grows with them, its speed does not."""

_RECIPE = 1
"""Raise it when the same model and photo could give other scores: all photos are then looked at again."""


class ObjectsRecognizer:
    """Gives the most probable classes of a photo; with ``clips``, of a video."""

    def __init__(
        self,
        spec: InputSpec,
        labels: Sequence[tuple[str, str]],
        open_session: Callable[[], Session],
        *,
        model: str,
        logits: bool = True,
        clips: Clips | None = None,
    ) -> None:
        """``labels`` are (id, name) in the order of the model's output; ``model`` is its fingerprint.

        ``open_session`` is called when the first file comes. Of the frames of all clips of a video each class
        gets the mean of its two best.
        """
        self.name = NAME_IN_VIDEOS if clips else NAME
        self.kinds = frozenset({Kind.VIDEO if clips else Kind.IMAGE})
        self.view = replace(spec.view, clips=clips)
        self.fingerprint = f"{model}.{_RECIPE}"
        self._spec = spec
        self._labels = labels
        self._logits = logits
        self._session = OnDemand(open_session)

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        self._session.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The `TOP` classes of each file of the batch; raises EngineError. Call `load` first.

        A picture that stands still where clips are wanted has no classes.
        """
        import numpy as np

        pictures = [self._pictures(each) for each in batch.inputs]
        if not any(map(len, pictures)):
            return [Scores(each.file, self.name, self.fingerprint, ()) for each in batch.inputs]
        probabilities = self._probabilities(np.concatenate(pictures))
        ends = np.cumsum([len(each) for each in pictures])
        rows = np.split(probabilities, ends[:-1])
        return [self._top(each, row) for each, row in zip(batch.inputs, rows, strict=True)]

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()

    def _pictures(self, decoded: Decoded) -> NDArray[np.uint8]:
        """All that it sees of a file, N×H×W×3."""
        import numpy as np

        array = seen(decoded, self.view)
        if array is None and self.view.clips is None:
            raise ValueError(f"{decoded.file.path} was decoded without its picture")
        side = self.view.size
        return np.empty((0, side, side, 3), np.uint8) if array is None else array.reshape(-1, side, side, 3)

    def _probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """Those of each class in each picture, N×classes."""
        import numpy as np

        count = STILLS_AT_ONCE if self.view.clips else len(pictures)
        parts = [pictures[start : start + count] for start in range(0, len(pictures), count)]
        return np.concatenate([self._once(part) for part in parts])

    def _once(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """The same of a few pictures."""
        session = self._session.value
        outputs = session.run({session.inputs[0]: prepare(pictures, self._spec)})
        scores = outputs[session.outputs[0]].reshape(len(pictures), -1)
        return softmax(scores) if self._logits else scores

    def _top(self, decoded: Decoded, frames: NDArray[np.floating]) -> Scores:
        """The best classes of a file, from the probabilities in each of its pictures."""
        import numpy as np

        if not len(frames):
            return Scores(decoded.file, self.name, self.fingerprint, ())
        probabilities = np.sort(frames, axis=0)[-_AGREEING:].mean(axis=0)
        best = (-probabilities).argsort(kind="stable")[:TOP]
        top = tuple(
            ClassScore(self._labels[index][1], float(probabilities[index]), self._labels[index][0])
            for index in best
        )
        return Scores(decoded.file, self.name, self.fingerprint, top)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of each row (N×C), in double precision."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def prepare(pictures: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Square pictures (N×H×W×3 RGB) as the model takes them: in its channel order, layout and range."""
    import numpy as np

    array = pictures[..., ::-1] if spec.channels == "BGR" else pictures
    if spec.layout == "NCHW":
        array = array.transpose(0, 3, 1, 2)
    array = np.ascontiguousarray(array)
    if spec.mean is None or spec.std is None:
        return array
    shape = (3, 1, 1) if spec.layout == "NCHW" else (1, 1, 3)
    mean, std = (np.asarray(each, np.float32).reshape(shape) for each in (spec.mean, spec.std))
    return np.asarray((array.astype(np.float32) - mean) / std)
