"""The shipped rules for actions: complete, tidy, and fit for other people's videos."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from recognize_cli.labels import load_labels
from recognize_cli.resources import shipped
from recognize_cli.rules import RuleSet, by_class, load_rules

CATEGORIES = {
    "Sport", "Ball game", "Water sport", "Winter sport", "Gymnastics", "Athletics", "Martial arts", "Fitness",
    "Dance", "Music", "Cooking", "Food", "Animal", "Craft", "Art", "Construction", "Housework", "Gardening",
    "Game", "Celebration", "Show",
}  # fmt: skip

TAGLESS = (
    "arguing", "bandaging", "bull fighting", "burping", "calculating", "crying", "cutting nails",
    "drinking shots", "drooling", "dumpster diving", "faceplanting", "getting a piercing",
    "getting a tattoo", "headbutting", "hugging (not baby)", "kissing", "licking", "lock picking",
    "marriage proposal", "massaging back", "pushing wheelchair", "putting on lipstick",
    "putting on sari", "shaving head", "shaving legs", "sign language interpreting", "slapping",
    "sleeping", "smelling feet", "smoking", "smoking hookah", "staring", "tagging graffiti",
    "testifying", "throwing tantrum", "tickling", "using atm", "using inhaler", "waxing chest",
    "washing feet", "yawning",
)  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules(shipped("rules.yml"))


def test_every_action_has_a_rule() -> None:
    text = shipped("rules.yml").read_text("utf-8").partition("\nactions:\n")[2]
    keys = re.findall(r"^    (.+?): \{", text.partition("  classes:\n")[2], re.MULTILINE)
    assert sorted(keys) == sorted(label.name for label in load_labels("kinetics600"))


def test_the_vocabulary_is_one_that_a_person_can_know(rules: RuleSet) -> None:
    tags = {tag for _, rule in by_class(rules, "actions") for tag in rule.tags}
    assert 200 <= len(tags) <= 280
    assert all(re.fullmatch(r"[A-Z][a-z]+([ -][a-z]+)?", tag) for tag in tags)
    lower = {tag.lower() for tag in tags | {tag for _, rule in by_class(rules) for tag in rule.tags}}
    assert not {tag for tag in lower if {tag + "s", tag + "es", tag[:-1] + "ies"} & lower}


def test_categories_are_those_that_are_known(rules: RuleSet) -> None:
    found = {category for _, rule in by_class(rules, "actions") for category in rule.categories}
    assert found == CATEGORIES


def test_a_label_always_comes_with_the_same_categories(rules: RuleSet) -> None:
    categories = defaultdict(set)
    for _, rule in by_class(rules, "actions"):
        categories[rule.label].add(rule.categories)
    del categories[None]
    assert {label: found for label, found in categories.items() if len(found) > 1} == {}


def test_thresholds_are_in_the_range_that_was_measured(rules: RuleSet) -> None:
    assert {rule.threshold for _, rule in by_class(rules, "actions") if rule.tags} == {0.4, 0.5, 0.8}


@pytest.mark.parametrize("name", TAGLESS)
def test_a_class_that_could_hurt_or_bore_gives_no_tag(rules: RuleSet, name: str) -> None:
    rule = rules.find("actions", name)
    assert rule is not None
    assert rule.tags == ()


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("hitting baseball", ("Baseball", "Ball game", "Sport")),
        ("surfing water", ("Surfing", "Water sport", "Sport")),
        ("carving ice", ("Ice carving", "Art")),
        ("blowing out candles", ("Birthday", "Celebration")),
        ("playing cello", ("Cello", "Music")),
        ("making snowman", ("Snow",)),
    ],
)
def test_an_action_gives_its_tags(rules: RuleSet, name: str, tags: tuple[str, ...]) -> None:
    rule = rules.find("actions", name)
    assert rule is not None
    assert rule.tags == tags
