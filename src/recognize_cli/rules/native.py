"""The format of our own rules.yml; its header says what it means.

.. code-block:: yaml

    version: 1
    objects:
      defaults: {threshold: 0.4}
      shared:
        cat: {label: Cat, categories: [Animal], threshold: 0.25}
      classes:
        n02123045 tabby: {see: cat}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.errors import RulesError
from recognize_cli.rules.document import Map, Text
from recognize_cli.rules.engine import Rule
from recognize_cli.rules.fields import KNOWN, chain, read_entry, read_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.rules.classes import Classes
    from recognize_cli.rules.fields import Entry, Notice

VERSION = "1"


def is_native(document: Map) -> bool:
    """Whether a file is in this format, and not in the flat one of Recognize."""
    return "version" in document.entries or "objects" in document.entries


def read_native(document: Map, classes: Classes) -> tuple[dict[str, Rule], list[Notice]]:
    """The rules for objects, by id and by name where only one class has it, and warnings.

    Raises RulesError.
    """
    _only(document, ("version", "objects"), "the file")
    _check_version(document)
    objects = _part(document, "objects", ("defaults", "shared", "classes"))
    default = _part(objects, "defaults", ("threshold",)).entries.get("threshold")
    threshold = read_threshold("`threshold` of `defaults`", default) if default else None
    shared = {entry.key: entry for entry in _entries(_part(objects, "shared"))}
    by_id = _by_id(_entries(_part(objects, "classes")), classes)
    if not by_id:
        problem = "there are no rules; write them below `objects`, `classes`"
        raise RulesError(where=document.place, problem=problem)
    unused = set(shared)

    def find(key: str) -> Entry | None:
        if key in shared:
            unused.discard(key)
            return shared[key]
        found = classes.matching(key)
        return by_id.get(found[0].id) if len(found) == 1 else None

    for entry in shared.values():
        chain(entry, find)
    rules = {class_id: _merge(chain(entry, find), threshold) for class_id, entry in by_id.items()}
    names = {
        label.name.lower(): rules[label.id]
        for label in classes.labels
        if label.id in rules and len(classes.matching(label.name)) == 1
    }
    return names | rules, [(shared[key].place, f"no rule has `see: {key}`") for key in unused]


def _check_version(document: Map) -> None:
    version = document.entries.get("version")
    if not isinstance(version, Text) or version.value != VERSION:
        place = version.place if version else document.place
        problem = f"`version` must be {VERSION}, the only one that this recognize reads"
        raise RulesError(where=place, problem=problem)


def _part(parent: Map, name: str, known: Sequence[str] = ()) -> Map:
    """The map under a key, an empty one if it is not there."""
    node = parent.entries.get(name)
    if node is None or (isinstance(node, Text) and node.is_null):
        return Map(parent.place)
    if not isinstance(node, Map):
        raise RulesError(where=node.place, problem=f"`{name}` must be a map: lines of the form `key: value`")
    if known:
        _only(node, known, f"`{name}`")
    return node


def _only(node: Map, known: Sequence[str], what: str) -> None:
    for key, place in node.places.items():
        if key not in known:
            problem = f"unknown key `{key}` in {what}; known are {', '.join(known)}"
            raise RulesError(where=place, problem=problem)


def _entries(part: Map) -> list[Entry]:
    for key, node in part.entries.items():
        if isinstance(node, Map):
            _only(node, KNOWN, f"`{key}`")
    return [read_entry(key, node, part.places[key]) for key, node in part.entries.items()]


def _by_id(entries: list[Entry], classes: Classes) -> dict[str, Entry]:
    by_id: dict[str, Entry] = {}
    for entry in entries:
        class_id = _class_id(entry, classes)
        if class_id in by_id:
            problem = f"`{entry.key}` is the same class as `{by_id[class_id].key}`; keep one of the two"
            raise RulesError(where=entry.place, problem=problem)
        by_id[class_id] = entry
    return by_id


def _class_id(entry: Entry, classes: Classes) -> str:
    found = classes.matching(entry.key)
    if len(found) == 1:
        return found[0].id
    if found:
        several = " or ".join(f"`{label}`" for label in found)
        problem = f"`{entry.key}` names several classes; write {several}"
    else:
        nearest = " or ".join(f"`{name}`" for name in classes.nearest(entry.key))
        problem = f"`{entry.key}` names no class of the model" + (f"; is it {nearest}?" if nearest else "")
    raise RulesError(where=entry.place, problem=problem)


def _merge(links: list[Entry], default: float | None) -> Rule:
    """One rule of a chain: what a link says itself goes before what it points to, a null says nothing."""
    label = next((link.label for link in links if link.label is not None), None)
    categories = next((link.categories for link in links if link.categories is not None), ())
    threshold = next((link.threshold for link in links if link.threshold is not None), default)
    if threshold is None:
        if not label and not categories:
            return Rule()
        entry = links[0]
        problem = f"`{entry.key}` has no `threshold`; give it one, or set one for all under `defaults`"
        raise RulesError(where=entry.place, problem=problem)
    return Rule(label, categories, threshold)
