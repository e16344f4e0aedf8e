"""Dense cores: points that have several others close by, with all such points that they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.clustering.graph import Edges

_MIN_SAMPLES = 5
"""Points within the radius, itself among them, that make a point dense."""


def dense_cores(edges: Edges, labels: NDArray[np.int64], radius: float) -> NDArray[np.int64]:
    """The core of each node (int64 (nodes)): its smallest node, and the node itself where it is in none.

    What is left of the minimum spanning forest of mutual reachability (Campello and others, 2015) when its
    edges longer than ``radius`` are cut. A core with nodes of different labels (int64 (nodes), 0 for none) is
    given up.
    """
    nodes = len(labels)
    close = edges.where(edges.squared <= radius**2)
    degree = np.bincount(close.left, minlength=nodes) + np.bincount(close.right, minlength=nodes)
    dense = degree >= _MIN_SAMPLES - 1
    joined = close.where(dense[close.left] & dense[close.right])
    links = coo_array(
        (np.ones(len(joined.left), np.bool_), (joined.left, joined.right)), shape=(nodes, nodes)
    )
    count, component = connected_components(links, directed=False)
    first = np.full(count, nodes)
    np.minimum.at(first, component, np.arange(nodes))
    core: NDArray[np.int64] = first[component]
    given_up = _mixed(component, labels, count)[component]
    core[given_up] = np.flatnonzero(given_up)
    return core


def _mixed(component: NDArray[np.int32], labels: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Which components have more than one label."""
    labelled = np.flatnonzero(labels)
    lowest = np.full(count, np.iinfo(np.int64).max)
    highest = np.zeros(count, np.int64)
    np.minimum.at(lowest, component[labelled], labels[labelled])
    np.maximum.at(highest, component[labelled], labels[labelled])
    return highest > lowest
