"""Rectangles: how much they overlap, which of them to keep, and what they cut from a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Crop(NamedTuple):
    """A part of a picture in whole pixels; at least one pixel, and all of it inside the picture."""

    left: int
    top: int
    width: int
    height: int

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """These pixels of a picture (H×W×3), not copied."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]


def crop_within(left: float, top: float, width: float, height: float, size: tuple[int, int]) -> Crop | None:
    """What a rectangle shows of a picture of this size (width, height), None where that is no pixel.

    The edges are cut at the picture's, then position and size are rounded down, as face-api's
    `Box.clipAtImageBorders` does.
    """
    if not all(math.isfinite(value) for value in (left, top, width, height)):
        return None
    inner_left, inner_top = max(left, 0.0), max(top, 0.0)
    inner_width = math.floor(min(left + width, size[0]) - inner_left)
    inner_height = math.floor(min(top + height, size[1]) - inner_top)
    if inner_width < 1 or inner_height < 1:
        return None
    return Crop(math.floor(inner_left), math.floor(inner_top), inner_width, inner_height)


def overlaps(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """The area that a box (4) shares with each of others (n×4), as a part of what both cover together.

    0 to 1, and 0 for a box without an area.
    """
    first = np.asarray(box, np.float64)
    rest = np.asarray(others, np.float64).reshape(-1, 4)
    shared = (np.minimum(first[2:], rest[:, 2:]) - np.maximum(first[:2], rest[:, :2])).clip(0).prod(axis=1)
    areas = (rest[:, 2:] - rest[:, :2]).clip(0).prod(axis=1)
    union = areas + (first[2:] - first[:2]).clip(0).prod() - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(len(rest)), where=shared > 0))


def suppress(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    *,
    min_score: float,
    max_overlap: float,
    limit: int,
) -> NDArray[np.intp]:
    """The indices of the best boxes, the best first: non-maximum suppression.

    Of the boxes (n×4) with a score (n) above ``min_score``, at most ``limit`` of which no two overlap by more
    than ``max_overlap``. Boxes that are not finite are never among them.
    """
    candidates = np.flatnonzero((scores > min_score) & np.isfinite(boxes).all(axis=1))
    candidates = candidates[np.argsort(-scores[candidates], kind="stable")]
    kept: list[int] = []
    while len(candidates) and len(kept) < limit:
        best, candidates = candidates[0], candidates[1:]
        kept.append(best)
        candidates = candidates[overlaps(boxes[best], boxes[candidates]) <= max_overlap]
    return np.array(kept, np.intp)
