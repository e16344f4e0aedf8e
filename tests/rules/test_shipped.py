"""The rules.yml and the class names that ship: complete, tidy and fit for other people's photos."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest

from recognize_cli.labels import load_labels
from recognize_cli.resources import shipped
from recognize_cli.rules import NameRule, RuleSet, by_class, load_rules

SHARED = Path(__file__).parents[3] / "shared"

CATEGORIES = {
    "Animal", "Bear", "Bird", "Fish", "Insect", "Reptile", "Landscape", "Nature", "Plant", "Underwater",
    "Snow", "Food", "Fruit", "Dessert", "Drink", "Vehicle", "Boat", "Car", "Truck", "Building",
    "Architecture", "Street", "Sport", "Music", "Furniture", "Kitchen", "Bathroom", "Electronics", "Tool",
    "Garden", "Toy",
}  # fmt: skip

UNWANTED = re.compile(
    r"\b(gun|rifle|revolver|weapon|missile|cannon|guillotine|holster|prison|bra|brassiere|bikini|underwear|nipple"
    r"|diaper|bib|toilet|towel|tissue|plunger|band|nail|screw|mask|wig|crutch|syringe|stretcher|stethoscope|pill"
    r"|oxygen|bulletproof|uniform|suit|tie|gown|abaya|vestment|prayer|altar|ape|gorilla|chimpanzee|orangutan|lipstick"
    r"|perfume|lotion|packet|envelope|wallet|purse|carton|hook|chain|coil|switch|bubble|person|man|woman|face)\b",
    re.IGNORECASE,
)
TAGLESS = (
    "assault rifle", "rifle", "revolver", "cannon", "missile", "projectile", "guillotine", "holster",
    "scabbard", "hatchet", "bulletproof vest", "military uniform", "brassiere", "bikini", "swimming trunks",
    "miniskirt", "nipple", "diaper", "bib", "Band Aid", "bath towel", "toilet seat", "toilet tissue",
    "plunger", "nail", "screw", "mask", "gasmask", "ski mask", "oxygen mask", "neck brace", "crutch",
    "syringe", "stretcher", "stethoscope", "pill bottle", "wig", "lipstick", "abaya", "vestment",
    "prayer rug", "prison", "suit", "Windsor tie", "bow tie", "jersey", "lab coat", "sunglasses",
)  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules(shipped("rules.yml"))


@pytest.fixture(scope="module")
def vocabulary(rules: RuleSet) -> set[str]:
    return {tag for _, rule in by_class(rules) for tag in rule.tags}


def test_there_are_1000_classes_in_the_order_of_their_ids() -> None:
    ids = [label.id for label in load_labels("imagenet1k")]
    assert len(ids) == 1000
    assert ids == sorted(set(ids))


def test_every_class_has_a_rule_and_nothing_in_the_file_is_idle(rules: RuleSet) -> None:
    assert {label.id for label in load_labels("imagenet1k")} <= rules.tables["objects"].keys()
    assert rules.warnings == ()


def test_every_class_is_in_the_file_once_with_id_and_name() -> None:
    text = shipped("rules.yml").read_text("utf-8")
    keys = re.findall(r"^    (n\d{8} .+?): ", text, re.MULTILINE)
    assert sorted(keys) == [str(label) for label in load_labels("imagenet1k")]


def test_the_vocabulary_is_one_that_a_person_can_know(vocabulary: set[str]) -> None:
    assert 150 <= len(vocabulary) <= 265
    assert all(re.fullmatch(r"[A-Z][a-z]+([ -][a-z]+)?", tag) for tag in vocabulary)


def test_no_tag_is_another_one_in_the_plural(vocabulary: set[str]) -> None:
    lower = {tag.lower() for tag in vocabulary}
    assert len(lower) == len(vocabulary)
    assert not {tag for tag in lower if {tag + "s", tag + "es", tag[:-1] + "ies"} & lower}


def test_categories_are_those_that_are_known(rules: RuleSet) -> None:
    assert {category for _, rule in by_class(rules) for category in rule.categories} == CATEGORIES


def test_a_label_always_comes_with_the_same_categories(rules: RuleSet) -> None:
    categories = defaultdict(set)
    for _, rule in by_class(rules):
        categories[rule.label].add(rule.categories)
    del categories[None]
    assert {label: found for label, found in categories.items() if len(found) > 1} == {}


def test_thresholds_are_in_the_range_that_was_measured(rules: RuleSet) -> None:
    assert all(0.3 <= rule.threshold <= 0.6 for _, rule in by_class(rules) if rule.tags)


def test_no_tag_is_silly_or_intrusive(vocabulary: set[str]) -> None:
    assert {tag for tag in vocabulary if UNWANTED.search(tag)} == set()


@pytest.mark.parametrize("name", TAGLESS)
def test_a_class_that_could_hurt_or_amuse_gives_no_tag(rules: RuleSet, name: str) -> None:
    rule = rules.find("objects", name)
    assert rule is not None
    assert rule.tags == ()


def test_primates_need_a_high_score_and_apes_are_only_animals(rules: RuleSet) -> None:
    first, last = "n02480495", "n02500267"
    primates = {label.name: rule for label, rule in by_class(rules) if first <= label.key <= last}
    assert len(primates) == 20
    assert min(rule.threshold for rule in primates.values()) == 0.5
    apes = [primates[name] for name in ("orangutan", "gorilla", "chimpanzee", "gibbon", "siamang")]
    assert {rule.tags for rule in apes} == {("Animal",)}


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("tabby", ("Cat", "Animal")),
        ("golden retriever", ("Dog", "Animal")),
        ("robin", ("Bird", "Animal")),
        ("seashore", ("Beach", "Landscape", "Nature")),
        ("pizza", ("Pizza", "Food")),
        ("sports car", ("Car", "Vehicle")),
        ("castle", ("Castle", "Building")),
        ("soccer ball", ("Soccer", "Sport")),
        ("daisy", ("Flower", "Plant", "Nature")),
        ("acoustic guitar", ("Guitar", "Music")),
    ],
)
def test_what_people_photograph_gets_the_words_that_they_would_use(
    rules: RuleSet, name: str, tags: tuple[str, ...]
) -> None:
    rule = rules.find("objects", name)
    assert rule is not None
    assert rule.tags == tags


def test_every_tag_of_music_has_a_rule(rules: RuleSet) -> None:
    assert {label.key for label in load_labels("msd50")} <= rules.tables["music"].keys()
    silent = {label.name for label, rule in by_class(rules, "music") if not rule.tags}
    assert silent == {"60s", "70s", "80s", "90s", "00s", "oldies", "beautiful", "catchy", "sexy"}


def test_only_sure_landmarks_are_named(rules: RuleSet) -> None:
    assert rules.names["landmarks"] == NameRule(0.9, ("Landmark",))


def test_the_words_for_music_are_few(rules: RuleSet) -> None:
    words = {tag for _, rule in by_class(rules, "music") for tag in rule.tags}
    assert len(words) == 33
    assert all(re.fullmatch(r"[A-Z][a-z]+([ -][a-z]+)?|R&B", word) for word in words)
    assert all(0.1 < rule.threshold <= 0.3 for _, rule in by_class(rules, "music") if rule.tags)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("jazz", ("Jazz",)),
        ("heavy metal", ("Metal",)),
        ("hard rock", ("Hard rock", "Rock")),
        ("indie pop", ("Indie", "Pop")),
        ("House", ("House", "Electronic", "Dance")),
        ("hip-hop", ("Hip-hop",)),
        ("female vocalist", ("Female voice",)),
        ("chill", ("Chillout",)),
    ],
)
def test_music_gets_the_words_that_people_would_use(rules: RuleSet, name: str, tags: tuple[str, ...]) -> None:
    rule = rules.find("music", name)
    assert rule is not None
    assert rule.tags == tags


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")
def test_names_are_those_of_the_labelled_photos() -> None:
    labels = load_labels("imagenet1k")
    with (SHARED / "data" / "photos" / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            label = labels[int(row["class_index"])]
            assert (label.id, label.name) == (row["wnid"], row["name"])
