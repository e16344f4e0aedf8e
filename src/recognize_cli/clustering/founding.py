"""Groups of points that are near each other: dense cores first, then average linkage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering.density import dense_cores
from recognize_cli.clustering.graph import edges_within
from recognize_cli.clustering.linkage import Clusters
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
    labels: NDArray[np.int64],
    picky: NDArray[np.bool_],
    distance: float,
) -> NDArray[np.int64]:
    """The group of each point (int64 (p)), named by one of its points; those alone are their own.

    Puts together the points that ``found`` is about. Points with different ``labels`` (int64 (p), 0 for none)
    are never in one group; of the other points, those with one label are one group from the beginning. A
    group with a ``picky`` point (bool (p)) is not compared as a whole with others.
    """
    edges = edges_within(found, vectors, distance)
    start = dense_cores(edges, labels, DENSE * distance)
    others = labels > 0
    others[found.points] = False
    known = np.flatnonzero(others)
    _, first, group = np.unique(labels[known], return_index=True, return_inverse=True)
    start[known] = known[first][group]
    clusters = Clusters.of(vectors, labels, start)
    clusters.link(edges.left, edges.right, distance)
    while clusters.link(*_near_as_a_whole(clusters, picky, distance), distance):
        pass
    return clusters.member


def _near_as_a_whole(
    clusters: Clusters, picky: NDArray[np.bool_], distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of groups whose means are near each other.

    The nearest neighbours of each photo of a series are others of that series: only as a whole it is seen to
    be near another one. A point alone has seen its neighbours.
    """
    whole = (clusters.counts > 1) | (clusters.labels > 0)
    whole[clusters.member[picky]] = False
    names = np.flatnonzero(whole & (clusters.member == np.arange(len(whole))))
    means = clusters.means[names]
    found = neighbours(means, np.flatnonzero(clusters.labels[names] == 0))
    row, column = np.nonzero(found.squared <= distance**2)
    return names[found.points[row]], names[found.indices[row, column]]
