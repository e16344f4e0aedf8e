"""Made embeddings of faces with a known truth: for libraries larger than any that is at hand.

A person is a mean vector, a face is that mean and noise. The spectra of both fall off, so that distances
between people spread as those of real descriptors do. The number of faces a person has is long-tailed, and
one face in ten is of somebody who was seen once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS = 128
DISTANCE = 0.5
"""The distance up to which two of these faces are likely of one person (as `Settings.distance`)."""

_WITHIN = 0.4
"""The mean distance between two faces of one person, give or take an eighth."""

_STRANGERS = 0.1
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Mode:
    """How hard it is.

    between: about the median distance between faces of two people.
    decay: how many dimensions it takes for the differences between people to fall to a third.
    relatives: the share of people who look like somebody else.
    bad: the share of faces with 1.6 times the noise.
    """

    between: float
    decay: float
    relatives: float
    bad: float


MODES = {
    "spec": Mode(between=0.97, decay=40, relatives=0.0, bad=0.0),
    "real": Mode(between=0.76, decay=28, relatives=0.15, bad=0.05),
    "hard": Mode(between=0.70, decay=16, relatives=0.15, bad=0.05),
}


def made_faces(mode: str, count: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors (count×128) in random order, and who each is of (from 0 on, -1 for somebody seen once)."""
    numbers = np.random.default_rng(seed)
    strangers = int(count * _STRANGERS)
    sizes = _sizes(count - strangers, numbers)
    who = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), len(sizes) + np.arange(strangers)])
    numbers.shuffle(who)
    people = len(sizes) + strangers
    means = _means(MODES[mode], people, numbers)
    noise = _WITHIN / np.sqrt(2) * numbers.uniform(0.875, 1.125, people)
    shape = _directions(50, numbers)
    vectors = np.empty((count, DIMENSIONS), np.float32)
    for start in range(0, count, _CHUNK):
        part = who[start : start + _CHUNK]
        bad = np.where(numbers.random(len(part)) < MODES[mode].bad, 1.6, 1.0)
        faces = numbers.normal(size=(len(part), DIMENSIONS)) @ shape
        vectors[start : start + _CHUNK] = means[part] + faces * (noise[part] * bad)[:, None]
    return vectors, np.where(who < len(sizes), who, -1)


def _sizes(count: int, numbers: np.random.Generator) -> NDArray[np.int64]:
    """How many faces each person has: two or more, most a handful, at most 8 % of all."""
    sizes: list[int] = []
    left = count
    while left > 0:
        size = min(max(2, int(numbers.pareto(0.85) * 4 + 2)), max(20, count * 8 // 100), left)
        sizes.append(size)
        left -= size
    return np.array(sizes, np.int64)


def _means(mode: Mode, people: int, numbers: np.random.Generator) -> NDArray[np.float64]:
    """The mean vectors of people, away from the origin as those of real descriptors are."""
    between = np.sqrt(max(mode.between**2 - _WITHIN**2, 0.01) / 2)
    means = numbers.normal(size=(people, DIMENSIONS)) @ _directions(mode.decay, numbers) * between
    relatives = numbers.random(people) < mode.relatives
    model = numbers.integers(0, people, people)
    means[relatives] = 0.6 * means[model[relatives]] + 0.8 * means[relatives]
    away = numbers.normal(size=DIMENSIONS)
    return np.asarray(means + 1.3 * away / np.linalg.norm(away))


def _directions(decay: float, numbers: np.random.Generator) -> NDArray[np.float64]:
    """A random basis, scaled so that standard normal rows times it have a falling spectrum and length 1."""
    spectrum = np.exp(-np.arange(DIMENSIONS) / decay)
    basis, _ = np.linalg.qr(numbers.normal(size=(DIMENSIONS, DIMENSIONS)))
    return np.asarray((spectrum / np.linalg.norm(spectrum))[:, None] * basis)
