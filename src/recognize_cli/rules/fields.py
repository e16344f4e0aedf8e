"""The fields of one rule, checked; both file formats share them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.errors import RulesError
from recognize_cli.rules.document import Items, Map, Place, Text
from recognize_cli.rules.engine import CONSIDERED, NameRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.rules.document import Node

KNOWN = ("label", "categories", "threshold", "see")
NAME_KEYS = ("threshold", "categories", "most")

Notice = tuple[Place, str]
"""What in a file has no effect, and where."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TAG = 64  # what Nextcloud takes
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule as it is written; None stands for a field that is not there."""

    key: str
    place: Place
    label: str | None = None
    categories: tuple[str, ...] | None = None
    threshold: float | None = None
    see: str | None = None


def read_entry(key: str, node: Node, place: Place) -> Entry:
    """The rule under a key. Fields other than `KNOWN` are left to the caller. Raises RulesError."""
    if isinstance(node, Text) and node.is_null:
        return Entry(key, place)
    if not isinstance(node, Map):
        raise RulesError(where=node.place, problem=f"`{key}`: write {', '.join(KNOWN)} below it")
    given = {
        name: (f"`{name}` of `{key}`", value)
        for name, value in node.entries.items()
        if not (isinstance(value, Text) and value.is_null)
    }
    return Entry(
        key,
        place,
        label=_tag(*given["label"]) if "label" in given else None,
        categories=_tags(*given["categories"]) if "categories" in given else None,
        threshold=read_threshold(*given["threshold"]) if "threshold" in given else None,
        see=_text(*given["see"]) if "see" in given else None,
    )


def read_threshold(what: str, node: Node) -> float:
    """A number from 0 to 1; ``what`` names the field in the message. Raises RulesError."""
    written = node.value if isinstance(node, Text) and node.plain else ""
    number = float(written) if _NUMBER.fullmatch(written) else -1
    if not 0 <= number <= 1:
        raise RulesError(where=node.place, problem=f"{what} must be a number from 0 to 1, without quotes")
    return number


def read_names(name: str, node: Map) -> NameRule:
    """The section of a recognizer whose classes are names. Raises RulesError."""
    what = {key: f"`{key}` of `{name}`" for key in NAME_KEYS}
    if "threshold" not in node.entries:
        problem = f"`{name}` has no `threshold`; give it one"
        raise RulesError(where=node.place, problem=problem)
    given = {key: (what[key], value) for key, value in node.entries.items()}
    return NameRule(
        read_threshold(*given["threshold"]),
        _tags(*given["categories"]) if "categories" in given else (),
        _count(*given["most"]) if "most" in given else 1,
    )


def chain(entry: Entry, find: Callable[[str], Entry | None]) -> list[Entry]:
    """A rule and those that it points to with `see`, one after the other.

    Raises RulesError for a `see` that leads nowhere, in a circle or on and on.
    """
    links = [entry]
    while (target := links[-1].see) is not None:
        last = links[-1]
        found = find(target)
        if found is None:
            raise RulesError(where=last.place, problem=f"`{last.key}`: see: there is no rule `{target}`")
        links.append(found)
        if found in links[:-1]:
            circle = " -> ".join(f"`{link.key}`" for link in links[links.index(found) :])
            raise RulesError(where=last.place, problem=f"see goes in a circle: {circle}; take one out")
        if len(links) > _LONGEST_CHAIN:
            problem = (
                f"`{entry.key}`: see leads over more than {_LONGEST_CHAIN} rules; point it to the last one"
            )
            raise RulesError(where=entry.place, problem=problem)
    return links


def _count(what: str, node: Node) -> int:
    written = node.value if isinstance(node, Text) and node.plain else ""
    number = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= number <= CONSIDERED:
        problem = f"{what} must be a whole number from 1 to {CONSIDERED}, without quotes"
        raise RulesError(where=node.place, problem=problem)
    return number


def _text(what: str, node: Node) -> str:
    if not isinstance(node, Text) or not node.value.strip():
        raise RulesError(where=node.place, problem=f"{what} must be a text")
    return node.value.strip()


def _tag(what: str, node: Node) -> str:
    """A tag, its first letter in upper case."""
    tag = _text(what, node)
    if len(tag) > _LONGEST_TAG or not tag.isprintable():
        problem = f"{what} must be at most {_LONGEST_TAG} printable characters"
        raise RulesError(where=node.place, problem=problem)
    return tag[0].upper() + tag[1:]


def _tags(what: str, node: Node) -> tuple[str, ...]:
    if not isinstance(node, Items):
        raise RulesError(where=node.place, problem=f"{what} must be a list, such as [Animal, Pet]")
    return tuple(_tag(f"an item in {what}", item) for item in node.items)
