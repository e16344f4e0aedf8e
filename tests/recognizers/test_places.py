"""From a place to what is told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.engines.places import Place
from recognize_cli.recognizers.places import classes
from recognize_cli.records import Scores
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules
from tests.support.records import media_file


def place(city: str = "Munich", region: str = "Bavaria", country: str = "Germany", km: float = 0.0) -> Place:
    return Place(city, region, country, "DE", km)


def tags(there: Place) -> list[str]:
    """The tags by the rules that ship."""
    scores = Scores(media_file(), "places", "model", tuple(classes(there)))
    return [tag.name for tag in load_rules(shipped("rules.yml")).apply(scores)]


def test_city_region_and_country_are_told_apart() -> None:
    assert [(each.name, each.score, each.id) for each in classes(place())] == [
        ("Germany", 1.0, "country:DE"),
        ("Bavaria", 1.0, "region:DE/Bavaria"),
        ("Munich", 1.0, "city:DE/Bavaria/Munich"),
    ]


@pytest.mark.parametrize(
    ("there", "names"),
    [
        (place("Singapore", "", "Singapore"), ["Singapore"]),
        (place("Luxembourg", "Luxembourg", "Luxembourg"), ["Luxembourg"]),
        (place("Berlin", "State of Berlin"), ["Germany", "Berlin"]),
        (place("Basel", "Basel-City", "Switzerland"), ["Switzerland", "Basel"]),
        (place("Tokyo", "Tokyo", "Japan"), ["Japan", "Tokyo"]),
        (place("New York City", "New York", "United States"), ["United States", "New York", "New York City"]),
        (place("York", "England", "United Kingdom"), ["United Kingdom", "England", "York"]),
        (place("Yor", "Yorkshire", "United Kingdom"), ["United Kingdom", "Yorkshire", "Yor"]),
        (place("Nowhere", "", ""), ["Nowhere"]),
    ],
)
def test_no_name_is_told_twice(there: Place, names: list[str]) -> None:
    assert [each.name for each in classes(there)] == names
    assert sorted(tags(there)) == sorted(names)


@pytest.mark.parametrize(
    ("km", "names"),
    [
        (0, ["Munich", "Germany", "Bavaria"]),
        (10, ["Munich", "Germany", "Bavaria"]),
        (11, ["Germany", "Bavaria"]),
        (26, ["Germany"]),
        (51, []),
        (4000, []),
    ],
)
def test_far_away_less_is_told(km: float, names: list[str]) -> None:
    assert sorted(tags(place(km=km))) == sorted(names)


@given(st.floats(0, 20_000), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_scores_fall_from_country_to_city(km: float, city: str, region: str, country: str) -> None:
    told = list(classes(place(city, region, country, km)))
    assert [each.score for each in told] == sorted((each.score for each in told), reverse=True)
    assert all(0 <= each.score <= 1 for each in told)
    assert len({each.name for each in told}) == len(told)
    assert all(each.name for each in told)
