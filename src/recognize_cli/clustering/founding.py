"""Groups of points that are near each other: dense cores first, then average linkage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering.density import dense_cores
from recognize_cli.clustering.graph import Edges, edges_within
from recognize_cli.clustering.linkage import average_linkage, means_of
from recognize_cli.clustering.neighbours import neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.clustering.neighbours import Neighbours

DENSE = 0.7
"""The radius of dense cores, in distances. It keeps a person together who changed over the years, whose faces
are far apart, but joined by many in between; much above 0.8 people who look alike are joined as well."""


def groups(
    vectors: NDArray[np.float32],
    found: Neighbours,
    people: NDArray[np.int64],
    labels: NDArray[np.int64],
    picky: NDArray[np.bool_],
    distance: float,
) -> NDArray[np.int64]:
    """The group of each point (int64 (p)), named by one of its points; those alone are their own.

    The points that ``found`` is about are put together. ``people`` (int64 (p), 0 for none) are groups to begin
    with, of other points; ``labels`` (int64 (p), 0 for none) say what must not be in one group unless it is the
    same. A group with a ``picky`` point (bool (p)) is not compared as a whole with others.
    """
    edges = edges_within(found, vectors, distance)
    start = dense_cores(edges, labels, DENSE * distance)
    known = np.flatnonzero(people)
    _, first, person = np.unique(people[known], return_index=True, return_inverse=True)
    start[known] = known[first][person]
    taking_part = people > 0
    taking_part[found.points] = True
    while True:
        member = average_linkage(vectors, edges, labels, start, distance)
        edges = _edges_between(vectors, member, taking_part, picky, distance)
        start = average_linkage(vectors, edges, labels, member, distance)
        if np.array_equal(start, member):
            return member


def _edges_between(
    vectors: NDArray[np.float32],
    member: NDArray[np.int64],
    taking_part: NDArray[np.bool_],
    picky: NDArray[np.bool_],
    distance: float,
) -> Edges:
    """Pairs of groups whose means are near each other, named by their points of that name.

    The nearest neighbours of each point of a series of shots are others of that series: only the series as a
    whole is seen to be near another one. A point alone has seen its neighbours.
    """
