"""The format of our own rules.yml; its header says what it means.

.. code-block:: yaml

    version: 1
    objects:
      defaults: {threshold: 0.4}
      shared:
        cat: {label: Cat, categories: [Animal], threshold: 0.25}
      classes:
        n02123045 tabby: {see: cat}
    music:
      classes:
        jazz: {label: Jazz, threshold: 0.15}
    landmarks: {threshold: 0.9, categories: [Landmark]}
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recognize_cli.errors import RulesError
from recognize_cli.rules.document import Map, Text
from recognize_cli.rules.engine import Rule
from recognize_cli.rules.fields import KNOWN, NAME_KEYS, chain, read_entry, read_names, read_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recognize_cli.rules.classes import Classes
    from recognize_cli.rules.engine import NameRule
    from recognize_cli.rules.fields import Entry, Notice

VERSION = "1"


def is_native(document: Map) -> bool:
    """Whether a file is in this format, and not in the flat one of Recognize."""
    return "version" in document.entries or "objects" in document.entries


def read_native(
    document: Map, classes: Mapping[str, Classes], named: Sequence[str] = ()
) -> tuple[dict[str, dict[str, Rule]], dict[str, NameRule], list[Notice]]:
    """The rules of each section that is there, those for names, and warnings.

    ``classes`` are by the name of the section, which is that of the recognizer. The rules of a section are by
    the key of the class (`recognize_cli.labels`) and by its name where only one class has it. ``named`` are
    the sections of recognizers whose classes are names. Raises RulesError.
    """
    _only(document, ("version", *classes, *named), "the file")
    _check_version(document)
    names = {name: read_names(name, _names(document, name)) for name in named if name in document.entries}
    tables: dict[str, dict[str, Rule]] = {}
    notices: list[Notice] = []
    sections = [name for name in classes if name in document.entries]
    for name in sections if sections or names else list(classes)[:1]:
        tables[name], found = _section(document, name, classes[name])
        notices += found
    return tables, names, notices


def _names(document: Map, name: str) -> Map:
    section = _part(document, name, NAME_KEYS)
    return replace(section, place=document.places[name])


def _section(document: Map, name: str, classes: Classes) -> tuple[dict[str, Rule], list[Notice]]:
    section = _part(document, name, ("defaults", "shared", "classes"))
    default = _part(section, "defaults", ("threshold",)).entries.get("threshold")
    threshold = read_threshold("`threshold` of `defaults`", default) if default else None
    shared = {entry.key: entry for entry in _entries(_part(section, "shared"))}
    by_key = _by_key(_entries(_part(section, "classes")), classes)
    if not by_key:
        problem = f"there are no rules; write them below `{name}`, `classes`"
        raise RulesError(where=document.places.get(name, document.place), problem=problem)
    unused = set(shared)

    def find(key: str) -> Entry | None:
        if key in shared:
            unused.discard(key)
            return shared[key]
        found = classes.matching(key)
        return by_key.get(found[0].key) if len(found) == 1 else None

    for entry in shared.values():
        chain(entry, find)
    rules = {key: _merge(chain(entry, find), threshold) for key, entry in by_key.items()}
    names = {
        label.name.lower(): rules[label.key]
        for label in classes.labels
        if label.key in rules and len(classes.matching(label.name)) == 1
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


def _by_key(entries: list[Entry], classes: Classes) -> dict[str, Entry]:
    by_key: dict[str, Entry] = {}
    for entry in entries:
        class_key = _class_key(entry, classes)
        if class_key in by_key:
            problem = f"`{entry.key}` is the same class as `{by_key[class_key].key}`; keep one of the two"
            raise RulesError(where=entry.place, problem=problem)
        by_key[class_key] = entry
    return by_key


def _class_key(entry: Entry, classes: Classes) -> str:
    found = classes.matching(entry.key)
    if len(found) == 1:
        return found[0].key
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
