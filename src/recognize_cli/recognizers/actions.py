"""Actions in videos: what people do, by a model that looks at clips of them.

Heavy imports are inside of functions: a run that finds nothing new needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError
from recognize_cli.loading import OnDemand
from recognize_cli.records import ClassScore, Kind, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.protocols import ActionModel
    from recognize_cli.records import Batch, Decoded, View

NAME = "actions"
TOP = 10
"""How many actions are kept of each video: the rules look at seven."""

BEST = 2
"""How many clips decide on an action."""

_RECIPE = 1
"""Raise it when the same model and video could give other scores: all videos are then looked at again."""


class ActionsRecognizer:
    """Gives the most probable actions of a video."""

    name = NAME
    kinds = frozenset({Kind.VIDEO})

    def __init__(
        self, view: View, labels: Sequence[str], open_model: Callable[[], ActionModel], *, model: str
    ) -> None:
        """``labels`` are the actions in the order of the model's output; ``model`` is its fingerprint.

        ``view`` is what the model wants to see of a video. ``open_model`` is called when the first one comes.
        """
        self.view = view
        self._labels = labels
        self._model = OnDemand(open_model)
        self.fingerprint = f"{model}.{_RECIPE}"

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        self._model.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The `TOP` actions of each video, none of a still one; raises EngineError. Call `load` first."""
        return [self._scores(self._model.value, each) for each in batch.inputs]

    def close(self) -> None:
        """Gives the model's memory back."""
        self._model.close()

    def _scores(self, model: ActionModel, decoded: Decoded) -> Scores:
        from recognize_cli.media.views import seen

        clips = seen(decoded, self.view)
        if clips is None:
            return Scores(decoded.file, NAME, self.fingerprint, ())
        rows = model.classify(clips)
        if rows.shape != (len(clips), len(self._labels)):
            problem = (
                f"the model gave scores {rows.shape} for {len(clips)} clips, {len(self._labels)} actions"
            )
            raise EngineError(engine=NAME, problem=problem)
        probabilities = combined(rows)
        best = (-probabilities).argsort(kind="stable")[:TOP]
        top = tuple(ClassScore(self._labels[index], float(probabilities[index])) for index in best)
        return Scores(decoded.file, NAME, self.fingerprint, top)


def combined(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probabilities of a video, from those of its clips [clips, classes].

    Of each action it is the mean over the two clips that show it best. A film shows different things in its
    clips, so a mean over all of them finds nothing; with the best clip alone, every further clip is one
    more chance of a mistake. One clip that is sure, or two that are half so sure, are enough.
    """
    import numpy as np

    return np.asarray(np.sort(rows, axis=0)[-BEST:].mean(axis=0))
