"""The parts against plain definitions of what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import numpy as np
from bench.made_faces import made_faces
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist

from recognize_cli.clustering import linkage as linkage_module
from recognize_cli.clustering import points as points_module
from recognize_cli.clustering.density import dense_cores
from recognize_cli.clustering.graph import Edges, edges_within
from recognize_cli.clustering.linkage import Clusters
from recognize_cli.clustering.matching import Numbers
from recognize_cli.clustering.neighbours import COUNT, neighbours, threads
from recognize_cli.clustering.points import distinct
from tests.clustering.problems import same_partition

if TYPE_CHECKING:
    import pytest

if TYPE_CHECKING:
    import pytest

seeds = st.integers(0, 2**32 - 1)


def average_linkage(
    vectors: np.ndarray, edges: Edges, labels: np.ndarray, start: np.ndarray, distance: float
) -> np.ndarray:
    clusters = Clusters.of(vectors, labels, start)
    clusters.link(edges.left, edges.right, distance)
    return clusters.member


def cloud(seed: int, count: int, dimensions: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


@given(seeds, st.integers(2, 30), st.sampled_from([0.3, 1.0, 2.0]))
@budget(max_examples=60, deadline=None)
def test_linkage_is_that_of_scipy_where_all_are_neighbours(seed: int, count: int, distance: float) -> None:
    vectors = cloud(seed, count)
    edges = edges_within(neighbours(vectors, np.arange(count)), vectors, distance)
    alone = np.arange(count)
    found = average_linkage(vectors, edges, np.zeros(count, np.int64), alone, distance)
    expected = fcluster(linkage(pdist(vectors, "sqeuclidean"), "average"), distance**2, "distance")
    assert same_partition(found + 1, expected)


@given(seeds)
@budget(max_examples=30, deadline=None)
def test_linkage_that_begins_with_clusters_goes_on_as_from_points(seed: int) -> None:
    vectors = np.repeat(cloud(seed, 8), 3, axis=0) + 0.01 * cloud(seed + 1, 24)
    edges = edges_within(neighbours(vectors, np.arange(24)), vectors, 1.5)
    none = np.zeros(24, np.int64)
    from_points = average_linkage(vectors, edges, none, np.arange(24), 1.5)
    from_threes = average_linkage(vectors, edges, none, np.repeat(np.arange(0, 24, 3), 3), 1.5)
    assert same_partition(from_points + 1, from_threes + 1)


def test_a_chain_of_growing_links_takes_few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    choose = linkage_module._nearest_pairs
    monkeypatch.setattr(linkage_module, "_nearest_pairs", lambda *given: rounds.append(1) or choose(*given))
    links = np.cumsum(np.linspace(0.3, 1, 3000))
    vectors = np.random.default_rng(1).permutation(links).astype(np.float32)[:, None]  # as `distinct` does
    edges = edges_within(neighbours(vectors, np.arange(3000)), vectors, 1.0)
    found = average_linkage(vectors, edges, np.zeros(3000, np.int64), np.arange(3000), 1.0)
    assert len(rounds) < 300
    for cluster in np.unique(found):
        assert np.ptp(vectors[found == cluster]) < 3


@given(seeds, st.integers(1, 40), st.sampled_from([0.3, 0.8]))
@budget(max_examples=40, deadline=None)
def test_dense_cores_are_reached_by_dense_points_only(seed: int, count: int, radius: float) -> None:
    vectors = cloud(seed, count, 2)
    labels = np.random.default_rng(seed).integers(0, 3, count) * (np.arange(count) % 3 == 0)
    near = cdist(vectors, vectors) <= radius
    edges = edges_within(neighbours(vectors, np.arange(count)), vectors, 1.0)
    found = dense_cores(edges, labels, radius)
    dense = near.sum(axis=1) >= 5
    for node in range(count):
        members = found == found[node]
        if members.sum() > 1:
            assert dense[members].all()
            assert len(set(labels[members].tolist()) - {0}) <= 1
        for other in np.flatnonzero(near[node] & dense) if dense[node] else ():
            together = found[other] == found[node]
            assert together or min(members.sum(), (found == found[other]).sum()) == 1


@given(seeds, st.integers(0, 90))
@budget(max_examples=40, deadline=None)
def test_neighbours_are_the_nearest_others(seed: int, count: int) -> None:
    vectors = cloud(seed, count)
    asked = np.flatnonzero(np.random.default_rng(seed).random(count) < 0.5)
    found = neighbours(vectors, asked)
    distances = cdist(vectors[asked], vectors, "sqeuclidean")
    distances[np.arange(len(asked)), asked] = np.inf
    some = min(COUNT, max(count - 1, 0))
    assert found.exact
    assert np.allclose(found.squared[:, :some], np.sort(distances, axis=1)[:, :some], rtol=1e-3, atol=1e-5)
    assert not np.any(found.indices == asked[:, None])
    assert (found.indices[:, some:] == -1).all()


def test_an_inverted_file_finds_most_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = made_faces("real", 4000)
    everything = np.arange(len(vectors))
    exact = neighbours(vectors, everything)
    monkeypatch.setattr("recognize_cli.clustering.neighbours._AFFORDABLE", 0)
    found = neighbours(vectors, everything)
    shared = [len(np.intersect1d(*rows)) for rows in zip(found.indices[:, :5], exact.indices, strict=True)]
    assert not found.exact
    assert np.mean(shared) > 4
    assert np.array_equal(found.indices, neighbours(vectors, everything).indices)


def test_threads_are_set_back() -> None:
    before = faiss.omp_get_max_threads()
    with threads(before + 1):
        assert faiss.omp_get_max_threads() == before + 1
    assert faiss.omp_get_max_threads() == before


def test_equal_vectors_are_one_point_whatever_the_sign_of_zero() -> None:
    vectors = np.array([[1, 0], [1, -0.0], [2, 0], [1, 0], [np.nan, 1]], np.float32)
    found = distinct(vectors, np.array([True, True, True, False, True]))
    assert len(found.vectors) == 2
    assert found.of_face[0] == found.of_face[1] != found.of_face[2]
    assert found.of_face[3:].tolist() == [-1, -1]


def test_vectors_that_share_a_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points_module, "_mixed", np.zeros_like)
    found = distinct(np.array([[1], [2], [1]], np.float32), np.ones(3, np.bool_))
    assert len(found.vectors) == 2
    assert found.of_face[0] == found.of_face[2] != found.of_face[1]


def test_numbers_go_to_the_group_that_shares_most_and_never_twice() -> None:
    numbers = Numbers(np.array([5, 5, 5, 6, 0, 7, 7]), np.array([7]), 6)
    given_to = numbers.give(np.arange(6), np.array([1, 1, 2, 2, 3, 3]))
    assert given_to.tolist() == [5, 5, 6, 6, 8, 8]
    assert numbers.give(np.array([0, 3]), np.array([1, 2])).tolist() == [9, 10]
