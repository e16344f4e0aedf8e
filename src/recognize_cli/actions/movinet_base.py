"""MoViNet base, as its makers publish it: a SavedModel that looks at all frames of a clip at once.

Upstream's use of it (nextcloud/recognize, src/movinet/MovinetModel.js): frames squeezed into a square, two a
second, from 0 to 1; the softmax of its one output.

All clips are given the same number of frames: as its makers save it, its convolutions are compiled anew for
each number that comes, and what was compiled stays in memory (docs/models.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.protocols import Session

_BRIGHTEST = 255


class MovinetBase:
    """An `ActionModel`."""

    def __init__(self, session: Session, length: int) -> None:
        """``session`` takes clips [N, frames, side, side, 3] from 0 to 1 and gives logits [N, classes].

        ``length`` is how many frames each clip is given.
        """
        self._session = session
        self._length = length

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities of each clip [clips, classes]; raises EngineError.

        ``clips`` are [clips, frames, side, side, 3] RGB, of any number of frames but none; shorter ones are
        played again from their begin. They are looked at one by one: the memory that the network takes grows
        with what it is given at a time.
        """
        import numpy as np

        logits = np.concatenate([self._logits(clip) for clip in clips]).astype(np.float64)
        if logits.ndim != 2 or len(logits) != len(clips) or not np.isfinite(logits).all():
            raise EngineError(engine="movinet", problem="no scores came out, one a clip and action")
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()

    def _logits(self, clip: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        [name], [output] = self._session.inputs, self._session.outputs
        played = clip[np.arange(self._length) % len(clip)]
        return self._session.run({name: played[None].astype(np.float32) / _BRIGHTEST})[output]
