"""Where photos were taken: the city, the region and the country, from the position in their EXIF data.

Nothing is asked of a network. What is near is told as well, and the less sure the farther away it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recognize_cli.loading import OnDemand
from recognize_cli.records import NOTHING, ClassScore, Kind, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recognize_cli.engines.places import Gazetteer, Place
    from recognize_cli.records import Batch, Decoded

NAME = "places"

_HALVING = {"city": 10.0, "region": 25.0, "country": 50.0}
"""From the edge of a settlement on, in how many km each score halves."""

_RECIPE = 1
"""Raise it when the same table and position could give other places: all photos are then looked at again."""


class PlacesRecognizer:
    """Gives up to three places of a photo, none where it does not say where it was taken."""

    name = NAME
    kinds = frozenset({Kind.IMAGE})
    view = NOTHING

    def __init__(self, open_gazetteer: Callable[[], Gazetteer], *, version: str) -> None:
        """``open_gazetteer`` is called when the first photo comes; ``version`` is that of its names."""
        self._gazetteer = OnDemand(open_gazetteer)
        self.fingerprint = f"geonames-{version}.{_RECIPE}"

    def load(self) -> None:
        """Loads the table, if it is not loaded yet; raises EngineError."""
        self._gazetteer.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The places of each photo of the batch. Call `load` first."""
        placed = [each.position for each in batch.inputs if each.position is not None]
        found = iter(self._gazetteer.value.lookup(placed))
        return [self._scores(each, next(found) if each.position else None) for each in batch.inputs]

    def close(self) -> None:
        """Gives the table's memory back."""
        self._gazetteer.close()

    def _scores(self, decoded: Decoded, place: Place | None) -> Scores:
        top = tuple(classes(place)) if place else ()
        return Scores(decoded.file, NAME, self.fingerprint, top)


def classes(place: Place) -> Iterator[ClassScore]:
    """The country, the region and the city of a place, the surest first, each name once.

    Each has a score of 1 within the settlement, and half of it 50, 25 and 10 km from its edge. A region that
    is named after its city ("State of Berlin") is left out.
    """
    region = "" if _contains(place.region, place.city) else place.region
    levels = {
        "country": (place.country, place.code),
        "region": (region, f"{place.code}/{place.region}"),
        "city": (place.city, f"{place.code}/{place.region}/{place.city}"),
    }
    given: set[str] = set()
    for level, (name, key) in levels.items():
        if name and name not in given:
            given.add(name)
            yield ClassScore(name, 0.5 ** (place.distance / _HALVING[level]), f"{level}:{key}")


def _contains(region: str, city: str) -> bool:
    """Whether the name of a region has that of a city in it, as whole words."""
    return re.search(rf"\b{re.escape(city)}\b", region) is not None
