"""Groups of points that are near each other: dense cores first, then average linkage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.clustering.density import dense_cores
from recognize_cli.clustering.graph import edges_within
from recognize_cli.clustering.linkage import average_linkage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.clustering.neighbours import Neighbours

DENSE = 0.7
"""The radius of dense cores, in distances. It keeps a person together who changed over the years, whose faces
are far apart, but joined by many in between; much above 0.8 people who look alike are joined as well."""


def groups(
    vectors: NDArray[np.float32], found: Neighbours, labels: NDArray[np.int64], distance: float
) -> NDArray[np.int64]:
    """The group of each of ``found.points``, named by the index of one of them; those alone are their own.

    Points with different labels (int64 (q), 0 for none) are never in one group.
    """
    edges = edges_within(found, vectors, distance)
    cores = dense_cores(edges, labels, DENSE * distance)
    own = vectors if len(found.points) == len(vectors) else vectors[found.points]
    return average_linkage(own, edges, labels, cores, distance)
