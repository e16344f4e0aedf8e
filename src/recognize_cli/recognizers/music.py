"""Genres, moods and voices of music: the network musicnn.

What it hears is prepared as in its original (https://github.com/jordipons/musicnn, extractor.py): the
spectrogram of all sound, cut into patches of 187 frames without overlap; the probabilities of a file are the
means over its patches.

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

    from recognize_cli.protocols import Session
    from recognize_cli.records import Batch, Decoded

NAME = "music"
TOP = 10
"""How many tags are kept of each file: the rules look at seven."""

FRAMES = 187
"""Frames of a patch: 3 seconds."""

_RECIPE = 1
"""Raise it when the same model and file could give other scores: all files are then listened to again."""


class MusicRecognizer:
    """Gives the most probable tags of a piece of music."""

    name = NAME
    kinds = frozenset({Kind.AUDIO})
    view = None

    def __init__(self, labels: Sequence[str], open_session: Callable[[], Session], *, model: str) -> None:
        """``labels`` are the tags in the order of the model's output; ``model`` is its fingerprint.

        ``open_session`` is called when the first file comes.
        """
        self._labels = labels
        self._session = OnDemand(open_session)
        self.fingerprint = f"{model}.{_RECIPE}"

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        self._session.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The `TOP` tags of each file of the batch; raises EngineError. Call `load` first."""
        session = self._session.value
        return [self._top(each, self._probabilities(session, each)) for each in batch.inputs]

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()

    def _probabilities(self, session: Session, decoded: Decoded) -> NDArray[np.float64]:
        import numpy as np

        [name], [output] = session.inputs, session.outputs
        # One patch at a time: together they take 45 MB each, leave the CPU's cache and are a quarter slower.
        rows = [session.run({name: patch[None]})[output] for patch in prepare(decoded.patches)]
        means = np.concatenate(rows).mean(axis=0, dtype=np.float64)
        if not np.isfinite(means).all():
            raise EngineError(engine=NAME, problem=f"no probabilities came out for {decoded.file.path}")
        return np.asarray(means)

    def _top(self, decoded: Decoded, probabilities: NDArray[np.float64]) -> Scores:
        best = (-probabilities).argsort(kind="stable")[:TOP]
        top = tuple(ClassScore(self._labels[index], float(probabilities[index])) for index in best)
        return Scores(decoded.file, NAME, self.fingerprint, top)


def prepare(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the model takes, float32 [N, FRAMES, 96], of so many patches of sound (`Decoded.patches`).

    187 frames are half a frame less than a patch of sound, so the model's patches begin ever earlier than
    those of the sound: after two minutes by a third of a second. Where a decoder took several windows of a
    long file, a few patches lie a little over a seam.

    As in the original the power is rounded to float16 before its logarithm; that itself is taken in
    float32, where a loud sound is no overflow.
    """
    import numpy as np

    from recognize_cli.media.spectrogram import BANDS, mel_spectrogram

    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite shows in the probabilities
        power = np.minimum(mel_spectrogram(patches.ravel()), np.finfo(np.float16).max)
        bels = np.log10(10_000 * power.astype(np.float16).astype(np.float32) + 1)
    count = len(bels) // FRAMES
    return bels[: count * FRAMES].reshape(count, FRAMES, BANDS)
