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
"""The recognizer that the rules are for."""

LABELS = "imagenet1k"
"""The classes that rules for objects may name."""


def load_rules(path: Path | str) -> RuleSet:
    """The rules in a file: our format, or the flat one of Recognize. Raises RulesError."""
    document = read_document(Path(path))
    read = read_native if is_native(document) else read_upstream
    table, notices = read(document, Classes(load_labels(LABELS)))
    warnings = tuple(f"{place}: {text}" for place, text in sorted(notices))
    return RuleSet({OBJECTS: table}, warnings)


def by_class(rules: RuleSet) -> list[tuple[Label, Rule]]:
    """Every class that rules for objects may name, in the model's order, with its rule."""
    labels = load_labels(LABELS)
    return [(label, rules.find(OBJECTS, label.name, label.id) or Rule()) for label in labels]
