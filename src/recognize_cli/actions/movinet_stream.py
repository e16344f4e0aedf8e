"""MoViNet stream, converted so that it takes whole clips (`recognize_cli.models.convert.movinet_tflite`).

The network looks at frames in their order, remembers what it saw, and is asked after the last one. It was
trained on clips of ten seconds: at the begin of a clip it remembers nothing yet and is often wrong. So a clip
of less than `FRAMES` frames is played again from its begin until there are so many. And each clip is also
looked at in a mirror, which is another view of the same action. docs/models.md has what either is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.protocols import Session

FRAMES = 12
"""The fewest frames that are looked at: 2.4 seconds."""


class MovinetStream:
    """An `ActionModel`."""

    def __init__(self, session: Session) -> None:
        """``session`` takes a clip [frames, side, side, 3] and gives its probabilities [1, classes]."""
        self._session = session

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities of each clip [clips, classes]; raises EngineError.

        ``clips`` are [clips, frames, side, side, 3] RGB, of any number of frames but none.
        """
        import numpy as np

        rows = np.stack([self._probabilities(clip) for clip in clips])
        if not np.isfinite(rows).all():
            raise EngineError(engine="movinet", problem="no probabilities came out")
        return rows

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()

    def _probabilities(self, clip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The means of the clip and its mirror image, one by one: together they leave the CPU's cache."""
        import numpy as np

        times = -(-FRAMES // len(clip))
        played = np.concatenate([clip] * times)
        return np.asarray((self._once(played) + self._once(played[:, :, ::-1])) / 2)

    def _once(self, clip: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        [name], [output] = self._session.inputs, self._session.outputs
        return np.asarray(self._session.run({name: clip})[output][0])
