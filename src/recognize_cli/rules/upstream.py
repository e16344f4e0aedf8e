"""The flat rules.yml of Recognize for Nextcloud, as it reads it itself.

.. code-block:: yaml

    tabby:
      label: cat
      threshold: 0.1
      categories: [animal]
    tiger cat:
      see: tabby

A key is the first name of a class, or any word that rules point to with `see`; of a rule with `see`
nothing else counts. Recognize itself never looks at `priority` and `context`, and a rule without a
threshold never gives a tag, nor does a sum that it has part in. What its own file misspells is no
error there, so it is a warning here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import RulesError
from recognize_cli.rules.document import Map
from recognize_cli.rules.engine import NEVER, Rule
from recognize_cli.rules.fields import KNOWN, chain, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recognize_cli.rules.classes import Classes
    from recognize_cli.rules.fields import Entry, Notice

_UNUSED = ("priority", "context")


def read_upstream(document: Map, classes: Classes) -> tuple[dict[str, Rule], list[Notice]]:
    """The rules by lower-case name of the class, and warnings. Raises RulesError."""
    entries = _entries(document)
    known = {label.name.lower() for label in classes.labels}
    if not known & entries.keys():
        problem = "none of its keys is the name of a class, or `version: 1`; is this a rules file?"
        raise RulesError(where=document.place, problem=problem)
    asked: set[str] = set()

    def find(key: str) -> Entry | None:
        asked.add(key.lower())
        return entries.get(key.lower())

    rules = {name: _rule(chain(entry, find)[-1]) for name, entry in entries.items()}
    idle = [entry for name, entry in entries.items() if name not in known and name not in asked]
    warnings = [
        (entry.place, f"`{entry.key}` names no class of the model, and no rule points to it")
        for entry in idle
    ]
    return rules, [*warnings, *_oddities(document, entries)]


def _entries(document: Map) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for key, node in document.entries.items():
        entry = read_entry(key, node, document.places[key])
        if before := entries.get(key.lower()):
            problem = f"`{key}` is the same class as `{before.key}`; keep one of the two"
            raise RulesError(where=entry.place, problem=problem)
        entries[key.lower()] = entry
    return entries


def _rule(entry: Entry) -> Rule:
    threshold = NEVER if entry.threshold is None else entry.threshold
    return Rule(entry.label, entry.categories or (), threshold)


def _oddities(document: Map, entries: Mapping[str, Entry]) -> Iterator[Notice]:
    """What a person surely meant to have an effect."""
    for key, node in document.entries.items():
        for field, place in node.places.items() if isinstance(node, Map) else ():
            if field not in (*KNOWN, *_UNUSED):
                yield place, f"`{key}` has the unknown key `{field}`, which does nothing"
    for entry in entries.values():
        if entry.threshold is None and (entry.label or entry.categories) and not entry.see:
            yield entry.place, f"`{entry.key}` has no threshold, so it never gives a tag"
