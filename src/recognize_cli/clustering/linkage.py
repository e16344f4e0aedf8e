"""Average linkage on a graph of neighbours: what is nearest on average is put together, step by step.

Two clusters are as far apart as the root of the mean of all squared distances between their points. That is
known from their means and spreads alone: the squared distance of the means, plus both spreads (mean squared
distances to the mean). All pairs of clusters that are each other's nearest are merged at once; since a merged
cluster is never nearer to a third one than the nearer of its parts was, that ends where merging the nearest
pair over and over would (Murtagh, 1983; Sumengen and others, Scaling Hierarchical Agglomerative Clustering
to Billion-sized Datasets, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from recognize_cli.clustering.graph import Edges, unique_pairs
from recognize_cli.clustering.points import chunks, squared_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PATIENCE = 200
_SLACK = 1.1
"""After so many rounds pairs are merged that are nearly each other's nearest: else a chain whose links grow
longer and longer would be put together one link a round."""

_COLUMNS = 16
"""How many columns of the vectors are summed up together, in double precision."""


@dataclass(slots=True)
class Clusters:
    """Clusters of points, each under the number of one of its points.

    member: int64 (p), the cluster of each point.
    means: float32 (p×d), as what follows of use under the numbers of clusters only.
    counts: float64 (p).
    spreads: float64 (p), mean squared distances to the mean.
    labels: int64 (p), 0 for none.
    """

    member: NDArray[np.int64]
    means: NDArray[np.float32]
    counts: NDArray[np.float64]
    spreads: NDArray[np.float64]
    labels: NDArray[np.int64]

    @classmethod
    def of(
        cls, vectors: NDArray[np.float32], labels: NDArray[np.int64], member: NDArray[np.int64]
    ) -> Clusters:
        """Clusters to begin with; ``labels`` are those of points, one at most in a cluster."""
        points = len(vectors)
        counts = np.maximum(np.bincount(member, minlength=points), 1).astype(np.float64)
        means = means_of(vectors, member, points)
        spreads = np.bincount(member, squared_offsets(vectors, means, member), minlength=points) / counts
        of_cluster = labels.copy()
        np.maximum.at(of_cluster, member, labels)
        return cls(member.copy(), means, counts, spreads, of_cluster)

    def link(self, left: NDArray[np.int64], right: NDArray[np.int64], distance: float) -> bool:
        """Merges what is up to ``distance`` apart, but for different labels; whether there was anything.

        Only clusters are merged that have one of the pairs of points (left, right) between them.
        """
        edges = self._edges(*unique_pairs(self.member[left], self.member[right], len(self.member)), distance)
        rounds = 0
        while len(edges.left):
            chosen = _nearest_pairs(edges, len(self.member), 1.0 if rounds < _PATIENCE else _SLACK)
            kept, gone = edges.left[chosen], edges.right[chosen]
            self._merge(kept, gone, edges.squared[chosen])
            into = np.arange(len(self.member), dtype=np.int64)
            into[gone] = kept
            self.member = into[self.member]
            edges = self._contracted(edges, into, kept, distance)
            rounds += 1
        return rounds > 0

    def _edges(self, left: NDArray[np.int64], right: NDArray[np.int64], distance: float) -> Edges:
        """The pairs of clusters that may be merged, with how far apart they are."""
        allowed = (
            (self.labels[left] == self.labels[right]) | (self.labels[left] == 0) | (self.labels[right] == 0)
        )
        left, right = left[allowed], right[allowed]
        squared = squared_distances(self.means, left, right) + self.spreads[left] + self.spreads[right]
        return Edges(left, right, squared).where(squared <= distance**2)

    def _merge(self, kept: NDArray[np.int64], gone: NDArray[np.int64], squared: NDArray[np.float64]) -> None:
        """Merges pairs of clusters, no cluster in two of them; ``squared`` is how far apart they are."""
        count = self.counts[kept] + self.counts[gone]
        share = self.counts[gone] / count
        between = squared - self.spreads[kept] - self.spreads[gone]
        self.spreads[kept] += (
            share * (self.spreads[gone] - self.spreads[kept]) + share * (1 - share) * between
        )
        for rows in chunks(len(kept)):
            step = (self.means[gone[rows]] - self.means[kept[rows]]) * share[rows, None].astype(np.float32)
            self.means[kept[rows]] += step
        self.counts[kept] = count
        self.labels[kept] = np.maximum(self.labels[kept], self.labels[gone])

    def _contracted(
        self, edges: Edges, into: NDArray[np.int64], kept: NDArray[np.int64], distance: float
    ) -> Edges:
        """The edges after a merge; those of merged clusters are measured anew."""
        changed = np.zeros(len(into), np.bool_)
        changed[kept] = True
        left, right = into[edges.left], into[edges.right]
        touched = changed[left] | changed[right]
        anew = self._edges(*unique_pairs(left[touched], right[touched], len(into)), distance)
        old = edges.where(~touched)
        return Edges(
            np.concatenate([old.left, anew.left]),
            np.concatenate([old.right, anew.right]),
            np.concatenate([old.squared, anew.squared]),
        )


def _nearest_pairs(edges: Edges, nodes: int, slack: float) -> NDArray[np.int64]:
    """Edges whose ends are each other's nearest, no node in two of them; at least one if there are edges."""
    nearest = np.full(nodes, np.inf)
    np.minimum.at(nearest, edges.left, edges.squared)
    np.minimum.at(nearest, edges.right, edges.squared)
    limit = slack * np.minimum(nearest[edges.left], nearest[edges.right])
    mutual = np.flatnonzero(edges.squared <= limit)
    first = np.full(nodes, len(edges.left))
    np.minimum.at(first, edges.left[mutual], mutual)
    np.minimum.at(first, edges.right[mutual], mutual)
    alone = (first[edges.left[mutual]] == mutual) & (first[edges.right[mutual]] == mutual)
    return np.asarray(mutual[alone], np.int64)


def means_of(vectors: NDArray[np.float32], member: NDArray[np.int64], clusters: int) -> NDArray[np.float32]:
    """The mean vector (clusters×d) of the rows that are members of each cluster; zero for an empty one."""
    counts = np.maximum(np.bincount(member, minlength=clusters), 1)
    rows = np.arange(len(member))
    membership = csr_array((np.ones(len(member)), (member, rows)), shape=(clusters, len(member)))
    means = np.empty((clusters, vectors.shape[1]), np.float32)
    for start in range(0, vectors.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        means[:, columns] = (membership @ vectors[:, columns].astype(np.float64)) / counts[:, None]
    return means


def squared_offsets(
    vectors: NDArray[np.float32], means: NDArray[np.float32], member: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The squared distance of each row from the mean of its cluster."""
    result = np.empty(len(vectors))
    for rows in chunks(len(vectors)):
        difference = vectors[rows] - means[member[rows]]
        result[rows] = np.einsum("ij,ij->i", difference, difference)
    return result
