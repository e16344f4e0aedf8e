"""The whole procedure, from faces to people."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering import neighbours
from recognize_cli.clustering.founding import groups
from recognize_cli.clustering.joining import Surroundings, join
from recognize_cli.clustering.linkage import means_of, squared_offsets
from recognize_cli.clustering.matching import Numbers
from recognize_cli.clustering.points import distinct
from recognize_cli.clustering.problem import Grouping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.clustering.neighbours import Neighbours
    from recognize_cli.clustering.problem import Problem, Settings


def group(problem: Problem, settings: Settings) -> Grouping:
    """Groups faces by person.

    Without people it is average linkage of distinct vectors along their nearest neighbours, beginning with
    dense cores, and then faces left alone join the people they are near to. With ``settings.rebuild`` fixed
    faces are anchors in that; else the people stay, faces of nobody join them, and new people are made of
    the rest. In both cases it goes on until nothing changes, so grouping the result again changes nothing.

    The order of the faces has no effect but on the numbers of new people. Faces whose vector is zero or not
    finite stay nobody's, unless they are fixed, or had a person and this is no rebuild. Copies of a vector
    count as one in all distances, but each as a face in ``min_size``. A person that somebody ruled out for a
    free face stays as it is even in a rebuild.

    Takes, beside the vectors, twice their memory and about a kilobyte a face. Raises ValueError where
    ``settings.distance`` is not a positive number.
    """
    if not (math.isfinite(settings.distance) and settings.distance > 0):
        raise ValueError(f"the distance must be a positive number, not {settings.distance}")
    with neighbours.threads(settings.threads):
        persons = _rebuilt(problem, settings) if settings.rebuild else _added(problem, settings)
    return Grouping(persons, _distances(problem.vectors, persons))


def _added(problem: Problem, settings: Settings) -> NDArray[np.int64]:
    work = _Work(problem, settings, problem.persons > 0)
    work.settle()
    return work.persons


def _rebuilt(problem: Problem, settings: Settings) -> NDArray[np.int64]:
    """Groups anew until the people that are left alone get no more faces, which mostly is once."""
    while True:
        settled = _settled(problem)
        work = _Work(problem, settings, settled)
        work.regroup()
        work.settle()
        problem = replace(problem, persons=work.persons)
        if np.array_equal(settled, _settled(problem)):
            return work.persons


class _Work:
    """The state of one grouping: whose each face is so far."""

    def __init__(self, problem: Problem, settings: Settings, settled: NDArray[np.bool_]) -> None:
        self._problem = problem
        self._settings = settings
        self.persons = np.where(settled, problem.persons, 0)
        self._points = distinct(problem.vectors, ~(problem.fixed & (problem.persons <= 0)))
        self._numbers = Numbers(problem.persons, self.persons, problem.next_person)
        self._table: Neighbours | None = None

    def regroup(self) -> None:
        """Groups all faces that can found a person together with those that are settled."""
        anchors = np.flatnonzero((self._points.of_face >= 0) & (self.persons > 0))
        self._table = neighbours.neighbours(self._points.vectors, np.arange(len(self._points.vectors)))
        free = np.flatnonzero(self._free() & self._problem.core)
        found = self._neighbours(self._points_of(np.concatenate([anchors, free])))
        self._put_together(free, found, self._person_of_point(), 2)

    def settle(self) -> None:
        """Lets free faces join people, and makes new people of them, until neither happens any more."""
        while True:
            found = self._neighbours(self._points_of(np.flatnonzero(self._free())))
            if self.persons.any():
                self._join(Surroundings.measured(found, self._points.vectors))
            free = np.flatnonzero(self._free() & self._problem.core)
            nearby = found.of(self._points_of(free))
            people = self._person_of_point()
            people[nearby.points] = 0
            if self._put_together(free, nearby, people, self._settings.min_size):
                continue
            left = self._points_of(np.flatnonzero(self._free()))
            if found.exact or not neighbours.affordable(len(left), self._points.vectors):
                return

    def _join(self, around: Surroundings) -> None:
        """Lets faces join people, then those near to them, and so on."""
        faces = np.flatnonzero(self._free())
        while len(faces):
            rows = np.searchsorted(around.points, self._points.of_face[faces])
            persons = self._person_of_point()
            joined = join(around, rows, persons, self._rejected(faces), self._settings.distance)
            self.persons[faces] = joined
            changed = np.unique(self._points.of_face[faces[joined > 0]])
            near = np.zeros(len(self._points.vectors), np.bool_)
            near[around.points[around.rows_near(changed)]] = True
            faces = np.flatnonzero(self._free() & near[self._points.of_face])

    def _put_together(
        self, faces: NDArray[np.int64], found: Neighbours, people: NDArray[np.int64], min_size: int
    ) -> bool:
        """Groups faces; a group near to one of ``people`` goes there, another is a new one. Whether any went.

        ``people`` are those of points (int64 (p), 0 for nobody).
        """
        if not len(faces):
            return False
        of_face = self._points.of_face[faces]
        row, person = self._rejected(faces)
        picky = np.zeros(len(people), np.bool_)
        picky[of_face[row]] = True
        member = groups(self._points.vectors, found, people, picky, self._settings.distance)
        label = np.zeros(len(member), np.int64)
        np.maximum.at(label, member, people)
        cluster = member[of_face]
        persons = label[cluster]
        persons[row[persons[row] == person]] = 0
        size = np.bincount(cluster, minlength=len(member))
        fresh = (label[cluster] == 0) & (size[cluster] >= max(min_size, self._settings.min_size))
        persons[fresh] = self._numbers.give(faces[fresh], cluster[fresh])
        self.persons[faces] = persons
        return bool(np.any(persons > 0))

    def _free(self) -> NDArray[np.bool_]:
        return np.asarray((self._points.of_face >= 0) & (self.persons == 0))

    def _points_of(self, faces: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.unique(self._points.of_face[faces])

    def _neighbours(self, points: NDArray[np.int64]) -> Neighbours:
        """Those of some points, out of the last search: unless now, as they are fewer, they can be exact."""
        vectors = self._points.vectors
        if self._table is None or (not self._table.exact and neighbours.affordable(len(points), vectors)):
            self._table = neighbours.neighbours(vectors, points)
        return self._table.of(points)

    def _person_of_point(self) -> NDArray[np.int64]:
        """The person of the faces at each point, 0 for nobody; should copies differ, the lowest number."""
        nobody = np.iinfo(np.int64).max
        faces = np.flatnonzero((self._points.of_face >= 0) & (self.persons > 0))
        result = np.full(len(self._points.vectors), nobody)
        np.minimum.at(result, self._points.of_face[faces], self.persons[faces])
        result[result == nobody] = 0
        return result

    def _rejected(self, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (index in ``faces``, which ascend; person) that somebody ruled out."""
        face, person = self._problem.rejected.reshape(-1, 2).T
        index = np.searchsorted(faces, face)
        among = np.zeros(len(face), np.bool_)
        inside = index < len(faces)
        among[inside] = faces[index[inside]] == face[inside]
        return index[among], person[among]


def _settled(problem: Problem) -> NDArray[np.bool_]:
    """Faces that a rebuild leaves alone: fixed ones, and those of people that are ruled out for free faces.

    Which people are ruled out would mean something else once these were other people.
    """
    face, person = problem.rejected.reshape(-1, 2).T
    judged = np.unique(person[~problem.fixed[face]])
    return np.asarray(problem.fixed | ((problem.persons > 0) & np.isin(problem.persons, judged)))


def _distances(vectors: NDArray[np.float32], persons: NDArray[np.int64]) -> NDArray[np.float32]:
    """How far each face is from the mean of its person's faces; NaN for nobody and for damaged vectors."""
    result = np.full(len(persons), np.nan, np.float32)
    known = np.flatnonzero((persons > 0) & np.isfinite(vectors).all(axis=1))
    _, member = np.unique(persons[known], return_inverse=True)
    own = vectors[known]
    means = means_of(own, member, int(member.max(initial=-1)) + 1)
    result[known] = np.sqrt(squared_offsets(own, means, member))
    return result
