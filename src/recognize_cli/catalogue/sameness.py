"""Which faces of two looks at one picture are the same: at the same place, or with nearly the same vector.

A face at the same place is the same, unless its vector tells of somebody else: then the picture was mirrored,
say. What is left goes by vectors alone, so that a picture that was turned or cut keeps its people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import Box

_SAME_PLACE: Final = 0.5
_ALIKE: Final = 0.5
_UNLIKE: Final = 0.9
"""Distances of vectors in their mean length. The default model puts one face in two versions of a photo 0.1
to 0.4 apart, and two people 1.1 or more."""

Seen = tuple["Box", "NDArray[np.floating] | None"]
"""A face: where it is, and its vector where that can be compared (of the same model, and usable)."""


def same_faces(old: Sequence[Seen], new: Sequence[Seen]) -> dict[int, int]:
    """Pairs each face with one other at most, the best pairs first.

    Gives the index of an old face by that of the new one.
    """
    if not (old and new):
        return {}
    apart = _distances([vector for _, vector in old], [vector for _, vector in new])
    places: list[tuple[float, int, int]] = []
    vectors: list[tuple[float, int, int]] = []
    for earlier, (before, _) in enumerate(old):
        for later, (now, _) in enumerate(new):
            common, distance = overlap(before, now), apart[earlier][later]
            if common >= _SAME_PLACE and not distance > _UNLIKE:
                places.append((-common, earlier, later))
            elif distance <= _ALIKE:
                vectors.append((distance, earlier, later))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, earlier, later in [*sorted(places), *sorted(vectors)]:
        if earlier not in taken and later not in found:
            found[later] = earlier
            taken.add(earlier)
    return found


def overlap(a: Box, b: Box) -> float:
    """The common area of two boxes over that of both together, 0 to 1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (a.width * a.height + b.width * b.height - common)


def _distances(
    old: Sequence[NDArray[np.floating] | None], new: Sequence[NDArray[np.floating] | None]
) -> list[list[float]]:
    """How far the vectors are apart, in their mean length; NaN where they cannot be compared."""
    import numpy as np

    size = max(0 if vector is None else len(vector) for vector in (*old, *new))

    def row(vector: NDArray[np.floating] | None) -> NDArray[np.float64]:
        usable = vector is not None and len(vector) == size and np.isfinite(vector).all() and np.any(vector)
        return np.asarray(vector if usable else np.full(size, np.nan), np.float64)

    first, second = (np.stack([row(each) for each in vectors]) for vectors in (old, new))
    lengths = np.linalg.norm(first, axis=1)[:, None] + np.linalg.norm(second, axis=1)
    gaps = np.linalg.norm(first[:, None] - second, axis=2)
    apart: list[list[float]] = (2 * gaps / lengths if size else np.full(gaps.shape, np.nan)).tolist()
    return apart
