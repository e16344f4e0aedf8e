"""Landmarks in photos: six classifiers, one a continent, that know 60 000 sights by name.

They are used as in Recognize for Nextcloud (src/classifier_landmarks.js): the whole photo is squeezed into a
square, and what comes out, a cosine for each class, is taken for its probability. The best of all continents
count. Several classes of a continent bear the name of one landmark.

Heavy imports are inside of functions: a run that finds nothing new needs none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError
from recognize_cli.loading import OnDemand
from recognize_cli.media.views import seen
from recognize_cli.records import ClassScore, Kind, Scores, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.models.store import InstalledModel
    from recognize_cli.protocols import Session
    from recognize_cli.records import Batch, Decoded

NAME = "landmarks"
TOP = 10
"""How many landmarks are kept of each photo."""

ASKED_BY = frozenset(
    {
        "Architecture",
        "Bridge",
        "Building",
        "Castle",
        "Church",
        "Historic",
        "Lighthouse",
        "Monastery",
        "Monument",
        "Mosque",
        "Palace",
        "Temple",
        "Tower",
    }
)
"""Tags of objects that make it worth a look. By our rules one of Architecture and Building comes with each of
the others; those are for rules of one's own. Landscapes are left out, as upstream does."""

_GROUP = 256
"""Scores of a group, see `_best`."""

_RECIPE = 1
"""Raise it when the same models and photo could give other scores: all photos are then looked at again."""


@dataclass(frozen=True, slots=True)
class Continent:
    """A classifier, and for each of its classes the number of its name (int32, below 0 for none)."""

    session: Session
    numbers: NDArray[np.int32]

    def best(self, picture: NDArray[np.uint8]) -> Iterator[tuple[int, float]]:
        """The numbers and scores of the `TOP` best classes for a picture (1×side×side×3), in no order.

        Raises EngineError.
        """
        import numpy as np

        [name], [output] = self.session.inputs, self.session.outputs
        scores = self.session.run({name: picture})[output][0]
        if not np.isfinite(scores).all():
            raise EngineError(engine=NAME, problem="what comes out of a model are no numbers")
        best = _best(scores)
        return zip(self.numbers[best].tolist(), scores[best].tolist(), strict=True)


def _best(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The indices of the `TOP` best scores, in no order.

    A hundred thousand are first cut down to those that reach the `TOP`-th best of the maxima of many groups,
    as all of the best do: that takes a quarter of the time.
    """
    import numpy as np

    groups = len(scores) // _GROUP
    if groups <= TOP:
        candidates = np.arange(len(scores))
    else:
        maxima = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        candidates = np.flatnonzero(scores >= np.partition(maxima, -TOP)[-TOP])
    order = np.argpartition(scores[candidates], -min(TOP, len(candidates)))
    return candidates[order[-TOP:]]


@dataclass(frozen=True, slots=True)
class Classifiers:
    """All continents, and their names by number."""

    names: Sequence[str]
    continents: Sequence[Continent]

    @classmethod
    def open(cls, installed: InstalledModel, open_session: Callable[[Path], Session]) -> Classifiers:
        """The classifiers of a model; ``open_session`` opens an ONNX file. Raises EngineError, OSError."""
        from recognize_cli.models.convert import LABELS
        from recognize_cli.models.landmark_names import LandmarkNames

        labels = LandmarkNames.read(installed.folder / LABELS)
        graphs = installed.graphs.items()
        return cls(
            labels.names,
            [Continent(open_session(path), labels.numbers[continent]) for continent, path in graphs],
        )

    def best(self, picture: NDArray[np.uint8]) -> tuple[ClassScore, ...]:
        """At most `TOP` landmarks, each once with its best score, that first. Raises EngineError."""
        found: dict[int, float] = {}
        for continent in self.continents:
            for number, score in continent.best(picture):
                if number >= 0:
                    found[number] = max(score, found.get(number, score))
        ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:TOP]
        return tuple(ClassScore(self.names[number], min(max(score, 0.0), 1.0)) for number, score in ranked)

    def close(self) -> None:
        """Gives the memory of all models back."""
        for continent in self.continents:
            continent.session.close()


class LandmarksRecognizer:
    """Gives the landmarks that a photo most likely shows."""

    name = NAME
    kinds = frozenset({Kind.IMAGE})
    view = View(321, None, "bilinear")

    def __init__(self, open_classifiers: Callable[[], Classifiers], *, model: str) -> None:
        """``open_classifiers`` is called when the first photo comes; ``model`` is their fingerprint."""
        self._classifiers = OnDemand(open_classifiers)
        self.fingerprint = f"{model}.{_RECIPE}"

    def load(self) -> None:
        """Loads all models, if they are not loaded yet; raises EngineError or ModelError."""
        self._classifiers.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The landmarks of each photo of the batch; raises EngineError. Call `load` first.

        One photo after the other: together they are no faster, and take up to three times the memory.
        """
        best = self._classifiers.value.best
        return [Scores(each.file, NAME, self.fingerprint, best(self._picture(each))) for each in batch.inputs]

    def close(self) -> None:
        """Gives the memory of all models back."""
        self._classifiers.close()

    def _picture(self, decoded: Decoded) -> NDArray[np.uint8]:
        picture = seen(decoded, self.view)
        if picture is None:
            raise EngineError(engine=NAME, problem=f"there is no picture of {decoded.file.path}")
        return picture[None]
