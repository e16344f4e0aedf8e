"""Reads a rules file, whichever of the two formats it is in."""

from __future__ import annotations

from pathlib import Path

from recognize_cli.labels import Label, load_labels
from recognize_cli.rules.classes import Classes
from recognize_cli.rules.document import read_document
from recognize_cli.rules.engine import Rule, RuleSet
from recognize_cli.rules.native import is_native, read_native
from recognize_cli.rules.upstream import read_upstream

OBJECTS = "objects"
"""The recognizer that the flat rules of Recognize are for."""

LABELS = {OBJECTS: "imagenet1k", "music": "msd50", "actions": "kinetics600"}
"""By recognizer, the classes that rules may name; a section of a rules file bears its name."""


NAMED = ("landmarks", "places")
"""The recognizers whose classes are names; they too have a section each."""


def load_rules(path: Path | str) -> RuleSet:
    """The rules in a file: our format, or the flat one of Recognize. Raises RulesError."""
    document = read_document(Path(path))
    classes = {name: Classes(load_labels(labels)) for name, labels in LABELS.items()}
    if is_native(document):
        tables, names, notices = read_native(document, classes, NAMED)
    else:
        rules, notices = read_upstream(document, classes[OBJECTS])
        tables, names = {OBJECTS: rules}, {}
    warnings = tuple(f"{place}: {text}" for place, text in sorted(notices))
    return RuleSet(tables, warnings, names)


def by_class(rules: RuleSet, recognizer: str = OBJECTS) -> list[tuple[Label, Rule]]:
    """Every class that rules for a recognizer may name, in its model's order, with its rule."""
    labels = load_labels(LABELS[recognizer])
    return [(label, rules.find(recognizer, label.name, label.id) or Rule()) for label in labels]
