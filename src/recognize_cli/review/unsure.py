"""Which faces are far from their person, measured by how far the person's other faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 3.5
"""From which modified z-score on a value counts as an outlier: Iglewicz and Hoaglin, 1993."""

_NORMAL = 1.4826  # the standard deviation of a normal distribution, in median absolute deviations
_PRIOR = 8  # faces after which a person's own spread counts as much as that of everybody


def strangeness(persons: NDArray[np.int64], distances: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far each face is out, as a modified z-score: above `FAR` it is unsure.

    `persons` (n) is whom each face belongs to, 0 for nobody, `distances` (n) how far it is from that person,
    NaN where that is not known; such faces, and those of nobody, get -inf. Median and median absolute
    deviation hold as long as fewer than half of a person's faces are wrong. The spread of people with few
    faces is drawn towards that of all people.
    """
    scores = np.full(len(persons), -np.inf)
    known = np.flatnonzero((persons != 0) & np.isfinite(distances))
    if not len(known):
        return scores
    _, person, count = np.unique(persons[known], return_inverse=True, return_counts=True)
    values = distances[known].astype(np.float64)
    off = values - _medians(person, values)[person]
    of_several = off[count[person] > 1]
    common = np.median(np.abs(of_several)) if len(of_several) else 0.0
    own = _medians(person, np.abs(off))
    spread = _NORMAL * (count * own + _PRIOR * common) / (count + _PRIOR)
    floor = np.finfo(np.float32).eps * max(1.0, float(np.abs(values).max()))
    scores[known] = off / np.maximum(spread[person], floor)
    return scores


def _medians(groups: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each group's values; groups are numbered from 0 without a gap."""
    order = np.lexsort((values, groups))
    ends = np.cumsum(np.bincount(groups))
    starts = np.concatenate(([0], ends[:-1]))
    ordered = values[order]
    middle: NDArray[np.float64] = (ordered[(starts + ends - 1) // 2] + ordered[(starts + ends) // 2]) / 2
    return middle
